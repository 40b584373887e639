"""Prediction intervals that are wide where a model errs much: conformal, with widths that follow prediction and features.

Errors of a model grow with what it predicts (dear houses, busy hours), and are larger to one side where a target has a
long tail. So the width below and above a prediction is a line through quantiles of errors among rows with like predictions,
and both are stretched by one factor, chosen so that the promised share of outcomes lies inside. Where the features say more
of the error than the prediction does, and only where that pays, both are stretched once more by what they say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.statistics.spread import learn_spread, spread_of
from ml_engineer.vocabulary.spread import FeatureSpread
from ml_engineer.vocabulary.training import PredictionInterval

__all__ = [
    "IntervalRule",
    "JudgedWidths",
    "constant_width",
    "covered_out_of_fold",
    "fewest_rows",
    "judge_widths",
    "learn_interval",
    "rule_of",
    "seconds_for_widths",
]

Floats = npt.NDArray[np.float64]

_MOST_PARTS, _ROWS_A_PART = 20, 100
_PARTS_OF_ONE_FOLD = 5
_NARROWEST = 1e-3
_FEWEST_FOR_FEATURES = 200
_MOST_TIMES = 1e30
_MOST_JUDGED, _MOST_TAUGHT = 20_000, 2_000
_TEACHING_SECONDS = 1.4e-4
"""Of a processor, for each row that teaches widths once: 1.1e-4 to 1.6e-4 were measured with 5 to 450 columns."""


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
    spread : FeatureSpread or None
        How many times these widths an interval is for a row's features.
    """

    at: Floats
    below: Floats
    above: Floats
    least: float | None = None
    spread: FeatureSpread | None = None

    def ends(self, predicted: npt.NDArray[np.floating], features: pd.DataFrame | None = None) -> tuple[Floats, Floats]:
        """Lower and upper ends for n predictions, two arrays of shape (n,); a `spread` wants the n rows of features."""
        times = np.ones(len(predicted))
        if self.spread is not None:
            if features is None:
                msg = "The widths follow the features, and none were given"
                raise ValueError(msg)
            times = spread_of(self.spread, features, np.asarray(predicted, dtype=float))
        low = predicted - times * np.interp(predicted, self.at, self.below)
        high = predicted + times * np.interp(predicted, self.at, self.above)
        if self.least is None:
            return low, high
        return np.maximum(low, self.least), np.maximum(high, self.least)


@dataclass(frozen=True)
class JudgedWidths:
    """What the features say of widths for rows that these were not learned from.

    Parameters
    ----------
    rows : numpy.ndarray of shape (m,)
        Places of the rows that were judged, rising: all, or a sample of 20,000.
    times : numpy.ndarray of shape (m,)
        How many times the usual width the interval of each is, by what the other folds teach.
    """

    rows: npt.NDArray[np.integer]
    times: Floats


def rule_of(interval: PredictionInterval) -> IntervalRule:
    """The rule that a record describes."""
    widths = (np.array(interval.at), np.array(interval.below), np.array(interval.above))
    return IntervalRule(*widths, interval.least, interval.spread)


def constant_width(actual: Floats, predicted: Floats, *, level: float = 0.9) -> float:
    """Width that one width for all rows would need."""
    return 2 * _quantile(np.abs(actual - predicted), level)


def fewest_rows(level: float) -> int:
    """Number of errors from which an interval at this level can be promised at all."""
    return int(np.ceil(level / (1 - level) - 1e-9))


def learn_interval(
    actual: Floats,
    predicted: Floats,
    folds: npt.NDArray[np.integer],
    *,
    level: float = 0.9,
    features: pd.DataFrame | None = None,
    judged: JudgedWidths | None = None,
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
    features : pandas.DataFrame of shape (n, p), optional
        The rows; widths may then follow them, where that pays and the rows are at least 200.
    judged : JudgedWidths, optional
        What `judge_widths` said of the same arguments, if it was asked before.

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

    Whether widths follow the features is decided by the interval score (Gneiting and Raftery 2007, Strictly proper scoring
    rules: the width, and what an outcome lies outside, times ``2 / (1 - level)``) of intervals that the other folds teach: its
    mean must fall by more than one standard error. Of more than 20,000 rows, a sample decides and is what both are stretched by.
    """
    if len(actual) < fewest_rows(level):
        return None
    errors, folds = actual - predicted, _parts(folds)
    least = 0.0 if (actual >= 0).all() else None
    scores, halves = _cross_fitted(errors, predicted, folds, level)
    at, below, above = _widths(errors, predicted, level)
    spread = None
    if features is not None:
        judged = judged or judge_widths(actual, predicted, folds, level=level, features=features)
    if features is not None and judged is not None:
        rows, times = judged.rows, judged.times
        ends = [
            _ends(predicted[rows], halves[:, rows] * _factors(one, folds[rows], level) * more, least)
            for one, more in ((scores[rows], np.ones(len(rows))), (scores[rows] / times, times))
        ]
        saved = _interval_score(actual[rows], *ends[0], level) - _interval_score(actual[rows], *ends[1], level)
        if saved.mean() > saved.std(ddof=1) / np.sqrt(len(saved)):
            taught = _drawn(np.arange(len(actual)), _MOST_TAUGHT)
            sizes = _scores(errors[taught], predicted[taught], at, below, above)
            spread = learn_spread(features.iloc[taught], predicted[taught], sizes)
            scores = scores[rows] / times
    factor = _quantile(scores, level)
    return IntervalRule(at, factor * below, factor * above, least, spread)


def judge_widths(
    actual: Floats, predicted: Floats, folds: npt.NDArray[np.integer], *, level: float = 0.9, features: pd.DataFrame
) -> JudgedWidths | None:
    """What the features say of widths, each fold judged by the others; arguments are those of `learn_interval`.

    Of more than 20,000 rows a sample is judged. None where rows are fewer than 200, and where the promised share of predictions
    is exact: such intervals have no width that anything could stretch.
    """
    errors, parts = actual - predicted, _parts(folds)
    if len(errors) < _FEWEST_FOR_FEATURES or _quantile(np.abs(errors), level) == 0:
        return None
    rows = _drawn(np.arange(len(errors)), _MOST_JUDGED)
    times = np.empty(len(rows))
    for part in np.unique(parts):
        others, test = np.flatnonzero(parts != part), parts[rows] == part
        widths = _widths(errors[others], predicted[others], level)
        taught = _drawn(others, _MOST_TAUGHT)
        spread = learn_spread(
            features.iloc[taught], predicted[taught], _scores(errors[taught], predicted[taught], *widths)
        )
        times[test] = spread_of(spread, features.iloc[rows[test]], predicted[rows[test]])
    return JudgedWidths(rows, times)


def seconds_for_widths(rows: int, folds: int) -> float:
    """What it takes of a processor to judge and learn widths that follow the features, for so many rows in so many folds."""
    if rows < _FEWEST_FOR_FEATURES:
        return 0.0
    parts = folds if folds > 1 else _PARTS_OF_ONE_FOLD
    return _TEACHING_SECONDS * (parts + 1) * min(rows, _MOST_TAUGHT)


def covered_out_of_fold(
    actual: Floats,
    predicted: Floats,
    folds: npt.NDArray[np.integer],
    *,
    level: float = 0.9,
    judged: JudgedWidths | None = None,
) -> tuple[npt.NDArray[np.bool_], Floats] | None:
    """Whether each row lies in the interval that the other folds alone would give it, and how wide that is; (n,) each.

    None where the other folds are too few rows for the level. With `judged`, widths follow the features, there are as many
    answers as rows were judged, and what stretches those of a fold comes from scores of the other folds, whose own spreads had
    seen it; without, nothing has.
    """
    if judged is not None:
        rows, parts, least = judged.rows, _parts(folds), 0.0 if (actual >= 0).all() else None
        scores, halves = _cross_fitted(actual - predicted, predicted, parts, level)
        factors = _factors(scores[rows] / judged.times, parts[rows], level)
        low, high = _ends(predicted[rows], halves[:, rows] * judged.times * factors, least)
        return (low <= actual[rows]) & (actual[rows] <= high), high - low
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


def _cross_fitted(
    errors: Floats, predicted: Floats, folds: npt.NDArray[np.integer], level: float
) -> tuple[Floats, Floats]:
    """How many times its width each error is, (n,), and the widths to both sides, (2, n), by what other folds teach."""
    scores, halves = np.empty(len(errors)), np.empty((2, len(errors)))
    parts = _parts(folds)
    for part in np.unique(parts):
        test = parts == part
        at, below, above = _widths(errors[~test], predicted[~test], level)
        scores[test] = _scores(errors[test], predicted[test], at, below, above)
        halves[:, test] = [np.interp(predicted[test], at, side) for side in (below, above)]
    return scores, halves


def _drawn(places: npt.NDArray[np.integer], most: int) -> npt.NDArray[np.integer]:
    """At most so many of the places, always the same, in their order."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(0).choice(places, most, replace=False))


def _factors(scores: Floats, folds: npt.NDArray[np.integer], level: float) -> Floats:
    """What the widths of each row are stretched by, so that the promised share of the other folds lies inside, (n,)."""
    factors = np.empty(len(scores))
    parts = _parts(folds)
    for part in np.unique(parts):
        factors[parts == part] = _quantile(scores[parts != part], level)
    return factors


def _ends(predicted: Floats, halves: Floats, least: float | None) -> tuple[Floats, Floats]:
    low, high = predicted - halves[0], predicted + halves[1]
    return (low, high) if least is None else (np.maximum(low, least), np.maximum(high, least))


def _interval_score(actual: Floats, low: Floats, high: Floats, level: float) -> Floats:
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return high - low + 2 / (1 - level) * outside


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
    """How many times its width an error is, at most 1e30: next to exact predictions a width is all but nothing."""
    with np.errstate(over="ignore"):
        times = np.maximum(-errors / np.interp(predicted, at, below), errors / np.interp(predicted, at, above))
    return np.minimum(times, _MOST_TIMES)


def _quantile(values: Floats, level: float) -> float:
    """The smallest value that the promised share of new ones will not exceed; the largest if the rows are too few."""
    place = min(int(np.ceil((len(values) + 1) * level - 1e-9)), len(values))
    return float(np.partition(values, place - 1)[place - 1])
