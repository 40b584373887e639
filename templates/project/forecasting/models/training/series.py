"""Development rows as series on a grid of time, and the backtest that was planned for them."""

from pathlib import Path

import pandas as pd

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.forecasting.backtest import Windows, plan_windows
from models.forecasting.grid import Floats, Grid, Layout, join_features, listed_categories, make_grid
from models.forecasting.scores import scales_of

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT = ROOT / "data" / "processed" / "development.parquet"


def load_development() -> pd.DataFrame:
    """Load the development rows."""
    return pd.read_parquet(DEVELOPMENT)


def only_known(rows: pd.DataFrame) -> pd.DataFrame:
    """Give what features.py may see: time, series and what is known in advance."""
    return rows[[PROBLEM.time_column, *PROBLEM.series_columns, *PROBLEM.known_in_advance]]


def build_grid(rows: pd.DataFrame) -> Grid:
    """Put rows on the grid, with their features."""
    features = build_features(only_known(rows))
    layout = Layout(
        PROBLEM.time_column,
        PROBLEM.target,
        PROBLEM.step,
        PROBLEM.series_columns,
        known=tuple(str(name) for name in features.columns),
        past=PROBLEM.past_columns,
        categories=listed_categories(features, tuple(features.columns)),
        floor=PROBLEM.floor,
    )
    return make_grid(join_features(rows, features, layout), layout)


def backtest_windows(grid: Grid) -> Windows:
    """Give the folds of the backtest: the last whole horizons of the development rows."""
    return plan_windows(grid.length, PROBLEM.horizon, folds=PROBLEM.folds, origins_a_fold=PROBLEM.origins_a_fold)


def series_scales(grid: Grid) -> Floats:
    """Give the unit of each series: what the naive rule is wrong by on average."""
    return scales_of(grid.values, PROBLEM.season)
