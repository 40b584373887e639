"""Series to test with: the development rows where they are, else made-up ones of the same layout."""

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from models.training.series import DEVELOPMENT


def made_up_rows(moments: int, seed: int = 0) -> pd.DataFrame:
    """Make up two series (one, if rows name none) with a season and a trend."""
    rng = np.random.default_rng(seed)
    times: pd.Index
    if isinstance(PROBLEM.step, int):
        times = pd.RangeIndex(0, moments * PROBLEM.step, PROBLEM.step)
    else:
        times = pd.date_range("2020-01-01", periods=moments, freq=PROBLEM.step).astype("datetime64[us]")
    parts = []
    for number in range(2 if PROBLEM.series_columns else 1):
        season = np.sin(2 * np.pi * np.arange(moments) / max(PROBLEM.season, 4))
        rows = pd.DataFrame({PROBLEM.time_column: times})
        for name in PROBLEM.series_columns:
            rows[name] = f"series {number}"
        rows[PROBLEM.target] = 100 + 0.1 * np.arange(moments) + 10 * season + rng.normal(size=moments)
        for name in (*PROBLEM.known_in_advance, *PROBLEM.past_columns):
            rows[name] = rng.normal(size=moments)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def development() -> pd.DataFrame:
    """Real development rows of a few series and the latest moments, or made-up ones."""
    moments = (PROBLEM.folds * PROBLEM.origins_a_fold + 4) * PROBLEM.horizon + 3 * PROBLEM.season + 20
    if not DEVELOPMENT.exists():
        return made_up_rows(moments)
    rows = pd.read_parquet(DEVELOPMENT)
    if PROBLEM.series_columns:
        keys = rows[list(PROBLEM.series_columns)].astype(str).agg("\x1f".join, axis=1)
        rows = rows[keys.isin(keys.value_counts().index[:3])]
    latest = np.sort(rows[PROBLEM.time_column].unique())[-moments:]
    return rows[rows[PROBLEM.time_column] >= latest[0]].reset_index(drop=True)
