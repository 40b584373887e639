"""What a forecast may be made from: one row of numbers for a series, an origin and a step.

Of the target and of columns that are not known in advance, only moments before the origin are looked at; of columns
known in advance, the moment that is forecast; of the calendar, everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.forecasting.grid import Floats, Grid

__all__ = ["Design", "Triples", "calendar_parts"]

_CYCLES = 3
_MOST_LAGS = 14
_HARMONICS = 2


@dataclass(frozen=True)
class Triples:
    """n forecasts: number of the series, first moment that is not known yet, step from 0; each of shape (n,)."""

    series: npt.NDArray[np.int64]
    origins: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]


def calendar_parts(moments: pd.Index, seasons: tuple[int, ...], *, waves: bool, yearly: bool) -> Floats:
    """Parts of the calendar of each moment, (T, c): as waves for straight lines, as numbers for trees.

    Parameters
    ----------
    moments : pandas.Index of shape (T,)
        Time stamps, or whole numbers, of which only the place in each season is taken.
    seasons : tuple of int
        Moments in each season.
    waves : bool
        Whether sines and cosines are wanted.
    yearly : bool
        Whether parts of the year are. In a history of little more than a year they only tell how late it is.
    """
    if not isinstance(moments, pd.DatetimeIndex):
        numbers = [np.mod(moments, season) for season in seasons]
        cycles = [np.mod(moments, season) / season for season in seasons]
        return _waves(cycles) if waves else _columns(numbers)
    hours = moments.hour + moments.minute / 60
    if not waves:
        of_year = [moments.month, moments.day_of_year] if yearly else []
        return _columns([moments.day, moments.day_of_week, hours, *of_year])
    # A weekday is no point on a wave: a Saturday is unlike a Friday.
    parts = [_waves([moments.day_of_week / 7, hours / 24]), np.eye(7)[moments.day_of_week.to_numpy()]]
    if yearly:
        parts += [_waves([(moments.day_of_year - 1) / 365.25]), np.eye(12)[moments.month.to_numpy() - 1]]
    return np.column_stack(parts)


def _columns(parts: Sequence[object]) -> Floats:
    return np.column_stack([np.asarray(part, dtype=float) for part in parts])


def _waves(cycles: Sequence[object]) -> Floats:
    """Sines and cosines of parts of a turn."""
    turns = 2 * np.pi * _columns(cycles)
    return np.column_stack([wave(order * turns) for order in range(1, _HARMONICS + 1) for wave in (np.sin, np.cos)])


@dataclass(frozen=True)
class Design:
    """Makes rows of numbers from a grid.

    Parameters
    ----------
    grid : Grid
        The series.
    values : numpy.ndarray of shape (S, T)
        Its target, on the scale that is learned on.
    scales : numpy.ndarray of shape (S,)
        Unit of each series; differences are told in it, so that series can be learned from together.
    seasons : tuple of int
        Moments in each season, the one that is compared with first.
    anchor : {'season', 'last', 'level'}
        What a forecast is the difference to: the value a season before, the last value, or the mean of a season.
    waves : bool
        Whether the calendar comes as waves, for straight lines; those get no level either, along which they would go on
        beyond all that was seen.
    yearly : bool
        Whether parts of the year are among it.
    """

    grid: Grid
    values: Floats
    scales: Floats
    seasons: tuple[int, ...]
    anchor: str = "season"
    waves: bool = False
    yearly: bool = True

    def anchors(self, which: Triples) -> Floats:
        """What is added to what was learned, (n,)."""
        level = self._window(self.seasons[0], which)[0]
        if self.anchor == "level":
            return level
        last = self._at(self.values, which.series, which.origins - 1)
        if self.anchor == "last":
            return np.where(np.isfinite(last), last, level)
        before = self._at(self.values, which.series, self._back(which, self.seasons[0], 0))
        return np.where(np.isfinite(before), before, level)

    def rows(self, which: Triples) -> npt.NDArray[np.float32]:
        """The numbers, (n, p); what is not known is NaN."""
        unit = self.scales[which.series]
        level = self._window(self.seasons[0], which)[0]
        parts = [which.steps.astype(float)]
        lags = [self._at(self.values, which.series, which.origins - lag) for lag in range(1, self._lags + 1)]
        parts += [(values - level) / unit for values in lags]
        for width in self._widths:
            mean, spread = self._window(width, which)
            parts += [(mean - level) / unit, spread / unit]
        for season in self.seasons:
            cycles = [self._at(self.values, which.series, self._back(which, season, cycle)) for cycle in range(_CYCLES)]
            parts += [(values - level) / unit for values in cycles]
        parts += self._covariates(which)
        parts += list(self._calendar[which.origins + which.steps].T)
        if not self.waves:
            parts += [which.series.astype(float), level / unit, np.log(unit)]
        return np.column_stack(parts).astype(np.float32)

    @property
    def _lags(self) -> int:
        return min(max(self.seasons[0], 4), _MOST_LAGS)

    @property
    def _widths(self) -> tuple[int, ...]:
        return tuple(sorted({3, *(season for season in self.seasons if season > 1), 2 * self.seasons[0]} - {1, 2}))

    def _covariates(self, which: Triples) -> list[Floats]:
        """Columns known in advance at the moment and beside a season before; others before the origin alone."""
        moment, before = which.origins + which.steps, self._back(which, self.seasons[0], 0)
        parts = []
        for place in range(self.grid.known.shape[2]):
            now = self._at(self.grid.known[:, :, place], which.series, moment)
            parts += [now, now - self._at(self.grid.known[:, :, place], which.series, before)]
        for place in range(self.grid.past.shape[2]):
            column = self.grid.past[:, :, place]
            parts += [self._at(column, which.series, which.origins - 1), self._at(column, which.series, before)]
        return parts

    def _back(self, which: Triples, season: int, cycle: int) -> npt.NDArray[np.int64]:
        """The moment whole seasons before the one that is forecast, `cycle` seasons before the latest known one."""
        return which.origins + which.steps - season * (which.steps // season + 1 + cycle)

    @staticmethod
    def _at(column: Floats, series: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]) -> Floats:
        inside = (moments >= 0) & (moments < column.shape[1])
        return np.where(inside, column[series, np.where(inside, moments, 0)], np.nan)

    @cached_property
    def _calendar(self) -> Floats:
        return calendar_parts(self.grid.moments, self.seasons, waves=self.waves, yearly=self.yearly)

    @cached_property
    def _sums(self) -> tuple[Floats, Floats, Floats]:
        """Running count, sum and sum of squares before each moment, each of shape (S, T + 1)."""
        known = np.isfinite(self.values)
        # Around the middle of each series, so that squares of large numbers do not cancel out.
        centred = np.where(known, self.values - self._middles[:, None], 0.0)
        running = [np.cumsum(part, axis=1) for part in (known.astype(float), centred, centred**2)]
        first, second, third = (np.pad(part, ((0, 0), (1, 0))) for part in running)
        return first, second, third

    @cached_property
    def _middles(self) -> Floats:
        known = np.isfinite(self.values)
        sums = np.where(known, self.values, 0.0).sum(axis=1)
        return np.asarray(sums / np.maximum(known.sum(axis=1), 1))

    def _window(self, width: int, which: Triples) -> tuple[Floats, Floats]:
        """Mean and spread of the `width` moments before the origin, each (n,); NaN where none is known."""
        end, start = which.origins, np.maximum(which.origins - width, 0)
        counts, sums, squares = (part[which.series, end] - part[which.series, start] for part in self._sums)
        some = np.maximum(counts, 1)
        mean = sums / some
        spread = np.sqrt(np.maximum(squares / some - mean**2, 0))
        known = counts > 0
        return np.where(known, mean + self._middles[which.series], np.nan), np.where(known, spread, np.nan)
