"""Conformal prediction intervals: how far forecasts of a backtest erred, step by step, in a unit that fits the series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml_engineer.forecasting.backtest import Windows, actual_values, backtest
from ml_engineer.forecasting.forecasters import Forecaster
from ml_engineer.forecasting.grid import Floats, Grid

__all__ = ["Reach", "closer_windows", "conformal_reach", "learn_reach", "reach_of", "recent_levels"]

_LEVEL = 0.9
_ENOUGH_ERRORS = 40
_MOST_ORIGINS = 60
_AS_GOOD = 0.05


@dataclass(frozen=True)
class Reach:
    """How far the 90 % interval of each step reaches to both sides.

    Parameters
    ----------
    steps : tuple of float
        Half widths, in units; empty if no error is known.
    unit : str
        'scale' if the unit of a series is always the same, 'level' if it is the mean absolute value of its last season
        before the origin, so that intervals grow with the series.
    """

    steps: tuple[float, ...] = ()
    unit: str = "scale"

    def half_widths(self, grid: Grid, origins: list[int], scales: Floats, *, season: int) -> Floats | None:
        """Half widths of the intervals from each origin on, (O, S, horizon), from units of shape (S,); none if not known."""
        if not self.steps:
            return None
        units: Floats = _units(self.unit, grid, origins, scales, season)
        return np.asarray(units[:, :, None] * np.array(self.steps))


def learn_reach(
    make: Callable[[], Forecaster], grid: Grid, windows: Windows, forecast: Floats, scales: Floats, *, season: int
) -> Reach:
    """The reach of a forecaster's intervals.

    Parameters
    ----------
    make : callable
        Gives the forecaster, not fitted.
    grid : Grid
        Development rows.
    windows : Windows
        The backtest.
    forecast : numpy.ndarray of shape (O, S, H)
        The forecaster's backtest. Where it has few errors a step, another one from closer origins is made.
    scales : numpy.ndarray of shape (S,)
        Unit of each series.
    season : int
        Moments in a season.
    """
    closer = closer_windows(windows, grid)
    if closer is not None:
        windows, forecast = closer, backtest(make, grid, closer)
    return reach_of(grid, windows, forecast, scales, season=season)


def reach_of(grid: Grid, windows: Windows, forecast: Floats, scales: Floats, *, season: int) -> Reach:
    """The reach by the errors of one backtest, of which `forecast` (O, S, H) was made."""
    actual = actual_values(grid, windows.origins, windows.horizon)
    found = {unit: _units(unit, grid, windows.origins, scales, season) for unit in _candidates(grid)}
    misfits = {unit: _misfit(actual - forecast, units) for unit, units in found.items()}
    # Where both do: a fixed unit falls short of a series that grows, and of one that does not they are the same.
    best = "level" if misfits.get("level", np.inf) < misfits["scale"] + _AS_GOOD else "scale"
    return Reach(tuple(conformal_reach(actual, forecast, found[best])), best)


def closer_windows(windows: Windows, grid: Grid) -> Windows | None:
    """The same folds with origins closer together than a horizon; nothing where there are enough errors as it is.

    Each fold's model is the one that the backtest has: it stops learning where its fold begins. Errors of overlapping
    horizons depend on each other, so they are fewer than they look; the quantile of few errors far apart is worse.
    """
    origins = windows.origins
    if len(origins) * len(grid.names) >= _ENOUGH_ERRORS:
        return None
    last = grid.length - windows.horizon
    stride = max(1, -(-(last + 1 - origins[0]) // _MOST_ORIGINS))
    ends = [*(fold[0] for fold in windows.folds[1:]), last + 1]
    folds = tuple(tuple(range(fold[0], end, stride)) for fold, end in zip(windows.folds, ends, strict=True))
    return Windows(windows.horizon, folds)


def recent_levels(grid: Grid, origins: list[int], season: int) -> Floats:
    """Mean absolute value of the `season` moments before each origin, (O, S); NaN where nothing is known."""
    found = np.full((len(origins), len(grid.names)), np.nan)
    for place, origin in enumerate(origins):
        near = np.abs(grid.values[:, max(origin - season, 0) : origin])
        known = np.isfinite(near)
        counts = known.sum(axis=1)
        found[place] = np.where(counts > 0, np.where(known, near, 0).sum(axis=1) / np.maximum(counts, 1), np.nan)
    return found


def _candidates(grid: Grid) -> tuple[str, ...]:
    """Errors in proportion to the level make sense only for values that are never negative."""
    return ("scale", "level") if grid.layout.floor == 0 else ("scale",)


def _units(unit: str, grid: Grid, origins: list[int], scales: Floats, season: int) -> Floats:
    fixed = np.broadcast_to(scales, (len(origins), len(scales)))
    if unit == "scale":
        return fixed
    levels = recent_levels(grid, origins, max(season, 2))
    # A series that rests at zero has no level; its usual unit is all there is.
    return np.where(levels > 0, levels, fixed)


def _misfit(errors: Floats, units: Floats) -> float:
    """Negative log-likelihood, for each error, of Laplace errors whose spread is in proportion to `units`."""
    wide = np.broadcast_to(units[:, :, None], errors.shape)
    known = np.isfinite(errors)
    if not known.any():
        return 0.0
    relative = float(np.mean(np.abs(errors[known]) / wide[known]))
    return float(np.log(max(relative, 1e-300)) + np.mean(np.log(wide[known])))


def conformal_reach(actual: Floats, forecast: Floats, units: Floats, *, level: float = _LEVEL) -> list[float]:
    """Half widths of prediction intervals for each step, in `units`.

    Split conformal prediction: the quantile of absolute errors that a further one exceeds with probability 1 - `level`
    if it is like them (Vovk et al. 2005). Where a step has fewer than 40 errors, those of its neighbours are taken too.

    Parameters
    ----------
    actual, forecast : numpy.ndarray of shape (O, S, H)
        From a backtest.
    units : numpy.ndarray of shape (S,) or (O, S)
        Unit of each series, the same or one for each origin.
    level : float
        Share of outcomes that the intervals are to hold.
    """
    errors = np.abs(actual - forecast) / np.broadcast_to(units, actual.shape[:2])[:, :, None]
    steps = errors.shape[2]
    found = []
    for step in range(steps):
        reach = 0
        while True:
            near = errors[:, :, max(step - reach, 0) : step + reach + 1]
            known = np.sort(near[np.isfinite(near)])
            if len(known) >= _ENOUGH_ERRORS or reach >= steps:
                break
            reach += 1
        if not len(known):
            return []
        place = min(int(np.ceil((len(known) + 1) * level)), len(known)) - 1
        found.append(float(known[place]))
    return found
