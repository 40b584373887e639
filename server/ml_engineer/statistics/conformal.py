"""Prediction intervals that are wide where a model errs much: conformal, with widths that follow the prediction.

Errors of a model grow with what it predicts (dear houses, busy hours), and are larger to one side where a target has a
long tail. So the width below and above a prediction is a line through quantiles of errors among rows with like predictions,
and both are stretched by one factor, chosen so that the promised share of outcomes lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_engineer.vocabulary.training import PredictionInterval

__all__ = ["IntervalRule", "constant_width", "covered_out_of_fold", "fewest_rows", "learn_interval", "rule_of"]

Floats = npt.NDArray[np.float64]

_MOST_PARTS, _ROWS_A_PART = 20, 100
_PARTS_OF_ONE_FOLD = 5
_NARROWEST = 1e-3


@dataclass(frozen=True)
class IntervalRule:
    """How wide an interval is around a prediction.

    Parameters
    ----------
    at : numpy.ndarray of shape (p,)
        Predictions at which the widths are known, rising; between them they follow straight lines, beyond them they stay.
    below, above : numpy.ndarray of shape (p,)
        Width to either side, in the target's unit.
    least : float or None
        What no outcome is below: 0 for a target that is never negative.
    """

    at: Floats
    below: Floats
    above: Floats
    least: float | None = None

    def ends(self, predicted: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Lower and upper ends for n predictions, two arrays of shape (n,)."""
        low = predicted - np.interp(predicted, self.at, self.below)
        high = predicted + np.interp(predicted, self.at, self.above)
        if self.least is None:
            return low, high
        return np.maximum(low, self.least), np.maximum(high, self.least)


def rule_of(interval: PredictionInterval) -> IntervalRule:
    """The rule that a record describes."""
    return IntervalRule(np.array(interval.at), np.array(interval.below), np.array(interval.above), interval.least)


def constant_width(actual: Floats, predicted: Floats, *, level: float = 0.9) -> float:
    """Width that one width for all rows would need."""
    return 2 * _quantile(np.abs(actual - predicted), level)


def fewest_rows(level: float) -> int:
    """Number of errors from which an interval at this level can be promised at all."""
    return int(np.ceil(level / (1 - level) - 1e-9))


def learn_interval(
    actual: Floats, predicted: Floats, folds: npt.NDArray[np.integer], *, level: float = 0.9
) -> IntervalRule | None:
    """The rule that out-of-fold predictions teach.

    Parameters
    ----------
    actual, predicted : numpy.ndarray of shape (n,)
        What came true, and what a model that had not seen the row predicted.
    folds : numpy.ndarray of shape (n,)
        Fold of each row: its error is judged by widths that the other folds teach.
    level : float
        Share of outcomes that the intervals are to hold.

    Returns
    -------
    IntervalRule or None
        None where the rows are too few for the level.

    Notes
    -----
    Split conformal prediction with a normalised score (Lei et al. 2018, Distribution-free predictive inference for
    regression; Papadopoulos et al. 2002), ``max(-e / below, e / above)`` with errors ``e``; its quantile is corrected for
    finite samples, ``ceil((n + 1) level) / n``. Scores are cross-fitted (Barber et al. 2021, Predictive inference with the
    jackknife+, for the idea), so that widths that fit the errors they were learned from promise nothing.
    """
    if len(actual) < fewest_rows(level):
        return None
    errors = actual - predicted
    scores = np.empty(len(errors))
    parts = _parts(folds)
    for part in np.unique(parts):
        test = parts == part
        scores[test] = _scores(errors[test], predicted[test], *_widths(errors[~test], predicted[~test], level))
    factor = _quantile(scores, level)
    at, below, above = _widths(errors, predicted, level)
    return IntervalRule(at, factor * below, factor * above, 0.0 if (actual >= 0).all() else None)


def covered_out_of_fold(
    actual: Floats, predicted: Floats, folds: npt.NDArray[np.integer], *, level: float = 0.9
) -> tuple[npt.NDArray[np.bool_], Floats] | None:
    """Whether each row lies in the interval that the other folds alone would give it, and how wide that is; (n,) each.

    None where the other folds are too few rows for the level.
    """
    inside, width = np.empty(len(actual), dtype=bool), np.empty(len(actual))
    parts = _parts(folds)
    for part in np.unique(parts):
        test = parts == part
        rule = learn_interval(actual[~test], predicted[~test], folds[~test], level=level)
        if rule is None:
            return None
        low, high = rule.ends(predicted[test])
        inside[test] = (low <= actual[test]) & (actual[test] <= high)
        width[test] = high - low
    return inside, width


def _parts(folds: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """The folds, or parts of the only one."""
    return folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % _PARTS_OF_ONE_FOLD


def _widths(errors: Floats, predicted: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """Mean prediction, and quantile of errors to either side, among rows with like predictions."""
    number = int(np.clip(len(errors) // _ROWS_A_PART, 1, _MOST_PARTS))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, number + 1)))[1:-1]
    place = np.unique(np.searchsorted(edges, predicted, side="right"), return_inverse=True)[1]
    groups = [np.flatnonzero(place == one) for one in range(place.max() + 1)]
    tail = (1 + level) / 2
    smallest = max(_NARROWEST * _quantile(np.abs(errors), level), np.finfo(float).tiny)
    below = np.array([max(np.quantile(-errors[rows], tail), smallest) for rows in groups])
    above = np.array([max(np.quantile(errors[rows], tail), smallest) for rows in groups])
    at = np.array([predicted[rows].mean() for rows in groups])
    return at, _smoothed(below), _smoothed(above)


def _smoothed(values: Floats) -> Floats:
    """Each beside its neighbours: a quantile of a hundred errors jumps about."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def _scores(errors: Floats, predicted: Floats, at: Floats, below: Floats, above: Floats) -> Floats:
    """How many times its width an error is."""
    return np.maximum(-errors / np.interp(predicted, at, below), errors / np.interp(predicted, at, above))


def _quantile(values: Floats, level: float) -> float:
    """The smallest value that the promised share of new ones will not exceed; the largest if the rows are too few."""
    place = min(int(np.ceil((len(values) + 1) * level - 1e-9)), len(values))
    return float(np.partition(values, place - 1)[place - 1])
