"""Turn a fitted model of several labels into predictions: the probability of each label, and which are chosen."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from data.features.contract import PROBLEM

PROBABILITIES = [f"p{code}" for code in range(len(PROBLEM.classes))]
CHOSEN = [f"c{code}" for code in range(len(PROBLEM.classes))]  # 1 where a label is chosen, 0 where it is not
USUAL_THRESHOLD = 0.5


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of predictions, one line a row, where nothing is predicted yet."""
    table = pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan})
    return table.assign(**dict.fromkeys([*PROBABILITIES, *CHOSEN], np.nan))


def learn_interval(actual: np.ndarray, table: pd.DataFrame, features: pd.DataFrame) -> dict[str, float] | None:
    """Give no interval: a label has a probability instead."""
    return None


def more_about(_: np.ndarray, __: pd.DataFrame) -> dict[str, Any]:
    """Tell what serving needs to know beyond the predictions: nothing."""
    return {}


def label_probabilities(model: ClassifierMixin, features: pd.DataFrame) -> np.ndarray:
    """Give the probability of each label, shape (n, k).

    scikit-learn's forests and neighbours give a list with an array for each label, whose columns are the values that the
    label had in training; its other models give a matrix.
    """
    given = model.predict_proba(features)
    if not isinstance(given, list):
        return np.asarray(given, dtype="float64")
    columns = []
    for part, values in zip(given, model.classes_, strict=True):
        met = [int(value) for value in values]
        columns.append(part[:, met.index(1)] if 1 in met else np.zeros(len(part)))
    return np.column_stack(columns).astype("float64")


def as_answers(probabilities: np.ndarray, threshold: float | None) -> pd.DataFrame:
    """Put probabilities of shape (n, k) beside what is chosen: labels from the threshold on, and their number."""
    chosen = (probabilities >= (USUAL_THRESHOLD if threshold is None else threshold)).astype("float64")
    table = pd.DataFrame(np.hstack([probabilities, chosen]), columns=[*PROBABILITIES, *CHOSEN])
    table.insert(0, "predicted", chosen.sum(axis=1))
    return table


def predict(model: ClassifierMixin, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Predict the probability of each label, and choose labels.

    Parameters
    ----------
    model : classifier
        Fitted on 0 and 1, one column a label.
    features : pandas.DataFrame of shape (n, d)
        What `build_features` returned.
    threshold : float, optional
        Probability from which a label is chosen, the same for all; one half without it.

    Returns
    -------
    pandas.DataFrame of n rows
        ``predicted``, the number of chosen labels, then ``p0`` to ``p{k-1}`` and ``c0`` to ``c{k-1}``.
    """
    return as_answers(label_probabilities(model, features), threshold).set_index(features.index)
