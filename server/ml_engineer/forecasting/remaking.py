"""The champion's backtest made again from origins closer together, for intervals where errors are few."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml_engineer.forecasting.backtest import Windows
from ml_engineer.forecasting.fold_fits import FoldFit, FoldForecast
from ml_engineer.forecasting.forecasters import Forecaster
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.intervals import Reach, closer_windows, reach_of
from ml_engineer.independent_fits import Executor, Failure, Piece, do_pieces

__all__ = ["reach_in_time"]


def reach_in_time(
    forecaster: Forecaster,
    grid: Grid,
    windows: Windows,
    forecast: Floats,
    scales: Floats,
    *,
    season: int,
    executor: Executor,
    clock: Callable[[], float],
    until: float,
) -> tuple[Reach, str]:
    """The reach of a forecaster's intervals as `learn_reach` finds it, if there is time; and what was done, in a sentence.

    Parameters
    ----------
    forecaster : Forecaster
        Not fitted.
    grid, windows, forecast, scales, season
        As `learn_reach` takes them.
    executor : Executor
        Who does the fits; has `grid`.
    clock : callable
        Monotonic seconds.
    until : float
        Reading of the clock at which the folds that were not made again yet are done without.
    """
    closer = closer_windows(windows, grid)
    if closer is None:
        return reach_of(grid, windows, forecast, scales, season=season), ""
    found: dict[int, FoldForecast] = {}

    def ended(piece: Piece, outcome: FoldForecast | Failure) -> None:
        if isinstance(outcome, FoldForecast):
            found[piece.about] = outcome

    folds = range(len(closer.folds) - 1, -1, -1)
    pieces = [Piece(fold, FoldFit(forecaster, closer, fold)) for fold in folds]
    do_pieces(executor, pieces, ended=ended, clock=clock, until=lambda: until)
    if not found:
        told = (
            "there was no time to backtest the champion from closer origins, so that its intervals rest on few errors"
        )
        return reach_of(grid, windows, forecast, scales, season=season), told
    made = sorted(found)
    again = Windows(closer.horizon, tuple(closer.folds[fold] for fold in made))
    said = np.concatenate([found[fold].forecast for fold in made])
    origins = len(again.origins)
    told = f"intervals rest on a backtest of the champion from {origins} origins closer together"
    if len(made) < len(closer.folds):
        told += f", {len(made)} of {len(closer.folds)} folds, for lack of time"
    return reach_of(grid, again, said, scales, season=season), told
