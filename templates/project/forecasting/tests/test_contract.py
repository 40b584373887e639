"""The rows that are there keep the contract and lie on the grid."""

import pandas as pd
import pytest

from data.features.contract import PROBLEM
from data.features.schema import breaches
from models.training.series import DEVELOPMENT, backtest_windows, build_grid, load_development

needs_data = pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")


@needs_data
def test_all_development_rows_keep_the_contract() -> None:
    rows = load_development()
    assert rows[PROBLEM.target].notna().all()
    assert [breach for breach in breaches(rows) if breach.level == "error"] == []


def test_rows_lie_on_the_grid_once(development: pd.DataFrame) -> None:
    grid = build_grid(development)
    assert (grid.rows >= 0).sum() == len(development)


def test_every_origin_has_a_past_and_a_whole_horizon(development: pd.DataFrame) -> None:
    grid = build_grid(development)
    windows = backtest_windows(grid)
    assert windows.origins[0] > 0
    assert windows.origins[-1] + PROBLEM.horizon == grid.length


def test_a_moment_off_the_grid_is_refused(development: pd.DataFrame) -> None:
    if isinstance(PROBLEM.step, int) and PROBLEM.step == 1:
        pytest.skip("every whole number lies on this grid")
    rows = development.copy()
    shift = 1 if isinstance(PROBLEM.step, int) else pd.Timedelta(seconds=1)
    rows.loc[rows.index[1], PROBLEM.time_column] += shift
    with pytest.raises(ValueError, match="whole number of steps"):
        build_grid(rows)


def test_a_moment_met_twice_is_refused(development: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="twice"):
        build_grid(pd.concat([development, development.head(1)], ignore_index=True))
