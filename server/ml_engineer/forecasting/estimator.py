"""The same search as an estimator, for those who only want forecasts: it knows nothing of projects."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ml_engineer.errors import InputError
from ml_engineer.forecasting.ahead import rows_ahead
from ml_engineer.forecasting.backtest import actual_values, plan_windows
from ml_engineer.forecasting.forecasters import Average
from ml_engineer.forecasting.grid import Layout, empty_series, listed_categories, make_grid, unusable_values
from ml_engineer.forecasting.model_file import SeriesModel, history_of
from ml_engineer.forecasting.past import past_columns_of
from ml_engineer.forecasting.planning import choose_season, plan_backtest
from ml_engineer.forecasting.portfolio import SeriesFacts, baseline_entrant, tried_forecasters
from ml_engineer.forecasting.remaking import reach_in_time
from ml_engineer.forecasting.rhythm import default_horizon, read_rhythm
from ml_engineer.forecasting.scores import scales_of, score
from ml_engineer.forecasting.search import Budget, SearchResult, search
from ml_engineer.independent_fits import InlineExecutor
from ml_engineer.vocabulary.parameters import check_parameters

__all__ = ["Forecaster"]

_ROWS_A_SECOND = 1_500


def _ignored(*_: object) -> None:
    """Tell nobody."""


class _Forgetful:
    """A journal that keeps nothing."""

    def find(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """Nothing was kept."""

    def keep(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep nothing."""


class Forecaster(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Forecast one or many series: naive rules, smoothing, lines and trees on lags, and averages, chosen by backtest.

    Parameters
    ----------
    target, time_column : str, optional
        Column to forecast, and the one of time stamps (or whole numbers that count time). Not needed for a pandas Series; a
        frame without `time_column` has the time in its index.
    series_columns : tuple of str
        Columns that together name a series.
    known_in_advance : tuple of str
        Columns whose value at the moment that is forecast is known. Of the first twenty numeric columns beside them (whose name
        is a text, and that are no constants and do not count rows), only values before the forecast are used, as lags.
    horizon : int, optional
        Moments to forecast; one season by default.
    budget_seconds : float
        Wall time of `fit`.
    budget_evaluations : int, optional
        Number of fits instead of a time, so that the same model comes twice.
    random_state : int
        Random state of every model.

    Attributes
    ----------
    leaderboard_ : pandas.DataFrame
        Every forecaster with its backtested MASE and the seconds it took, best first.
    model_ : SeriesModel
        What won, fitted on all rows.
    history_ : pandas.DataFrame
        The rows that were fitted on.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=120, freq="D")
    >>> sales = pd.Series(np.tile([5.0, 6, 7, 8, 9, 12, 10], 18)[:120], index=days, name="sales")
    >>> forecaster = Forecaster(horizon=7, budget_evaluations=4).fit(sales)
    >>> forecaster.predict()["prediction"].round(1).tolist()
    [6.0, 7.0, 8.0, 9.0, 12.0, 10.0, 5.0]
    """

    def __init__(
        self,
        target: str | None = None,
        time_column: str | None = None,
        *,
        series_columns: tuple[str, ...] = (),
        known_in_advance: tuple[str, ...] = (),
        horizon: int | None = None,
        budget_seconds: float = 60,
        budget_evaluations: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.target = target
        self.time_column = time_column
        self.series_columns = series_columns
        self.known_in_advance = known_in_advance
        self.horizon = horizon
        self.budget_seconds = budget_seconds
        self.budget_evaluations = budget_evaluations
        self.random_state = random_state

    def fit(self, rows: pd.DataFrame | pd.Series, y: object = None) -> Self:
        """Search within the budget, and fit what won on all rows.

        Parameters
        ----------
        rows : pandas.DataFrame or pandas.Series
            One row a series and moment, in any order; or one series, the time in its index.
        y : None
            Not used; the target is a column.

        Raises
        ------
        InputError
            If the rows make no series, or hold infinite values or a series without any, saying what would do.
        ValueError
            If a parameter means nothing.
        """
        started = time.monotonic()
        check_parameters(self, metrics=())
        series, known = tuple(self.series_columns), tuple(self.known_in_advance)
        rows, time_column, target = self._long(rows)
        rhythm = read_rhythm(rows, time_column=time_column, series_columns=series)
        laid_out = Layout(time_column, target, rhythm.step, series)
        fault = unusable_values(rows, laid_out) or empty_series(rows, laid_out)
        if fault:
            raise InputError(
                f"The rows cannot be learned from: {fault}", remedy="Correct these values, or leave these series out"
            )
        horizon = self.horizon or default_horizon(rhythm)
        floor = 0.0 if float(rows[target].min()) >= 0 else None
        categories = listed_categories(rows, known)
        past = past_columns_of(rows, {time_column, target, *series, *known})
        layout = Layout(time_column, target, rhythm.step, series, known, past, categories, floor)
        grid = make_grid(rows, layout)
        folds, origins = plan_backtest(grid.length, horizon)
        windows = plan_windows(grid.length, horizon, folds=folds, origins_a_fold=origins)
        season = choose_season(grid, rhythm.seasons, windows, scales_of(grid.values, 1))
        scales = scales_of(grid.values, season)
        facts = SeriesFacts(season, rhythm.seasons, rhythm.series, horizon, bool((rows[target].dropna() > 0).all()))
        most = int(min(max(self.budget_seconds * _ROWS_A_SECOND, 8_000), 120_000))
        deadline = math.inf if self.budget_evaluations is not None else started + 0.9 * self.budget_seconds
        executor = InlineExecutor(folder=Path())  # which nothing is left in
        executor.load(grid)
        result = search(
            baseline_entrant(season),
            tried_forecasters(facts, seed=self.random_state, most_rows=most),
            grid,
            windows,
            executor=executor,
            scales=scales,
            budget=Budget(deadline, self.budget_evaluations),
            clock=time.monotonic,
            journal=_Forgetful(),
            report=_ignored,
            fingerprint="",
            finished=_ignored,
        )
        actual = actual_values(grid, windows.origins, horizon)
        members = [(weight, copy.deepcopy(one.entrant.forecaster)) for weight, one in result.champion]
        champion = members[0][1] if len(members) == 1 else Average(members)
        fitted = copy.deepcopy(champion).fit(grid, grid.length, horizon)
        units = dict(zip(grid.names, (float(one) for one in scales), strict=True))
        reach, _ = reach_in_time(
            champion,
            grid,
            windows,
            result.forecast,
            scales,
            season=season,
            executor=executor,
            clock=time.monotonic,
            until=math.inf if self.budget_evaluations is not None else started + self.budget_seconds,
        )
        self.model_ = SeriesModel(layout, horizon, season, fitted, units, reach, history_of(grid))
        self.leaderboard_ = _board(result, actual, scales)
        self.history_ = rows
        return self

    def _long(self, rows: pd.DataFrame | pd.Series) -> tuple[pd.DataFrame, str, str]:
        """The rows with the time in a column, and the names of the time's column and of the target's."""
        if isinstance(rows, pd.Series):
            rows = rows.to_frame(self.target or rows.name or "value")
        target = self.target or _only_number(rows)
        if self.time_column is not None:
            return rows, self.time_column, target
        if isinstance(rows.index, pd.PeriodIndex):
            rows = rows.set_axis(rows.index.to_timestamp(), axis=0)
        time_column = str(rows.index.name or "time")
        return rows.rename_axis(index=time_column).reset_index(), time_column, target

    def predict(
        self, future: pd.DataFrame | None = None, *, history: pd.DataFrame | pd.Series | None = None
    ) -> pd.DataFrame:
        """Forecast the horizon after the last known row.

        Parameters
        ----------
        future : pandas.DataFrame, optional
            Rows of the moments to forecast with the columns known in advance.
        history : pandas.DataFrame or pandas.Series, optional
            Rows to go on from, as `fit` takes them; by default those that were fitted on.

        Returns
        -------
        pandas.DataFrame
            One row a series and moment: ``step``, ``prediction``, ``low_90``, ``high_90``.

        Raises
        ------
        InputError
            If `history` lacks a column that was learned from.
        ValueError
            If a column known in advance has no value for a moment to forecast, or the history has an infinite value or none.
        """
        check_is_fitted(self, "model_")
        shown = self.history_ if history is None else self._long(history)[0]
        known = tuple(self.known_in_advance)
        lacking = [name for name in self.model_.layout.past if name not in shown.columns]
        if lacking:
            raise InputError(
                "The history lacks columns whose past the forecaster learned from",
                found=", ".join(map(repr, lacking[:5])),
                remedy="Pass rows with the columns that `fit` was given, or fit without them",
            )
        if future is not None and self.time_column is None:
            future = future.rename_axis(index=self.model_.layout.time).reset_index()
        rows = rows_ahead(shown, future, self.model_.layout, known=known, horizon=self.model_.horizon)
        return self.model_.table(make_grid(rows, self.model_.layout))


def _only_number(rows: pd.DataFrame) -> Any:
    numbers = [name for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])]
    if len(numbers) != 1:
        raise InputError(
            "No column to forecast is named",
            found=f"{len(numbers)} numeric columns: {', '.join(map(str, numbers[:5]))}",
            remedy="Pass target, or one pandas Series",
        )
    return numbers[0]


def _board(result: SearchResult, actual: npt.NDArray[np.float64], scales: npt.NDArray[np.float64]) -> pd.DataFrame:
    lines = [
        {
            "name": one.entrant.name,
            "status": one.status,
            "mase": score("mase", actual, one.forecast, scales) if one.status == "finished" else np.nan,
            "seconds": sum(one.seconds.values()),
        }
        for one in result.standings
    ]
    return pd.DataFrame(lines).sort_values("mase", ignore_index=True)
