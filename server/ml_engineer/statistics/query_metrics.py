"""How well the rows of each query are ordered, as functions of row weights.

A tie is worth what its orders are worth on average, in closed form (McSherry and Najork 2008, Computing information
retrieval performance measures efficiently in the presence of tied scores). One score for all rows is therefore worth
what a random order is worth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["CUTOFF", "average_precision_by_query", "mean_over_queries", "ndcg_by_query"]

CUTOFF = 10
"""Places that NDCG looks at."""

Floats = npt.NDArray[np.float64]
Weighted = Callable[[Floats], Floats]
Measure = Callable[[Floats, Floats], float]


def ndcg_by_query(relevance: Floats, scores: Floats, *, most: int = CUTOFF) -> float:
    """Normalised discounted cumulative gain of one query's first places.

    The gain of a row is its relevance, and its discount the binary logarithm of its place plus one, as scikit-learn's
    ``ndcg_score`` has it (Järvelin and Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques).

    Parameters
    ----------
    relevance : numpy.ndarray of shape (m,)
        Not negative, and not the same for all rows.
    scores : numpy.ndarray of shape (m,)
        Higher comes first.
    most : int
        Places that count.
    """
    discounts = 1 / np.log2(np.arange(2, len(scores) + 2))
    discounts[most:] = 0.0
    starts, sizes, order = _ties(scores)
    gains = np.add.reduceat(relevance[order], starts) / sizes
    reached = float(gains @ np.add.reduceat(discounts, starts))
    return reached / float(np.sort(relevance)[::-1] @ discounts)


def average_precision_by_query(relevance: Floats, scores: Floats) -> float:
    """Mean over one query's relevant rows of the share of relevant rows down to their place.

    Parameters
    ----------
    relevance : numpy.ndarray of shape (m,)
        A row is relevant if it is above zero; at least one is.
    scores : numpy.ndarray of shape (m,)
        Higher comes first.
    """
    starts, sizes, order = _ties(scores)
    relevant = np.add.reduceat((relevance[order] > 0).astype(float), starts)
    before = np.concatenate([[0.0], np.cumsum(relevant)[:-1]])
    tie = np.repeat(np.arange(len(starts)), sizes.astype(int))
    place = np.arange(1, len(scores) + 1)
    inside = place - 1 - starts[tie]
    # A relevant row at this place shares the places before it, inside its tie, with its equals.
    others = np.divide(relevant - 1, sizes - 1, out=np.zeros(len(sizes)), where=sizes > 1)
    above = before[tie] + 1 + inside * others[tie]
    return float(((relevant / sizes)[tie] * above / place).sum() / relevant.sum())


def mean_over_queries(
    measure: Measure, relevance: Floats, scores: Floats, queries: npt.NDArray[np.integer] | None
) -> Weighted:
    """The mean of `measure` over the queries that have something to order: rows of unequal relevance.

    Parameters
    ----------
    measure : callable
        ``measure(relevance, scores)`` of one query.
    relevance, scores : numpy.ndarray of shape (n,)
        All rows.
    queries : numpy.ndarray of shape (n,), optional
        Query of each row; without it the mean is undefined.

    Returns
    -------
    callable
        Weights of shape (r, n) to values of shape (r,); NaN where no query with something to order has weight. A query
        counts by the weight of its first row, for its rows are drawn together.
    """
    if queries is None or not len(queries):
        return lambda weights: np.full(len(weights), np.nan)
    order = np.argsort(queries, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(queries[order]) != 0])
    firsts, values = [], []
    for rows in np.split(order, starts[1:]):
        if np.ptp(relevance[rows]) > 0:
            firsts.append(rows[0])
            values.append(measure(relevance[rows], scores[rows]))
    known, by_query = np.array(firsts, dtype=np.intp), np.array(values, dtype=float)

    def compute(weights: Floats) -> Floats:
        drawn = weights[:, known]
        total = drawn.sum(axis=1)
        means: Floats = np.divide(drawn @ by_query, total, out=np.full(len(weights), np.nan), where=total > 0)
        return means

    return compute


def _ties(scores: Floats) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.intp]]:
    """Where each run of equal scores starts, its length, and the rows from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    return starts, np.diff(np.r_[starts, len(scores)]).astype(float), order
