"""Metrics of two classes, as scikit-learn defines them; NaN where one is not defined."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from data.features.contract import PROBLEM

POSITIVE = PROBLEM.positive_code
TINY = float(np.finfo(float).eps)  # a probability of 0 for what came true costs 36, not infinity

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def _log_loss(actual: np.ndarray, predicted: np.ndarray, probability: np.ndarray) -> float:
    of_actual = np.where(actual, probability, 1 - probability)
    return float(-np.log(np.clip(of_actual, TINY, 1 - TINY)).mean())


def _ranked(metric: Callable[..., float]) -> Metric:
    def compute(actual: np.ndarray, predicted: np.ndarray, probability: np.ndarray) -> float:
        return float(metric(actual, probability)) if 0 < actual.sum() < len(actual) else float("nan")

    return compute


def _expected_cost(actual: np.ndarray, predicted: np.ndarray, probability: np.ndarray) -> float:
    false_positive, false_negative = PROBLEM.false_positive_cost, PROBLEM.false_negative_cost
    if false_positive is None or false_negative is None:
        return float("nan")
    return float(np.mean((~actual & predicted) * false_positive + (actual & ~predicted) * false_negative))


# Each takes, for n rows: whether positive, whether called positive, and the probability of positive.
METRICS: dict[str, Metric] = {
    "accuracy": lambda actual, predicted, p: float(np.mean(actual == predicted)),
    "balanced_accuracy": lambda actual, predicted, p: float(metrics.balanced_accuracy_score(actual, predicted)),
    "precision": lambda actual, predicted, p: metrics.precision_score(actual, predicted, zero_division=np.nan),
    "recall": lambda actual, predicted, p: metrics.recall_score(actual, predicted, zero_division=np.nan),
    "f1": lambda actual, predicted, p: metrics.f1_score(actual, predicted, zero_division=np.nan),
    "roc_auc": _ranked(metrics.roc_auc_score),
    "average_precision": _ranked(metrics.average_precision_score),
    "log_loss": _log_loss,
    "brier": lambda actual, predicted, p: float(np.mean((p - actual) ** 2)),
    "expected_cost": _expected_cost,
}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n,)
        Class codes.
    table : pandas.DataFrame of n rows
        Columns ``predicted`` (class codes), ``p0`` and ``p1``.
    """
    called = table["predicted"].to_numpy() == POSITIVE
    return METRICS[metric](actual == POSITIVE, called, table[f"p{POSITIVE}"].to_numpy(float))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Predict for `rows` rows what the shares of the classes in `train` say."""
    shares = np.bincount(train, minlength=2) / len(train)
    return pd.DataFrame({"predicted": float(shares.argmax()), "p0": shares[0], "p1": shares[1]}, index=range(rows))
