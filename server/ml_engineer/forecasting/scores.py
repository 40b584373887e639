"""How far forecasts lie from what came true, and how sure that is.

Forecasts are arrays of shape (origins, series, steps): at each origin, `steps` moments are forecast for each series.
Cells whose actual value is not known are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import t as student

from ml_engineer.forecasting.grid import Floats

__all__ = ["METRICS", "batches_of", "interval", "scales_of", "score", "score_by_step"]

METRICS = ("mase", "rmsse", "mae", "rmse", "smape", "wape")
_MOST_BATCHES = 20


def scales_of(values: Floats, season: int) -> Floats:
    """The unit of MASE for each series: the mean absolute difference between values a season apart.

    Hyndman & Koehler (2006), "Another look at measures of forecast accuracy".

    Parameters
    ----------
    values : numpy.ndarray of shape (S, T)
        What is known of the series; NaN elsewhere.
    season : int
        Moments in a season; 1 if there is none.

    Returns
    -------
    numpy.ndarray of shape (S,)
        Never zero: a series that repeats itself exactly is measured by its spread, a constant one by 1.
    """
    with np.errstate(all="ignore"):
        differences = np.abs(values[:, season:] - values[:, :-season])
        known = np.isfinite(differences)
        scales = np.where(known, differences, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    for line in np.flatnonzero(~(scales > 0)):
        seen = values[line][np.isfinite(values[line])]
        spread = float(np.std(seen)) if len(seen) else 0.0
        scales[line] = spread if spread > 0 else 1.0
    return np.asarray(scales, dtype=float)


def score(metric: str, actual: Floats, forecast: Floats, scales: Floats) -> float:
    """One number for all cells that are known.

    Parameters
    ----------
    metric : str
        One of `METRICS`. ``mase`` and ``rmsse`` are in units of `scales`; ``smape`` lies between 0 and 2, ``wape`` is the
        sum of absolute errors over the sum of absolute values.
    actual, forecast : numpy.ndarray of shape (O, S, H)
        What came true and what was said.
    scales : numpy.ndarray of shape (S,)
        From `scales_of`.
    """
    unit = np.broadcast_to(scales[None, :, None], actual.shape)
    known = np.isfinite(actual) & np.isfinite(forecast)
    truth, said, unit = actual[known], forecast[known], unit[known]
    if not len(truth):
        return float("nan")
    errors = np.abs(truth - said)
    if metric in {"smape", "wape"}:
        return _relative(metric, errors, truth, said)
    if metric in {"mase", "rmsse"}:
        errors = errors / unit
    if metric in {"mase", "mae"}:
        return float(np.mean(errors))
    if metric in {"rmsse", "rmse"}:
        return float(np.sqrt(np.mean(errors**2)))
    raise ValueError(f"there is no metric {metric!r}; known are {', '.join(METRICS)}")


def _relative(metric: str, errors: Floats, truth: Floats, said: Floats) -> float:
    if metric == "smape":
        both = np.abs(truth) + np.abs(said)
        return float(np.mean(np.where(both > 0, 2 * errors / np.where(both > 0, both, 1), 0)))
    total = float(np.abs(truth).sum())
    return float(errors.sum() / total) if total > 0 else float("nan")


def score_by_step(metric: str, actual: Floats, forecast: Floats, scales: Floats) -> list[float]:
    """The metric for each step of the horizon alone."""
    return [score(metric, actual[:, :, [step]], forecast[:, :, [step]], scales) for step in range(actual.shape[2])]


def batches_of(origins: int, series: int) -> list[tuple[int, np.ndarray]]:
    """What is left out in turn: runs of origins that follow each other or, with one origin, single series.

    Returns
    -------
    list of (axis, numpy.ndarray)
        Axis of the forecasts and the places on it; empty if there is only one origin of one series.
    """
    axis, length = (0, origins) if origins > 1 else (1, series)
    if length < 2:
        return []
    return [(axis, part) for part in np.array_split(np.arange(length), min(length, _MOST_BATCHES))]


def interval(
    statistic: Callable[[Sequence[Floats]], float], arrays: Sequence[Floats], *, level: float = 0.95
) -> tuple[float, float, float, int]:
    """A statistic of forecasts with its interval: jackknife over origins (over series if there is one origin).

    Errors of one origin depend on each other, so origins are left out whole, and neighbours together where there are
    many. The quantile is Student's, so few origins give a wide interval (Tukey 1958; Efron & Tibshirani 1993).

    Parameters
    ----------
    statistic : callable
        Takes the arrays with some origins left out.
    arrays : sequence of numpy.ndarray of shape (O, S, H)
        Actual values and forecasts; the statistic gets them in this order.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of float, float, float, int
        Value, low, high, and how many batches were left out in turn. Infinite ends if nothing can be left out.
    """
    whole = statistic(arrays)
    batches = batches_of(*arrays[0].shape[:2])
    left = [statistic([np.delete(array, part, axis=axis) for array in arrays]) for axis, part in batches]
    kept = np.array([value for value in left if np.isfinite(value)])
    if len(kept) < 2 or not np.isfinite(whole):
        return whole, -np.inf, np.inf, len(kept)
    pseudo = len(kept) * whole - (len(kept) - 1) * kept
    error = float(np.std(pseudo, ddof=1)) / np.sqrt(len(kept))
    reach = float(student.ppf((1 + level) / 2, len(kept) - 1)) * error
    return whole, whole - reach, whole + reach, len(kept)
