"""Forecasts without learning: the value a season ago, or the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml_engineer.forecasting.grid import Floats, Grid

__all__ = ["SeasonalNaive", "last_known", "season_ago"]


def last_known(values: Floats, origin: int) -> Floats:
    """The last known value of each series before moment number `origin`, (S,); NaN where there is none."""
    seen = values[:, :origin]
    known = np.isfinite(seen)
    last = np.where(known.any(axis=1), known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1), 0)
    found = seen[np.arange(len(seen)), last] if seen.shape[1] else np.full(len(seen), np.nan)
    return np.where(known.any(axis=1), found, np.nan)


def season_ago(values: Floats, origin: int, horizon: int, season: int) -> Floats:
    """For each of `horizon` moments from `origin` on, the value whole seasons before that is known at the origin.

    Parameters
    ----------
    values : numpy.ndarray of shape (S, T)
        The series; nothing from `origin` on is looked at.
    origin, horizon, season : int
        First moment that is forecast, how many are, and how many a season has.

    Returns
    -------
    numpy.ndarray of shape (S, horizon)
        Where that value is missing, the one a season earlier, and the last known one if all are.
    """
    steps = np.arange(horizon)
    found = np.full((len(values), horizon), np.nan)
    back = origin + steps - season * (steps // season + 1)
    while (back >= 0).any() and np.isnan(found).any():
        usable = back >= 0
        earlier = values[:, back[usable]]
        found[:, usable] = np.where(np.isnan(found[:, usable]), earlier, found[:, usable])
        back = back - season
    return np.where(np.isnan(found), last_known(values, origin)[:, None], found)


@dataclass
class SeasonalNaive:
    """Say what was seen one season ago; with a season of 1, the last value.

    Parameters
    ----------
    season : int
        Moments in a season.
    """

    season: int = 1

    def fit(self, grid: Grid, until: int, horizon: int) -> SeasonalNaive:
        """There is nothing to learn."""
        return self

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        return np.stack([season_ago(grid.values, origin, horizon, self.season) for origin in origins])

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {}

    def restore(self, state: dict[str, Any]) -> SeasonalNaive:
        """Take back what was learned."""
        return self
