"""How well a detector ranks: against planted anomalies, and against known ones where there are some."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from data.features.contract import PROBLEM

METRICS = ("planted_roc_auc", "average_precision", "roc_auc") if PROBLEM.target else ("planted_roc_auc",)


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score a detector; NaN where a metric is not defined.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n,)
        1 for known anomalies, 0 for rows known to be usual, NaN where nobody knows.
    table : pandas.DataFrame of n rows
        Columns ``predicted``, the anomaly score, and ``value``, how the row's spoilt copies rank among the real rows.
    """
    if metric == "planted_roc_auc":
        values = table["value"].to_numpy(float)
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    scores = table["predicted"].to_numpy(float)
    known = np.isfinite(actual) & np.isfinite(scores)
    if not 0 < actual[known].sum() < known.sum():
        return float("nan")
    function = average_precision_score if metric == "average_precision" else roc_auc_score
    return float(function(actual[known], scores[known]))


def baseline(train: np.ndarray, rows: int) -> pd.DataFrame:
    """Order rows by chance: every row is worth the same."""
    return pd.DataFrame({"predicted": 0.0, "value": 0.5}, index=range(rows))
