"""The fitted model as one JSON file, and what it says of the moments after the last known one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml_engineer.forecasting.backtest import above_floor
from ml_engineer.forecasting.forecasters import Forecaster, from_json, to_json
from ml_engineer.forecasting.grid import Floats, Grid, Layout
from ml_engineer.forecasting.intervals import Reach
from ml_engineer.forecasting.scores import scales_of

__all__ = ["SeriesModel", "history_of"]

_MOST_HISTORY = 1_500


def history_of(grid: Grid) -> int:
    """How many of the latest moments of a grid are kept for forecasts: whole years of calendar are not needed."""
    return min(grid.length, _MOST_HISTORY)


@dataclass(frozen=True)
class SeriesModel:
    """A fitted forecaster with all that it takes to use it.

    Parameters
    ----------
    layout : Layout
        What the columns are.
    horizon, season : int
        Moments that are forecast, and that a season has.
    forecaster : Forecaster
        Fitted.
    scales : dict of str to float
        Unit of each series, by its key.
    reach : Reach
        How far the 90 % interval of each step reaches.
    history : int
        How many moments before the origin are worth showing it.
    """

    layout: Layout
    horizon: int
    season: int
    forecaster: Forecaster
    scales: dict[str, float]
    reach: Reach
    history: int

    def as_json(self) -> dict[str, Any]:
        """The model as JSON holds it."""
        return {
            "format": 1,
            "layout": self.layout.as_json(),
            "horizon": self.horizon,
            "season": self.season,
            "scales": self.scales,
            "reach": list(self.reach.steps),
            "unit": self.reach.unit,
            "history": self.history,
            "forecaster": to_json(self.forecaster),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> SeriesModel:
        """The model from what `as_json` gave.

        Raises
        ------
        ValueError
            If it is of another format, or holds a forecaster that is not known here.
        """
        if stored.get("format") != 1:
            raise ValueError("the file is not a forecasting model of format 1")
        return cls(
            Layout.from_json(stored["layout"]),
            stored["horizon"],
            stored["season"],
            from_json(stored["forecaster"]),
            stored["scales"],
            Reach(tuple(stored["reach"]), stored.get("unit", "scale")),
            stored["history"],
        )

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(json.dumps(self.as_json()) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> SeriesModel:
        """Read the file; raises as `from_json`."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))

    def units(self, grid: Grid) -> Floats:
        """The unit of each series of a grid, (S,): as in training, or by what is shown of a series never seen."""
        shown = scales_of(grid.values, self.season)
        return np.array([self.scales.get(name, shown[line]) for line, name in enumerate(grid.names)])

    def forecast(self, grid: Grid, origins: list[int]) -> Floats:
        """Forecast the horizon from each origin on; shape (O, S, horizon)."""
        return above_floor(self.forecaster.forecast(grid, origins, self.horizon), self.layout.floor)

    def half_widths(self, grid: Grid, origins: list[int]) -> Floats | None:
        """Half widths of the 90 % intervals from each origin on, (O, S, horizon); none if they are not known."""
        return self.reach.half_widths(grid, origins, self.units(grid), season=self.season)

    def table(self, grid: Grid) -> pd.DataFrame:
        """The horizon after the last known value, one row a series and moment.

        Parameters
        ----------
        grid : Grid
            What is known, with a horizon of moments after it, for which columns known in advance are filled in.

        Returns
        -------
        pandas.DataFrame
            The series' columns as text, the time, ``step`` from 1, ``prediction`` and, if intervals are known, ``low_90`` and
            ``high_90``.
        """
        origin = grid.end_of_history()
        said = self.forecast(grid, [origin])[0]
        found = self.half_widths(grid, [origin])
        moments = grid.moments[origin : origin + self.horizon]
        keys = [name.split("\x1f") for name in grid.names]
        columns: dict[str, Any] = {
            name: np.repeat([key[place] for key in keys], self.horizon) for place, name in enumerate(self.layout.series)
        }
        columns[self.layout.time] = np.tile(moments.to_numpy(), len(keys))
        columns["step"] = np.tile(np.arange(1, self.horizon + 1), len(keys))
        columns["prediction"] = said.ravel()
        if found is not None:
            widths = found[0]
            columns["low_90"] = above_floor((said - widths).ravel(), self.layout.floor)
            columns["high_90"] = (said + widths).ravel()
        return pd.DataFrame(columns)
