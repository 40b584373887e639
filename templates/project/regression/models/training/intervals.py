"""Prediction intervals: wide where the model errs much, as its out-of-fold errors tell.

The width to either side of a prediction follows quantiles of errors among rows with like predictions; one factor
stretches all of them, so that the promised share of outcomes lies inside (split conformal prediction). Where that makes
better intervals of rows that were not learned from, the features stretch them once more.
"""

from typing import Any

import numpy as np
import pandas as pd

from models.training.spread import learn_spread, spread_of

LEVEL = 0.9
MOST_PARTS, ROWS_A_PART = 20, 100
NARROWEST = 1e-3
FEWEST_FOR_FEATURES = 200
MOST_TIMES = 1e30
MOST_JUDGED, MOST_TAUGHT = 20_000, 2_000


def learn_interval(actual: np.ndarray, table: pd.DataFrame, features: pd.DataFrame) -> dict[str, Any] | None:
    """Learn widths from out-of-fold predictions; None where the rows are too few.

    Parameters
    ----------
    actual : numpy.ndarray of shape (n,)
        What came true.
    table : pandas.DataFrame
        Columns ``fold`` (-1 where never predicted) and ``predicted``, one line a row.
    features : pandas.DataFrame
        What the model sees, one line a row.

    Returns
    -------
    dict
        ``below`` and ``above``: widths at the predictions ``at``; ``least``: what no outcome is below, if anything; ``spread``:
        how many times these widths a row's features make it, if they do.
    """
    seen = table["fold"].to_numpy() >= 0
    actual, predicted = np.asarray(actual, float)[seen], table["predicted"].to_numpy(float)[seen]
    folds, places = table["fold"].to_numpy()[seen], np.flatnonzero(seen)
    if len(actual) < int(np.ceil(LEVEL / (1 - LEVEL) - 1e-9)):
        return None
    if len(np.unique(folds)) == 1:
        folds = np.arange(len(folds)) % 5
    errors, scores, halves = actual - predicted, np.empty(len(actual)), np.empty((2, len(actual)))
    for fold in np.unique(folds):
        test = folds == fold
        # An error is judged by widths that it had no part in.
        widths = _widths(errors[~test], predicted[~test])
        scores[test] = _scores(errors[test], predicted[test], *widths)
        halves[:, test] = [np.interp(predicted[test], widths[0], side) for side in widths[1:]]
    least = 0.0 if (actual >= 0).all() else None
    at, below, above = _widths(errors, predicted)
    spread = None
    # Where the promised share of predictions is exact, intervals have no width that anything could stretch.
    if len(actual) >= FEWEST_FOR_FEATURES and _quantile(np.abs(errors), LEVEL) > 0:
        rows = _drawn(np.arange(len(actual)), MOST_JUDGED)
        times = _times(errors, predicted, folds, rows, features, places)
        judged, now, before = actual[rows], predicted[rows], halves[:, rows]
        plain = _cost(judged, now, before * _factors(scores[rows], folds[rows]), least)
        followed = _cost(judged, now, before * times * _factors(scores[rows] / times, folds[rows]), least)
        saved = plain - followed
        if saved.mean() > saved.std(ddof=1) / np.sqrt(len(saved)):
            taught = _drawn(np.arange(len(actual)), MOST_TAUGHT)
            sizes = _scores(errors[taught], predicted[taught], at, below, above)
            spread = learn_spread(features.iloc[places[taught]], predicted[taught], sizes)
            scores = scores[rows] / times
    factor = _quantile(scores, LEVEL)
    return {
        "level": LEVEL,
        "at": at.tolist(),
        "below": (factor * below).tolist(),
        "above": (factor * above).tolist(),
        "least": least,
        "spread": spread,
    }


def interval_ends(
    interval: dict[str, Any], predicted: np.ndarray, features: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Give the lower and the upper end of the interval around each prediction."""
    spread = interval.get("spread")
    times = 1.0 if spread is None else spread_of(spread, features, predicted)
    low = predicted - times * np.interp(predicted, interval["at"], interval["below"])
    high = predicted + times * np.interp(predicted, interval["at"], interval["above"])
    if interval["least"] is None:
        return low, high
    return np.maximum(low, interval["least"]), np.maximum(high, interval["least"])


def _times(
    errors: np.ndarray,
    predicted: np.ndarray,
    folds: np.ndarray,
    rows: np.ndarray,
    features: pd.DataFrame,
    places: np.ndarray,
) -> np.ndarray:
    """Give how many times the usual width the interval of some rows is, by what other folds teach."""
    times = np.empty(len(rows))
    for fold in np.unique(folds):
        others, test = np.flatnonzero(folds != fold), folds[rows] == fold
        widths = _widths(errors[others], predicted[others])
        taught = _drawn(others, MOST_TAUGHT)
        sizes = _scores(errors[taught], predicted[taught], *widths)
        spread = learn_spread(features.iloc[places[taught]], predicted[taught], sizes)
        times[test] = spread_of(spread, features.iloc[places[rows[test]]], predicted[rows[test]])
    return times


def _drawn(places: np.ndarray, most: int) -> np.ndarray:
    """Draw at most so many of the places, always the same, in their order."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(0).choice(places, most, replace=False))


def _factors(scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Give what the widths of each row are stretched by, so that the promised share of the other folds lies inside."""
    factors = np.empty(len(scores))
    for fold in np.unique(folds):
        factors[folds == fold] = _quantile(scores[folds != fold], LEVEL)
    return factors


def _cost(actual: np.ndarray, predicted: np.ndarray, halves: np.ndarray, least: float | None) -> np.ndarray:
    """Give the width of each interval, and for an outcome outside its distance times 2 / (1 - level)."""
    low, high = predicted - halves[0], predicted + halves[1]
    if least is not None:
        low, high = np.maximum(low, least), np.maximum(high, least)
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return high - low + 2 / (1 - LEVEL) * outside


def _scores(
    errors: np.ndarray, predicted: np.ndarray, at: np.ndarray, below: np.ndarray, above: np.ndarray
) -> np.ndarray:
    """Tell how many times its width an error is, at most 1e30: next to exact predictions a width is all but nothing."""
    with np.errstate(over="ignore"):
        times = np.maximum(-errors / np.interp(predicted, at, below), errors / np.interp(predicted, at, above))
    return np.minimum(times, MOST_TIMES)


def _widths(errors: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give mean predictions and quantiles of errors to either side, among rows with like predictions."""
    number = int(np.clip(len(errors) // ROWS_A_PART, 1, MOST_PARTS))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, number + 1)))[1:-1]
    place = np.searchsorted(edges, predicted, side="right")
    parts = [np.flatnonzero(place == one) for one in np.unique(place)]
    tail = (1 + LEVEL) / 2
    smallest = max(NARROWEST * _quantile(np.abs(errors), LEVEL), np.finfo(float).tiny)
    below = np.array([max(np.quantile(-errors[rows], tail), smallest) for rows in parts])
    above = np.array([max(np.quantile(errors[rows], tail), smallest) for rows in parts])
    return np.array([predicted[rows].mean() for rows in parts]), _smoothed(below), _smoothed(above)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Give each value beside its neighbours: a quantile of a hundred errors jumps about."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def _quantile(values: np.ndarray, level: float) -> float:
    """Give the smallest value that the promised share of new ones will not exceed, or the largest there is."""
    place = min(int(np.ceil((len(values) + 1) * level - 1e-9)), len(values))
    return float(np.sort(values)[place - 1])
