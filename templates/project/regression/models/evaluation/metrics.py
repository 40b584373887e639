"""Metrics of predicted numbers, as scikit-learn defines them; NaN where one is not defined."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from data.features.contract import PROBLEM

LEAST_EXPECTED = 1e-9  # an expected count of 0 for what did happen costs much, not infinity

Metric = Callable[[np.ndarray, np.ndarray], float]


def _r2(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(metrics.r2_score(actual, predicted)) if np.ptp(actual) > 0 else float("nan")


def _poisson_deviance(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Judge counts: an error of 5 weighs much where 2 are expected, and little where 500 are."""
    if (actual < 0).any():
        return float("nan")
    return float(metrics.mean_poisson_deviance(actual, np.maximum(predicted, LEAST_EXPECTED)))


def _pinball(actual: np.ndarray, predicted: np.ndarray) -> float:
    if PROBLEM.quantile is None:
        return float("nan")
    return float(metrics.mean_pinball_loss(actual, predicted, alpha=PROBLEM.quantile))


# Each takes, for n rows: actual and predicted numbers.
METRICS: dict[str, Metric] = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": _r2,
    "median_absolute_error": metrics.median_absolute_error,
    "poisson_deviance": _poisson_deviance,
    "pinball": _pinball,
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
    """Predict for `rows` rows the mean of `train`, its median where absolute errors decide, or the wanted quantile."""
    if PROBLEM.quantile is not None:
        return pd.DataFrame({"predicted": float(np.quantile(train, PROBLEM.quantile))}, index=range(rows))
    middle = np.median if PROBLEM.metric in {"mae", "median_absolute_error"} else np.mean
    return pd.DataFrame({"predicted": float(middle(train))}, index=range(rows))
