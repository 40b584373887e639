"""Everything that training a forecaster starts from, read and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import ProjectStateError
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.row_locality import check_row_local
from ml_engineer.project.user_code import load_features
from ml_engineer.verbs.forecasting.series import Series, build_series, only_known, plan_of
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["ForecastRows", "load_forecast_rows"]


@dataclass(frozen=True)
class ForecastRows:
    """What training a forecaster starts from.

    Parameters
    ----------
    layout, problem, plan, split
        The project and its records.
    development : Development
        Cleaned rows with their folds.
    series : Series
        The same on the grid of time.
    build_features : callable
        The project's features.py.
    features_sha256 : str
        Hash of features.py as it was run.
    """

    layout: ProjectLayout
    problem: ProblemDefinition
    plan: ForecastPlan
    split: SplitPlan
    development: Development
    series: Series
    build_features: Callable[[pd.DataFrame], pd.DataFrame]
    features_sha256: str

    def fingerprint(self) -> str:
        """Changes whenever rows, features, target or folds do."""
        grid = self.series.grid
        digest = hashlib.sha256(repr((grid.layout, self.series.windows, grid.names)).encode())
        for part in (grid.values, grid.known, grid.past):
            digest.update(part.tobytes())
        return digest.hexdigest()


def load_forecast_rows(layout: ProjectLayout) -> ForecastRows:
    """Read records, development rows and features of a forecasting project.

    Raises
    ------
    ProjectStateError
        If the project was not framed, or rows or records are not the ones that were framed.
    UserCodeError
        If features.py fails, gives something unusable, or looks at other rows than the one it describes.
    """
    problem, split = load_problem(layout), load_record(layout, SplitPlan)
    plan = plan_of(problem)
    refuse_redealt(problem, split)
    development = load_development(layout, split)
    if seal.frame_sha256(development.frame) != split.development_sha256:
        raise ProjectStateError(
            f"{layout.development} does not hold the rows that were dealt",
            found="its content hash is not the one in the split record",
            remedy="Call frame_problem with the original data; it writes the same rows again",
        )
    features_sha256 = file_sha256(layout.features_py)
    build_features = load_features(layout)
    known = only_known(development.frame, plan)
    check_row_local(build_features, known, build_features(known), path=layout.features_py)
    series = build_series(development.frame, problem.target, plan, build_features=build_features)
    if not (series.folds().to_numpy() == development.folds).all():
        raise ProjectStateError(
            "The folds in the project are not those of the planned backtest",
            found="'forecast' in problem.yaml was changed, or the rows were",
            remedy="Call frame_problem again; it plans the backtest anew",
        )
    return ForecastRows(layout, problem, plan, split, development, series, build_features, features_sha256)
