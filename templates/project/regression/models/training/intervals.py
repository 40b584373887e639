"""Prediction intervals: wide where the model errs much, as its out-of-fold errors tell.

The width to either side of a prediction follows quantiles of errors among rows with like predictions; one factor
stretches all of them, so that the promised share of outcomes lies inside (split conformal prediction).
"""

from typing import Any

import numpy as np
import pandas as pd

LEVEL = 0.9
MOST_PARTS, ROWS_A_PART = 20, 100
NARROWEST = 1e-3


def learn_interval(actual: np.ndarray, table: pd.DataFrame) -> dict[str, Any] | None:
    """Learn widths from out-of-fold predictions; None where the rows are too few.

    Parameters
    ----------
    actual : numpy.ndarray of shape (n,)
        What came true.
    table : pandas.DataFrame
        Columns ``fold`` (-1 where never predicted) and ``predicted``, one line a row.

    Returns
    -------
    dict
        ``below`` and ``above``: widths at the predictions ``at``; ``least``: what no outcome is below, if anything.
    """
    seen = table["fold"].to_numpy() >= 0
    actual, predicted = np.asarray(actual, float)[seen], table["predicted"].to_numpy(float)[seen]
    folds = table["fold"].to_numpy()[seen]
    if len(actual) < int(np.ceil(LEVEL / (1 - LEVEL) - 1e-9)):
        return None
    if len(np.unique(folds)) == 1:
        folds = np.arange(len(folds)) % 5
    errors, scores = actual - predicted, np.empty(len(actual))
    for fold in np.unique(folds):
        test = folds == fold
        # An error is judged by widths that it had no part in.
        at, below, above = _widths(errors[~test], predicted[~test])
        to_low = -errors[test] / np.interp(predicted[test], at, below)
        scores[test] = np.maximum(to_low, errors[test] / np.interp(predicted[test], at, above))
    factor = _quantile(scores, LEVEL)
    at, below, above = _widths(errors, predicted)
    return {
        "level": LEVEL,
        "at": at.tolist(),
        "below": (factor * below).tolist(),
        "above": (factor * above).tolist(),
        "least": 0.0 if (actual >= 0).all() else None,
    }


def interval_ends(interval: dict[str, Any], predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the lower and the upper end of the interval around each prediction."""
    low = predicted - np.interp(predicted, interval["at"], interval["below"])
    high = predicted + np.interp(predicted, interval["at"], interval["above"])
    if interval["least"] is None:
        return low, high
    return np.maximum(low, interval["least"]), np.maximum(high, interval["least"])


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
