"""Metrics that need an order, as functions of row weights: sorted once, then cumulative sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["average_precision", "roc_auc", "weighted_median"]

Floats = npt.NDArray[np.float64]
Weighted = Callable[[Floats], Floats]


def roc_auc(positive: npt.NDArray[np.bool_], scores: Floats) -> Weighted:
    """Area under the ROC curve: the chance that a positive row outranks a negative one, ties counting half.

    Parameters
    ----------
    positive : numpy.ndarray of shape (n,)
        Whether the row is positive.
    scores : numpy.ndarray of shape (n,)
        Higher means more likely positive.

    Returns
    -------
    callable
        Weights of shape (r, n) to values of shape (r,); NaN where all weight lies on one class.
    """
    group_sums = _sums_per_distinct_score(positive, scores)

    def compute(weights: Floats) -> Floats:
        positives, rows = group_sums(weights)
        negatives = rows - positives
        total_positive, total_negative = positives.sum(axis=1), negatives.sum(axis=1)
        # Scores fall from left to right: a positive outranks the negatives of all later groups.
        later = total_negative[:, None] - np.cumsum(negatives, axis=1)
        outranked = (positives * (later + negatives / 2)).sum(axis=1)
        return _divide(outranked, total_positive * total_negative)

    return compute


def average_precision(positive: npt.NDArray[np.bool_], scores: Floats) -> Weighted:
    """Mean precision over the positives, each at the threshold that just includes it.

    Parameters and return value as for `roc_auc`; NaN where no weight lies on positives.
    """
    group_sums = _sums_per_distinct_score(positive, scores)

    def compute(weights: Floats) -> Floats:
        positives, rows = group_sums(weights)
        hits, called = np.cumsum(positives, axis=1), np.cumsum(rows, axis=1)
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        return _divide((positives * precision).sum(axis=1), positives.sum(axis=1))

    return compute


def weighted_median(values: Floats) -> Weighted:
    """Weighted median of `values` (n,): the mean of the lower and the upper one, as for an even count."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]

    def compute(weights: Floats) -> Floats:
        cumulative = np.cumsum(weights[:, order], axis=1)
        half = cumulative[:, -1:] / 2
        last = len(ordered) - 1
        lower = np.minimum((cumulative < half).sum(axis=1), last)
        upper = np.minimum((cumulative <= half).sum(axis=1), last)
        result = (ordered[lower] + ordered[upper]) / 2
        return np.where(cumulative[:, -1] > 0, result, np.nan)

    return compute


def _sums_per_distinct_score(
    positive: npt.NDArray[np.bool_], scores: Floats
) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Weight of the positives and of all rows per distinct score, highest score first."""
    if (scores == scores[0]).all():
        # One group, as for every baseline: no order to keep.
        indicator = np.stack([positive, np.ones_like(positive)], axis=1).astype(float)
        return lambda weights: ((sums := weights @ indicator)[:, :1], sums[:, 1:])
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    is_positive = positive[order].astype(float)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    tied = len(starts) < len(ordered)

    def compute(weights: Floats) -> tuple[Floats, Floats]:
        rows = weights[:, order]
        positives = rows * is_positive
        if tied:
            return np.add.reduceat(positives, starts, axis=1), np.add.reduceat(rows, starts, axis=1)
        return positives, rows

    return compute


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)
