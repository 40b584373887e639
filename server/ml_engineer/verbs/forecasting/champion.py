"""The forecasting champion as it lies in a project, checked: what evaluation, prediction and proofs ask."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml_engineer.errors import ProjectStateError
from ml_engineer.forecasting.backtest import actual_values
from ml_engineer.forecasting.grid import Floats, Grid, join_features
from ml_engineer.forecasting.model_file import SeriesModel
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record, refuse_stale
from ml_engineer.project.user_code import load_features
from ml_engineer.verbs.forecasting.series import on_grid, only_known, plan_of
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["ForecastChampion", "Later", "load_forecast_champion"]


@dataclass(frozen=True)
class Later:
    """What the champion and the naive rule say of moments after the development rows, beside what came true.

    Parameters
    ----------
    grid : Grid
        Development rows and later ones.
    origins : list of int
        First moments of the horizons that are judged.
    actual, forecast, naive : numpy.ndarray of shape (O, S, H)
        NaN where nothing came true.
    scales : numpy.ndarray of shape (S,)
        Unit of each series, from development rows.
    half_widths : numpy.ndarray of shape (O, S, H) or None
        Of the 90 % intervals.
    """

    grid: Grid
    origins: list[int]
    actual: Floats
    forecast: Floats
    naive: Floats
    scales: Floats
    half_widths: Floats | None


@dataclass(frozen=True)
class ForecastChampion:
    """A project's forecaster with everything it was made from, all of one piece.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    problem, plan, split, training
        Its records; none is stale.
    model : SeriesModel
        Fitted, read from the file that the training record names.
    build_features : callable
        The project's features.py, unchanged since training.
    """

    layout: ProjectLayout
    problem: ProblemDefinition
    plan: ForecastPlan
    split: SplitPlan
    training: TrainingRun
    model: SeriesModel
    build_features: Callable[[pd.DataFrame], pd.DataFrame]

    def grid(self, frame: pd.DataFrame) -> Grid:
        """Rows on the model's grid."""
        features = self.build_features(only_known(frame, self.plan))
        return on_grid(join_features(frame, features, self.model.layout), self.model.layout)

    def later(self, development: pd.DataFrame, held_out: pd.DataFrame) -> Later:
        """Forecast every horizon from the end of the development rows on, each from what lies before its origin."""
        times = self.plan.time_column
        grid = self.grid(pd.concat([development, held_out]))
        first = int(grid.moments.get_indexer(pd.Index([held_out[times].min()]))[0])
        origins = list(range(first, grid.length, self.plan.horizon))
        room = _extended(grid, origins[-1] + self.plan.horizon - grid.length)
        # What lies behind an origin is erased, so that no model can see it, whatever it does.
        forecast = np.concatenate([self.model.forecast(room.hidden_from(origin), [origin]) for origin in origins])
        rule = SeasonalNaive(self.plan.season)
        naive = np.concatenate(
            [rule.forecast(room.hidden_from(origin), [origin], self.plan.horizon) for origin in origins]
        )
        units = self.model.units(grid.hidden_from(first))
        return Later(
            grid,
            origins,
            actual_values(room, origins, self.plan.horizon),
            forecast,
            naive,
            units,
            self.model.reach.half_widths(room, origins, units, season=self.model.season),
        )

    def known_answers(self, development: pd.DataFrame) -> pd.DataFrame:
        """What the model says of the last development horizon, seen from its beginning."""
        grid = self.grid(development)
        origin = max(grid.length - self.plan.horizon, 1)
        said = self.model.forecast(grid.hidden_from(origin), [origin])[0]
        return pd.DataFrame({f"step_{step + 1}": said[:, step] for step in range(said.shape[1])})


def _extended(grid: Grid, steps: int) -> Grid:
    """The grid with `steps` more moments, of which nothing is known."""
    if steps <= 0:
        return grid

    def wider(cells: Floats) -> Floats:
        blank = np.full((cells.shape[0], steps, *cells.shape[2:]), np.nan)
        return np.concatenate([cells, blank], axis=1)

    moments = grid.layout.moments(grid.moments[0], grid.length + steps)
    places = np.concatenate([grid.rows, np.full((len(grid.names), steps), -1)], axis=1)
    return Grid(grid.layout, grid.names, moments, wider(grid.values), wider(grid.known), wider(grid.past), places)


def load_forecast_champion(layout: ProjectLayout) -> ForecastChampion:
    """Load the champion of a forecasting project.

    Raises
    ------
    ProjectStateError
        If nothing was trained, a record is stale, or a file is missing or was swapped.
    """
    problem = load_problem(layout)
    split = load_record(layout, SplitPlan)
    refuse_redealt(problem, split)
    training = load_record(layout, TrainingRun)
    refuse_stale(layout, training, problem, split)
    champion = training.champion
    path = layout.root / champion.model_path
    remedy = "Call train again, or restore the file"
    if not path.is_file():
        raise ProjectStateError(f"There is no {path}", remedy=remedy)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != champion.model_sha256:
        raise ProjectStateError(
            f"{path} is not the model that the training record names", found="it has another hash", remedy=remedy
        )
    if not layout.features_py.is_file() or file_sha256(layout.features_py) != champion.features_sha256:
        raise ProjectStateError(
            f"{layout.features_py} is not the feature code that the champion was trained with",
            found="the file was changed or removed since",
            remedy=remedy,
        )
    try:
        model = SeriesModel.from_json(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectStateError(f"{path} cannot be read as a model", found=str(error)[:200], remedy=remedy) from error
    return ForecastChampion(layout, problem, plan_of(problem), split, training, model, load_features(layout))
