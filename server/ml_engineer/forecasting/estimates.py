"""Scores of forecasts as estimates: value, interval, method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ml_engineer.forecasting.grid import Floats
from ml_engineer.forecasting.scores import batches_of, interval, score
from ml_engineer.vocabulary.estimates import Estimate, Metric

__all__ = ["estimate_coverage", "estimate_gain", "estimate_score"]


def estimate_score(
    metric: Metric, actual: Floats, forecast: Floats, scales: Floats, *, level: float = 0.95
) -> Estimate:
    """A metric of forecasts with its interval, whose lower end is not below zero.

    Parameters
    ----------
    metric : Metric
        One of the forecasting metrics.
    actual, forecast : numpy.ndarray of shape (O, S, H)
        What came true and what was said.
    scales : numpy.ndarray of shape (S,)
        Unit of each series.
    level : float
        Nominal coverage.
    """

    def statistic(arrays: Sequence[Floats]) -> float:
        return _score(metric, arrays[0], arrays[1], arrays[2])

    found = interval(statistic, [actual, forecast, _spread(scales, actual)], level=level)
    return _estimate(found, actual, level, floor=0.0)


def estimate_gain(
    metric: Metric, actual: Floats, forecast: Floats, baseline: Floats, scales: Floats, *, level: float = 0.95
) -> Estimate:
    """What forecasts err less than the baseline's, paired cell by cell; positive is better."""

    def statistic(arrays: Sequence[Floats]) -> float:
        return _score(metric, arrays[0], arrays[2], arrays[3]) - _score(metric, arrays[0], arrays[1], arrays[3])

    found = interval(statistic, [actual, forecast, baseline, _spread(scales, actual)], level=level)
    return _estimate(found, actual, level, floor=-math.inf)


def estimate_coverage(actual: Floats, forecast: Floats, half_widths: Floats) -> Estimate:
    """Share of outcomes inside their interval.

    Parameters
    ----------
    actual, forecast : numpy.ndarray of shape (O, S, H)
        What came true and what was said.
    half_widths : numpy.ndarray of shape (O, S, H)
        Of the intervals.
    """
    inside = np.where(np.isfinite(actual), (np.abs(actual - forecast) <= half_widths).astype(float), np.nan)
    found = interval(lambda arrays: float(np.nanmean(arrays[0])), [inside])
    kept = _estimate(found, actual, 0.95, floor=0.0)
    return kept.model_copy(update={"high": min(kept.high, 1.0)})


def _spread(scales: Floats, like: Floats) -> Floats:
    """Units of series in the shape of forecasts, so that series can be left out together with theirs."""
    return np.broadcast_to(scales[None, :, None], like.shape).copy()


def _score(metric: str, actual: Floats, forecast: Floats, units: Floats) -> float:
    return score(metric, actual, forecast, units[0, :, 0])


def _estimate(found: tuple[float, float, float, int], actual: Floats, level: float, *, floor: float) -> Estimate:
    value, low, high, batches = found
    rows = int(np.isfinite(actual).sum())
    if not math.isfinite(low) or not math.isfinite(high):
        method = "no interval: there is only one origin of one series"
        return Estimate(value=value, low=value, high=value, level=level, method=method, rows=rows)
    low = min(max(low, floor), value)
    what = "origins" if actual.shape[0] > 1 else "series"
    parts = batches_of(*actual.shape[:2])
    method = f"jackknife over {batches} {'runs of ' if len(parts) < max(actual.shape[:1]) else ''}{what}, Student's t"
    return Estimate(value=value, low=low, high=max(high, value), level=level, method=method, rows=rows)
