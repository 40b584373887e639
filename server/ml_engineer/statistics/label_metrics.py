"""What predictions of several labels a row are worth, as functions of row weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.ranking import average_precision, roc_auc
from ml_engineer.vocabulary.estimates import Metric

__all__ = ["LABEL_METRICS", "best_threshold", "label_losses", "label_metric"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Weighted = Callable[[Floats], Floats]

LABEL_METRICS: tuple[Metric, ...] = (
    "average_precision",
    "roc_auc",
    "f1",
    "micro_f1",
    "jaccard",
    "label_ranking_average_precision",
    "subset_accuracy",
    "hamming_loss",
    "log_loss",
)
"""In the order of reports; the first three are means over labels."""
_CELLS: Final = 4_000_000
_STEPS: Final = 20
_FURTHEST: Final = 1e-15


def label_metric(
    metric: Metric,
    actual: npt.NDArray[np.generic],
    predicted: npt.NDArray[np.generic],
    probabilities: npt.NDArray[np.floating] | None,
) -> Weighted:
    """`metric` as a function of row weights: (r, n) to (r,), NaN where it is undefined.

    Equal to scikit-learn's, with these answers where scikit-learn warns or has a convention of its own: ROC AUC and
    average precision are means over the labels that some rows have and others have not; F1 is a mean over labels that
    some row has or is given; a row that has no label and is given none is worth 1 to Jaccard's coefficient.

    Parameters
    ----------
    metric : Metric
        One of `LABEL_METRICS`.
    actual, predicted : numpy.ndarray of shape (n, k)
        0 and 1: which row has, and which is given, which label.
    probabilities : numpy.ndarray of shape (n, k), optional
        Without them, metrics that need them are NaN.
    """
    has, given = actual.astype(np.int64), predicted.astype(np.int64)
    said = None if probabilities is None else np.asarray(probabilities, dtype=float)
    if metric in {"average_precision", "roc_auc"}:
        return _undefined if said is None else _mean_over_labels(metric, has, said)
    if metric in {"f1", "micro_f1"}:
        return _f1(has, given, micro=metric == "micro_f1")
    values = _worth_of_rows(metric, has, given, said)
    return lambda weights: _ratio(weights @ values, weights.sum(axis=1))


def _undefined(weights: Floats) -> Floats:
    return np.full(len(weights), np.nan)


def _mean_over_labels(metric: Metric, actual: Ints, probabilities: Floats) -> Weighted:
    make = roc_auc if metric == "roc_auc" else average_precision
    parts = [make(actual[:, code] == 1, probabilities[:, code]) for code in range(actual.shape[1])]
    has = actual.astype(float)

    def compute(weights: Floats) -> Floats:
        values = np.stack([part(weights) for part in parts], axis=1)
        rows = weights @ has
        # A label that every row has is found without fail, which says nothing.
        judged = np.isfinite(values) & (rows > 0) & (rows < weights.sum(axis=1, keepdims=True))
        return _ratio(np.where(judged, values, 0.0).sum(axis=1), judged.sum(axis=1).astype(float))

    return compute


def _f1(actual: Ints, predicted: Ints, *, micro: bool) -> Weighted:
    has, given = actual.astype(float), predicted.astype(float)
    both = has * given

    def compute(weights: Floats) -> Floats:
        hits, either = weights @ both, weights @ (has + given)
        if micro:
            return _ratio(2 * hits.sum(axis=1), either.sum(axis=1))
        occurs = either > 0
        return _ratio(np.nan_to_num(_ratio(2 * hits, either)).sum(axis=1), occurs.sum(axis=1).astype(float))

    return compute


def _worth_of_rows(metric: Metric, actual: Ints, predicted: Ints, probabilities: Floats | None) -> Floats:
    """What each row is worth, (n,), under a metric that is a mean over rows."""
    if metric == "subset_accuracy":
        return np.asarray((actual == predicted).all(axis=1), dtype=float)
    if metric == "hamming_loss":
        return np.asarray((actual != predicted).mean(axis=1))
    if metric == "jaccard":
        union = (actual | predicted).sum(axis=1).astype(float)
        return _ratio((actual & predicted).sum(axis=1).astype(float), union, empty=1.0)
    if probabilities is None:
        return np.full(len(actual), np.nan)
    if metric == "log_loss":
        return label_losses(probabilities, actual, furthest=float(np.finfo(float).eps))
    return _label_ranking(actual.astype(bool), probabilities)


def label_losses(probabilities: Floats, actual: npt.NDArray[np.generic], *, furthest: float = _FURTHEST) -> Floats:
    """Log loss of each row, (n,): the mean over labels of that of having the label or not."""
    of_actual = np.where(actual == 1, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(of_actual, furthest, 1.0)).mean(axis=1))


def _label_ranking(actual: npt.NDArray[np.bool_], probabilities: Floats) -> Floats:
    """Of each row, (n,): the share of true labels among those ranked at least as high, mean over its true labels."""
    rows, labels = actual.shape
    worth = np.ones(rows)  # with no true label, or all of them, every order is right
    chunk = max(1, _CELLS // labels**2)
    for start in range(0, rows, chunk):
        part = slice(start, start + chunk)
        # [row, label, other]: whether the other label is ranked at least as high as the label.
        above = probabilities[part, None, :] >= probabilities[part, :, None]
        share = (above & actual[part, None, :]).sum(axis=2) / above.sum(axis=2)
        number = actual[part].sum(axis=1)
        mean = _ratio((share * actual[part]).sum(axis=1), number.astype(float), empty=1.0)
        worth[part] = np.where(number == labels, 1.0, mean)
    return worth


def _ratio(numerator: Floats, denominator: Floats, empty: float = np.nan) -> Floats:
    result = np.full(np.broadcast(numerator, denominator).shape, empty)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def best_threshold(
    actual: npt.NDArray[np.generic], probabilities: Floats, *, macro: bool = False
) -> tuple[float, float]:
    """The probability from which to choose labels, and the F1 it gives; a multiple of one twentieth.

    One for all labels: a threshold of its own for each label fits the few rows of rare ones by heart (Yang 2001, A study
    of thresholding strategies for text categorization). Of equal ones, the nearest to one half is taken.

    Parameters
    ----------
    actual : numpy.ndarray of shape (n, k)
        0 and 1.
    probabilities : numpy.ndarray of shape (n, k)
        Of rows that the model was not fitted on.
    macro : bool
        Whether F1 is the mean over labels; otherwise it counts all pairs of row and label alike.
    """
    has, labels = actual.astype(float), actual.shape[1]
    steps = np.clip(np.floor(probabilities * _STEPS + 1e-9).astype(int), 0, _STEPS - 1)
    places = (steps + _STEPS * np.arange(labels)).ravel()

    def from_each_on(weights: Floats | None) -> Floats:
        """Pairs at or above each step, by label: shape (k, steps)."""
        counts = np.bincount(places, weights=weights, minlength=labels * _STEPS).reshape(labels, _STEPS)
        return np.asarray(counts[:, ::-1].cumsum(axis=1)[:, ::-1], dtype=float)

    hits, either = from_each_on(has.ravel()), from_each_on(None) + has.sum(axis=0)[:, None]
    if macro:
        worth = np.asarray(_ratio(2 * hits, either, empty=0.0).mean(axis=0))[1:]
    else:
        worth = _ratio(2 * hits.sum(axis=0), either.sum(axis=0), empty=0.0)[1:]
    cuts = np.arange(1, _STEPS) / _STEPS
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    chosen = best[np.argmin(np.abs(cuts[best] - 0.5))]
    return float(cuts[chosen]), float(worth[chosen])
