"""Metrics of ordered levels: a miss by two levels is worse than by one; NaN where one is not defined."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from data.features.contract import PROBLEM
from models.training.prediction import called_level

PROBABILITIES = [f"p{code}" for code in range(len(PROBLEM.classes))]
TINY = float(np.finfo(float).eps)  # a probability of 0 for what came true costs 36, not infinity

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def _ranked_probability_score(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over rows and over the cuts between levels of the squared error of the probability of lying below."""
    below = actual[:, None] <= np.arange(probabilities.shape[1] - 1)
    return float(((np.cumsum(probabilities, axis=1)[:, :-1] - below) ** 2).mean())


def _quadratic_kappa(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights: 0 for predictions dealt out at random, 1 for perfect ones."""
    if len(np.unique(actual)) == 1 and len(np.unique(predicted)) == 1 and actual[0] == predicted[0]:
        return float("nan")
    return float(metrics.cohen_kappa_score(actual, predicted, weights="quadratic"))


def _log_loss(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    of_actual = probabilities[np.arange(len(actual)), actual]
    return float(-np.log(np.clip(of_actual, TINY, 1 - TINY)).mean())


def _balanced_accuracy(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    return float(np.mean([(predicted[actual == code] == code).mean() for code in np.unique(actual)]))


# Each takes, for n rows and k levels: codes (n,), predicted codes (n,) and probabilities (n, k).
METRICS: dict[str, Metric] = {
    "ranked_probability_score": _ranked_probability_score,
    "quadratic_kappa": _quadratic_kappa,
    "level_mae": lambda actual, predicted, p: float(np.abs(actual - predicted).mean()),
    "accuracy": lambda actual, predicted, p: float(np.mean(actual == predicted)),
    "balanced_accuracy": _balanced_accuracy,
    "log_loss": _log_loss,
}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n,)
        Codes of levels.
    table : pandas.DataFrame of n rows
        Columns ``predicted`` (codes) and ``p0`` to ``p{k-1}``.
    """
    predicted = table["predicted"].to_numpy().astype("int64")
    return METRICS[metric](actual, predicted, table[PROBABILITIES].to_numpy(float))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Predict for `rows` rows what the shares of the levels in `train` say."""
    shares = np.tile(np.bincount(train, minlength=len(PROBLEM.classes)) / len(train), (rows, 1))
    return pd.DataFrame(shares, columns=PROBABILITIES).assign(predicted=called_level(shares).astype("float64"))
