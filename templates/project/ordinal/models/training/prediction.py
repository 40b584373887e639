"""Turn a fitted classifier of levels into predictions: the level to call and the probability of each."""

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
    """Give no interval: a level has a probability instead."""
    return None


def more_about(_: np.ndarray, __: pd.DataFrame) -> dict[str, Any]:
    """Tell what serving needs to know beyond the predictions: nothing."""
    return {}


def called_level(probabilities: np.ndarray) -> np.ndarray:
    """Choose the level that is best for the metric that decides.

    That is the likeliest where only hits count, the mean where squared distances count, and the median, which is
    nearest on average, otherwise.
    """
    if PROBLEM.metric in {"accuracy", "balanced_accuracy", "log_loss"}:
        return probabilities.argmax(axis=1)
    highest = probabilities.shape[1] - 1
    if PROBLEM.metric == "quadratic_kappa":
        return np.floor(probabilities @ np.arange(highest + 1) + 0.5).astype("int64").clip(0, highest)
    return (np.cumsum(probabilities, axis=1) < 0.5 - 1e-9).sum(axis=1).clip(0, highest)


def predict(model: ClassifierMixin, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Predict codes of levels and probabilities.

    Parameters
    ----------
    model : classifier
        Fitted on the places of the levels, from 0; a level that it never met gets probability 0.
    features : pandas.DataFrame of shape (n, d)
        What `build_features` returned.
    threshold : float, optional
        Has no meaning here and is None.
    """
    probabilities = np.zeros((len(features), len(PROBLEM.classes)))
    probabilities[:, model.classes_.astype("int64")] = model.predict_proba(features)
    table = pd.DataFrame(probabilities, columns=PROBABILITIES, index=features.index)
    table.insert(0, "predicted", called_level(probabilities).astype("float64"))
    return table
