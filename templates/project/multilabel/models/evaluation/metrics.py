"""Metrics of several labels a row; NaN where one is not defined.

Average precision, ROC AUC and F1 are means over labels, micro F1 counts all pairs of row and label alike, and the others
are means over rows. They are scikit-learn's, with three answers where scikit-learn warns or has a convention of its own: a
label that no row or every row has is left out of ranking metrics, one that no row has or is given is left out of F1, and a
row that has no label and is given none is worth 1 to Jaccard's coefficient.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from models.training.prediction import CHOSEN, PROBABILITIES, as_answers

TINY = float(np.finfo(float).eps)  # a probability of 0 for what came true costs 36, not infinity

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def _mean_over_labels(metric: Callable[..., float]) -> Metric:
    def compute(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
        rows = actual.sum(axis=0)
        codes = np.flatnonzero((rows > 0) & (rows < len(actual)))
        values = [metric(actual[:, code], probabilities[:, code]) for code in codes]
        return float(np.mean(values)) if values else float("nan")

    return compute


def _f1(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
    either = (actual + chosen).sum(axis=0)
    occurs = either > 0
    return float((2 * (actual * chosen).sum(axis=0)[occurs] / either[occurs]).mean()) if occurs.any() else float("nan")


def _micro_f1(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
    either = (actual + chosen).sum()
    return float(2 * (actual * chosen).sum() / either) if either else float("nan")


def _jaccard(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
    union = np.maximum(actual, chosen).sum(axis=1)
    return float(np.where(union > 0, (actual * chosen).sum(axis=1) / np.maximum(union, 1), 1.0).mean())


def _label_ranking(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
    """Of the labels ranked at least as high as a true one, the share that is true; mean over true labels, then rows."""
    # [row, label, other]: whether the other label is ranked at least as high as the label.
    above = probabilities[:, None, :] >= probabilities[:, :, None]
    share = (above & (actual[:, None, :] == 1)).sum(axis=2) / above.sum(axis=2)
    number = actual.sum(axis=1)
    mean = (share * actual).sum(axis=1) / np.maximum(number, 1)
    return float(np.where((number == 0) | (number == actual.shape[1]), 1.0, mean).mean())


def _log_loss(actual: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray) -> float:
    of_actual = np.where(actual == 1, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(of_actual, TINY, 1.0)).mean())


# Each takes, for n rows and k labels, arrays of shape (n, k): which row has a label, which is given it, and probabilities.
METRICS: dict[str, Metric] = {
    "average_precision": _mean_over_labels(metrics.average_precision_score),
    "roc_auc": _mean_over_labels(metrics.roc_auc_score),
    "f1": _f1,
    "micro_f1": _micro_f1,
    "jaccard": _jaccard,
    "label_ranking_average_precision": _label_ranking,
    "subset_accuracy": lambda actual, chosen, p: float((actual == chosen).all(axis=1).mean()),
    "hamming_loss": lambda actual, chosen, p: float((actual != chosen).mean()),
    "log_loss": _log_loss,
}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n, k)
        1 where a row has a label, 0 where it has not.
    table : pandas.DataFrame of n rows
        Columns ``p0`` to ``p{k-1}`` and ``c0`` to ``c{k-1}``.
    """
    chosen = table[CHOSEN].to_numpy().astype("int64")
    return METRICS[metric](actual, chosen, table[PROBABILITIES].to_numpy(float))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Tell `rows` rows the share of rows in `train` with each label, and choose the labels that half of them have."""
    return as_answers(np.tile(train.mean(axis=0), (rows, 1)), None)
