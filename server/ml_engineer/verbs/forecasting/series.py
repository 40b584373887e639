"""A project's rows as series: the one place that tells the grid which column is what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ml_engineer.errors import InputError, ProjectStateError, UserCodeError
from ml_engineer.forecasting.backtest import Windows, fold_of_moment, plan_windows
from ml_engineer.forecasting.grid import Floats, Grid, Layout, join_features, listed_categories, make_grid
from ml_engineer.forecasting.scores import scales_of
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["Series", "build_series", "only_known", "plan_of"]

BuildFeatures = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Series:
    """Development rows as series with their backtest.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows.
    grid : Grid
        The same on the grid of time.
    windows : Windows
        Folds of the backtest.
    scales : numpy.ndarray of shape (S,)
        Unit of each series.
    """

    frame: pd.DataFrame
    grid: Grid
    windows: Windows
    scales: Floats

    def folds(self) -> pd.Series:
        """Fold number of each row; 0 for rows that are only learned from."""
        numbers = fold_of_moment(self.grid.length, self.windows)
        found = pd.Series(0, index=self.frame.index, dtype="int64")
        for line in self.grid.rows:
            there = line >= 0
            found.iloc[line[there]] = numbers[there]
        return found


def plan_of(problem: ProblemDefinition) -> ForecastPlan:
    """The forecasting part of a problem.

    Raises
    ------
    ProjectStateError
        If it has none.
    """
    if problem.forecast is None:
        raise ProjectStateError(
            "The problem says nothing of horizon and time",
            found="'forecast' is empty in problem.yaml",
            remedy="Call frame_problem again with task_type='forecasting'",
        )
    return problem.forecast


def only_known(rows: pd.DataFrame, plan: ForecastPlan) -> pd.DataFrame:
    """What feature code may see: time, series and what is known in advance, and no value that is not."""
    return rows[[plan.time_column, *plan.series_columns, *plan.known_in_advance]]


def build_series(
    frame: pd.DataFrame, target: str, plan: ForecastPlan, *, build_features: BuildFeatures | None = None
) -> Series:
    """Put rows on the grid.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    target : str
        Column to forecast.
    plan : ForecastPlan
        Which column is what.
    build_features : callable, optional
        The project's features.py; without it, columns known in advance are taken as they are.

    Raises
    ------
    UserCodeError
        If features.py fails, or names a feature like a column of the data.
    InputError
        If a time stamp does not lie on the grid.
    """
    known = only_known(frame, plan)
    features = build_features(known) if build_features is not None else known[list(plan.known_in_advance)]
    floor = 0.0 if plan.never_negative else None
    layout = Layout(
        plan.time_column,
        target,
        plan.step,
        plan.series_columns,
        known=tuple(str(name) for name in features.columns),
        past=plan.past_columns,
        categories=listed_categories(features, tuple(features.columns)),
        floor=floor,
    )
    try:
        table = join_features(frame, features, layout)
    except ValueError as error:
        raise UserCodeError(
            f"features.py: {error}", remedy="Rename the feature in data/features/features.py"
        ) from error
    grid = on_grid(table, layout)
    windows = plan_windows(grid.length, plan.horizon, folds=plan.folds, origins_a_fold=plan.origins_a_fold)
    return Series(frame, grid, windows, scales_of(grid.values, plan.season))


def on_grid(table: pd.DataFrame, layout: Layout, *, steps_after: int = 0) -> Grid:
    """`make_grid`, whose faults are the data's."""
    try:
        return make_grid(table, layout, steps_after=steps_after)
    except ValueError as error:
        raise InputError(
            f"The rows do not fit the series: {error}",
            remedy=f"Bring one row a series and moment, evenly spaced as in training ({layout.step})",
        ) from error
