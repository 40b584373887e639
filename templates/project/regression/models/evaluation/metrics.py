"""Metrics of predicted numbers, as scikit-learn defines them; NaN where one is not defined."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from data.features.contract import PROBLEM

Metric = Callable[[np.ndarray, np.ndarray], float]


def _r2(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(metrics.r2_score(actual, predicted)) if np.ptp(actual) > 0 else float("nan")


# Each takes, for n rows: actual and predicted numbers.
METRICS: dict[str, Metric] = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": _r2,
    "median_absolute_error": metrics.median_absolute_error,
}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n,)
        Numbers, in the target's unit.
    table : pandas.DataFrame of n rows
        Column ``predicted``.
    """
    return float(METRICS[metric](actual, table["predicted"].to_numpy(float)))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Predict for `rows` rows the mean of `train`, or its median where absolute errors decide."""
    middle = np.median if PROBLEM.metric in {"mae", "median_absolute_error"} else np.mean
    return pd.DataFrame({"predicted": float(middle(train))}, index=range(rows))
