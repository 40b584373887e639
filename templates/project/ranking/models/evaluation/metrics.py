"""Metrics of an order: means over the queries whose rows are not all equally relevant; NaN where there is none.

Rows with the same score are worth what all their orders are worth on average, so that one score for all rows is worth
what a random order is.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import ndcg_score

Measure = Callable[[np.ndarray, np.ndarray], float]


def ndcg_at_10(relevance: np.ndarray, scores: np.ndarray) -> float:
    """Score the first ten places of one query: gain is relevance, discounted by the logarithm of the place."""
    return float(ndcg_score([relevance], [scores], k=10))


def average_precision(relevance: np.ndarray, scores: np.ndarray) -> float:
    """Average, over the relevant rows (above zero) of one query, the share of relevant rows down to their place.

    In a run of equal scores each place is equally likely for each row (McSherry and Najork, 2008).
    """
    order = np.argsort(-scores, kind="stable")
    relevant = relevance[order] > 0
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    total, before = 0.0, 0
    for first, last in zip(starts, np.r_[starts[1:], len(scores)], strict=True):
        rows, hits = last - first, int(relevant[first:last].sum())
        places = np.arange(first + 1, last + 1)
        equals = np.arange(rows) * (hits - 1) / max(rows - 1, 1)  # relevant rows of the run that stand above
        total += hits / rows * float(((before + 1 + equals) / places).sum())
        before += hits
    return total / before


METRICS: dict[str, Measure] = {"ndcg_at_10": ndcg_at_10, "mean_average_precision": average_precision}


def by_query(metric: str, actual: np.ndarray, scores: np.ndarray) -> dict[int, float]:
    """Score each query that has something to order, by its number."""
    relevance, queries = actual[:, 0], actual[:, 1].astype("int64")
    order = np.argsort(queries, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(queries[order]) != 0])
    parts = [rows for rows in np.split(order, starts[1:]) if len(rows) and np.ptp(relevance[rows]) > 0]
    return {int(queries[rows[0]]): METRICS[metric](relevance[rows], scores[rows]) for rows in parts}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n, 2)
        Relevance and query number of each row.
    table : pandas.DataFrame of n rows
        Column ``predicted``: the score that orders the rows of a query, highest first.
    """
    values = by_query(metric, actual, table["predicted"].to_numpy(float))
    return float(np.mean(list(values.values()))) if values else float("nan")


def baseline(_: np.ndarray, rows: int) -> pd.DataFrame:
    """Give `rows` rows the same score, which is worth what a random order is."""
    return pd.DataFrame({"predicted": 0.0}, index=range(rows))
