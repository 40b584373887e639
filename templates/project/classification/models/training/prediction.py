"""Turn a fitted classifier into predictions: class codes and the probability of each class."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from data.features.contract import PROBLEM

PROBABILITIES = [f"p{code}" for code in range(len(PROBLEM.classes))]


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of predictions, one line a row, where nothing is predicted yet."""
    table = pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan})
    return table.assign(**dict.fromkeys(PROBABILITIES, np.nan))


def learn_interval(actual: np.ndarray, table: pd.DataFrame, features: pd.DataFrame) -> dict[str, float] | None:
    """Give no interval: a class has a probability instead."""
    return None


def predict(model: ClassifierMixin, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Predict class codes and probabilities.

    Parameters
    ----------
    model : classifier
        Fitted on the labels as they stand in the data; a class that it never met gets probability 0.
    features : pandas.DataFrame of shape (n, d)
        What `build_features` returned.
    threshold : float, optional
        Probability from which the positive class is predicted; binary problems only.
    """
    probabilities = np.zeros((len(features), len(PROBLEM.classes)))
    probabilities[:, [PROBLEM.classes.index(str(label)) for label in model.classes_]] = model.predict_proba(features)
    predicted = probabilities.argmax(axis=1)
    if threshold is not None:
        positive = PROBLEM.positive_code
        predicted = np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)
    table = pd.DataFrame(probabilities, columns=PROBABILITIES, index=features.index)
    table.insert(0, "predicted", predicted.astype("float64"))
    return table


def more_about(_: np.ndarray, __: pd.DataFrame) -> dict[str, Any]:
    """Tell what serving needs to know beyond the predictions: nothing."""
    return {}
