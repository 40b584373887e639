"""Metrics of several classes, as scikit-learn defines them (macro averages); NaN where one is not defined."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from data.features.contract import PROBLEM

PROBABILITIES = [f"p{code}" for code in range(len(PROBLEM.classes))]
TINY = float(np.finfo(float).eps)  # a probability of 0 for what came true costs 36, not infinity

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def _log_loss(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    of_actual = probabilities[np.arange(len(actual)), actual]
    return float(-np.log(np.clip(of_actual, TINY, 1 - TINY)).mean())


def _brier(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    return float(((probabilities - np.eye(probabilities.shape[1])[actual]) ** 2).sum(axis=1).mean())


def _one_against_the_rest(metric: Callable[..., float]) -> Metric:
    """Mean over the classes that occur; a class that is all there is has no rest, and no value."""

    def compute(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
        codes = np.unique(actual)
        if len(codes) < 2:
            return float("nan")
        return float(np.mean([metric(actual == code, probabilities[:, code]) for code in codes]))

    return compute


def _shares(actual: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recall and precision of each class (0 where a class is never predicted), and whether it occurs at all."""
    classes = len(PROBLEM.classes)
    counts = np.bincount(actual * classes + predicted, minlength=classes**2).reshape(classes, classes)
    hits, rows, called = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    return hits / np.maximum(rows, 1), hits / np.maximum(called, 1), rows + called > 0


def _precision(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    _, precision, occurs = _shares(actual, predicted)
    return float(precision[occurs].mean())


def _recall(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    recall, _, occurs = _shares(actual, predicted)
    return float(recall[occurs].mean())


def _f1(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    recall, precision, occurs = _shares(actual, predicted)
    return float((2 * recall * precision / np.maximum(recall + precision, TINY))[occurs].mean())


def _balanced_accuracy(actual: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> float:
    return float(_shares(actual, predicted)[0][np.unique(actual)].mean())


# Each takes, for n rows and k classes: class codes (n,), predicted codes (n,) and probabilities (n, k).
METRICS: dict[str, Metric] = {
    "accuracy": lambda actual, predicted, p: float(np.mean(actual == predicted)),
    "balanced_accuracy": _balanced_accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "roc_auc": _one_against_the_rest(metrics.roc_auc_score),
    "average_precision": _one_against_the_rest(metrics.average_precision_score),
    "log_loss": _log_loss,
    "brier": _brier,
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
        Columns ``predicted`` (class codes) and ``p0`` to ``p{k-1}``.
    """
    predicted = table["predicted"].to_numpy().astype("int64")
    return METRICS[metric](actual, predicted, table[PROBABILITIES].to_numpy(float))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Predict for `rows` rows what the shares of the classes in `train` say."""
    shares = np.bincount(train, minlength=len(PROBLEM.classes)) / len(train)
    table = pd.DataFrame(np.tile(shares, (rows, 1)), columns=PROBABILITIES)
    return table.assign(predicted=float(shares.argmax()))
