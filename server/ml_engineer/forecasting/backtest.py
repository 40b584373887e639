"""Backtests from rolling origins: every forecast is made by a model, and from values, of the time before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.forecasting.forecasters import Forecaster
from ml_engineer.forecasting.grid import Floats, Grid

__all__ = [
    "Windows",
    "above_floor",
    "actual_values",
    "backtest",
    "backtest_table",
    "fold_of_moment",
    "plan_windows",
]


@dataclass(frozen=True)
class Windows:
    """Folds of a backtest: in each, a model is fitted once, and forecasts from one or more origins.

    Parameters
    ----------
    horizon : int
        Moments that are forecast from an origin.
    folds : tuple of tuple of int
        Origins of each fold, ascending. The first is where the fold's model stops learning.
    """

    horizon: int
    folds: tuple[tuple[int, ...], ...]

    @property
    def origins(self) -> list[int]:
        """All origins, ascending."""
        return [origin for fold in self.folds for origin in fold]


def plan_windows(length: int, horizon: int, *, folds: int, origins_a_fold: int) -> Windows:
    """The latest `folds` times `origins_a_fold` whole horizons among `length` moments."""
    first = length - folds * origins_a_fold * horizon
    starts = [first + horizon * place for place in range(folds * origins_a_fold)]
    if first <= 0:
        raise ValueError(f"{length} moments do not hold {folds * origins_a_fold} horizons of {horizon} and a past")
    return Windows(
        horizon, tuple(tuple(starts[fold * origins_a_fold : (fold + 1) * origins_a_fold]) for fold in range(folds))
    )


def fold_of_moment(length: int, windows: Windows) -> npt.NDArray[np.int64]:
    """Number of the fold of each moment, (length,): 0 before the first, then from 1 on."""
    numbers = np.zeros(length, dtype=np.int64)
    for number, fold in enumerate(windows.folds, start=1):
        numbers[fold[0] : fold[-1] + windows.horizon] = number
    return numbers


def backtest(make: Callable[[], Forecaster], grid: Grid, windows: Windows, *, folds: list[int] | None = None) -> Floats:
    """Forecast every window by a model that was fitted before its fold began.

    Parameters
    ----------
    make : callable
        Gives a forecaster that has learned nothing.
    grid : Grid
        The series. What lies at and after an origin is erased before its forecast is made.
    windows : Windows
        The folds.
    folds : list of int, optional
        Numbers of the folds to forecast, from 0; all by default. Others are NaN.

    Returns
    -------
    numpy.ndarray of shape (O, S, horizon)
        In the order of `windows.origins`.
    """
    found = np.full((len(windows.origins), len(grid.names), windows.horizon), np.nan)
    place = 0
    for number, origins in enumerate(windows.folds):
        if folds is None or number in folds:
            model = make().fit(grid.hidden_from(origins[0]), origins[0], windows.horizon)
            seen = grid.hidden_from(origins[-1])
            said = model.forecast(seen, list(origins), windows.horizon)
            found[place : place + len(origins)] = above_floor(said, grid.layout.floor)
        place += len(origins)
    return found


def above_floor(forecast: Floats, floor: float | None) -> Floats:
    """Forecasts, none of which lies below `floor`."""
    return forecast if floor is None else np.maximum(forecast, floor)


def actual_values(grid: Grid, origins: list[int], horizon: int) -> Floats:
    """What came true at the moments forecast from each origin, (O, S, horizon); NaN where it is not known."""
    found = np.full((len(origins), len(grid.names), horizon), np.nan)
    for place, origin in enumerate(origins):
        there = grid.values[:, origin : origin + horizon]
        found[place, :, : there.shape[1]] = there
    return found


def backtest_table(grid: Grid, windows: Windows, forecast: Floats, index: pd.Index) -> pd.DataFrame:
    """Forecasts of a backtest beside the rows they are of, in the order of the rows.

    Parameters
    ----------
    grid : Grid
        Knows the row of each cell.
    windows : Windows
        The folds.
    forecast : numpy.ndarray of shape (O, S, H)
        From `backtest`.
    index : pandas.Index of shape (n,)
        Of the rows.

    Returns
    -------
    pandas.DataFrame
        Columns ``row``, ``fold`` (-1 where never forecast) and ``predicted``.
    """
    predicted, folds = np.full(len(index), np.nan), np.full(len(index), -1, dtype=np.int64)
    numbers = fold_of_moment(grid.length, windows)
    for place, origin in enumerate(windows.origins):
        rows = grid.rows[:, origin : origin + windows.horizon]
        there = rows >= 0
        predicted[rows[there]] = forecast[place][:, : rows.shape[1]][there]
        folds[rows[there]] = numbers[origin]
    return pd.DataFrame({"row": index.to_numpy("int64"), "fold": folds, "predicted": predicted})
