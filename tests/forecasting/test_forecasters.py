"""Forecasters see nothing behind their origin, survive being stored, and find what is planted."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from forecasting.series import grid_of, promoted, shop
from ml_engineer.forecasting.backtest import actual_values, backtest, plan_windows
from ml_engineer.forecasting.forecasters import Average, Forecaster, from_json, to_json
from ml_engineer.forecasting.grid import Grid, Layout, make_grid
from ml_engineer.forecasting.intervals import Reach, closer_windows, conformal_reach, learn_reach
from ml_engineer.forecasting.lagged import LaggedLines, LaggedTrees
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.scores import interval, scales_of, score
from ml_engineer.forecasting.smoothing import ExponentialSmoothing, Theta

HORIZON = 7
ALL: dict[str, Callable[[], Forecaster]] = {
    "naive": lambda: SeasonalNaive(7),
    "smoothing": lambda: ExponentialSmoothing(7),
    "theta": lambda: Theta(7),
    "lines": lambda: LaggedLines((7,), "season"),
    "trees": lambda: LaggedTrees((7,), "level", trees=30, leaves=7),
    "average": lambda: Average([(0.5, SeasonalNaive(7)), (0.5, LaggedLines((7,), "last", logarithm=True))]),
}


@pytest.fixture(scope="module")
def grid() -> Grid:
    rows = promoted(days=200)
    rows["visitors"] = np.random.default_rng(5).normal(size=len(rows))
    return grid_of(rows, known=("promotion",), past=("visitors",))


@pytest.mark.parametrize("name", ALL)
def test_nothing_behind_the_origin_changes_a_forecast(grid: Grid, name: str) -> None:
    origin = 150
    told = ALL[name]().fit(grid, origin, HORIZON).forecast(grid, [origin], HORIZON)
    changed = grid.hidden_from(origin)
    changed.values[:, origin:], changed.past[:, origin:] = 1e6, -1e6
    again = ALL[name]().fit(changed, origin, HORIZON).forecast(changed, [origin], HORIZON)
    # Sums around another middle differ in the last digits, and in nothing else.
    np.testing.assert_allclose(told, again, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_a_stored_forecaster_says_the_same(grid: Grid, name: str) -> None:
    fitted = ALL[name]().fit(grid, 150, HORIZON)
    again = from_json(json.loads(json.dumps(to_json(fitted))))
    origins = [150, 170]
    np.testing.assert_allclose(again.forecast(grid, origins, HORIZON), fitted.forecast(grid, origins, HORIZON))


def test_a_file_with_an_unknown_forecaster_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no forecaster 'os\.system'"):
        from_json({"kind": "os.system", "settings": {}, "state": {}})


@pytest.mark.parametrize("name", ["smoothing", "theta", "lines"])
def test_week_and_trend_are_found(name: str) -> None:
    grid = grid_of(shop(days=210, noise=0.01))
    said = ALL[name]().fit(grid, 203, HORIZON).forecast(grid, [203], HORIZON)
    assert np.abs(said[0] - grid.values[:, 203:210]).max() < 1


def test_what_is_known_in_advance_counts_at_its_own_moment(grid: Grid) -> None:
    windows = plan_windows(grid.length, HORIZON, folds=3, origins_a_fold=1)
    actual, scales = actual_values(grid, windows.origins, HORIZON), scales_of(grid.values, 7)
    without = grid_of(promoted(days=200))
    seen = score("mase", actual, backtest(ALL["lines"], grid, windows), scales)
    unseen = score("mase", actual, backtest(ALL["lines"], without, windows), scales)
    assert seen < 0.3 < unseen


def test_series_that_were_never_seen_are_forecast_by_what_others_taught() -> None:
    rows = shop(days=200)
    fitted = LaggedLines((7,), "season").fit(grid_of(rows), 200, HORIZON)
    other = grid_of(shop(days=60, seed=9, level=500.0, slope=0.0, noise=0.01).assign(shop="new"), series=("shop",))
    said = fitted.forecast(other, [53], HORIZON)
    assert np.abs(said[0] - other.values[:, 53:60]).max() < 3


def test_holes_in_a_history_are_lived_with(grid: Grid) -> None:
    holey = grid.hidden_from(grid.length)
    holey.values[:, 40:47], holey.values[:, 149] = np.nan, np.nan
    for make in ALL.values():
        assert np.isfinite(make().fit(holey, 150, HORIZON).forecast(holey, [150], HORIZON)).all()


def test_the_unit_of_mase_is_what_a_season_changes() -> None:
    values = np.array([[1.0, 2.0, 4.0, 5.0, 7.0, 8.0]])
    assert scales_of(values, 2) == pytest.approx([3.0])
    assert scales_of(np.full((1, 9), 4.0), 2) == pytest.approx([1.0])


def test_intervals_widen_where_origins_are_few_and_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        # Errors of one origin share a mean, as those of a horizon do.
        errors = np.abs(rng.normal(size=(5, 1, 6)) + rng.normal(size=(5, 1, 1)))
        _, low, high, batches = interval(lambda arrays: float(np.mean(arrays[0])), [errors])
        truth = np.mean(np.abs(np.sqrt(2) * np.random.default_rng(0).normal(size=100_000)))
        hits += low <= truth <= high
        assert batches == 5
    assert hits / 200 > 0.88


def growing_series(number: int, *, months: int) -> np.ndarray:
    """Monthly series that grow tenfold or so in ten years, with a season, and errors in proportion to their level."""
    rng = np.random.default_rng(6)
    trend = np.exp(0.02 * np.arange(months) + 0.3 * np.sin(2 * np.pi * np.arange(months) / 12))
    return np.asarray(100 * trend * np.exp(0.05 * rng.normal(size=(number, months))))


def test_intervals_grow_with_a_series_whose_errors_do_and_hold_their_share_later() -> None:
    inside: dict[str, list[float]] = {"learned": [], "fixed": []}
    chosen: list[str] = []
    for values in growing_series(60, months=144):
        times = pd.date_range("2000-01-01", periods=144, freq="MS")
        rows = pd.DataFrame({"day": times, "sales": values})
        grid = make_grid(rows, Layout("day", "sales", "MS", floor=0.0))
        early = make_grid(rows[:96], grid.layout)
        windows = plan_windows(96, 12, folds=3, origins_a_fold=1)
        rule = SeasonalNaive(12)
        scales = scales_of(early.values, 12)
        forecast = backtest(lambda: SeasonalNaive(12), early, windows)
        learned = learn_reach(lambda: SeasonalNaive(12), early, windows, forecast, scales, season=12)
        chosen.append(learned.unit)
        fixed = Reach(tuple(conformal_reach(actual_values(early, windows.origins, 12), forecast, scales)))
        origins = [96, 108, 120, 132]
        errors = np.abs(actual_values(grid, origins, 12) - rule.forecast(grid, origins, 12))
        for name, reach in (("learned", learned), ("fixed", fixed)):
            widths = reach.half_widths(grid, origins, scales, season=12)
            assert widths is not None
            inside[name].append((errors <= widths).mean())
    assert chosen.count("level") > 50
    assert abs(np.mean(inside["learned"]) - 0.9) < 0.05
    assert np.mean(inside["fixed"]) < 0.75


def test_closer_origins_are_taken_only_where_errors_are_few() -> None:
    grid = grid_of(shop(days=150))
    few = plan_windows(grid.length, HORIZON, folds=3, origins_a_fold=1)
    closer = closer_windows(few, grid)
    assert closer is not None
    assert [fold[0] for fold in closer.folds] == [fold[0] for fold in few.folds]
    assert len(closer.origins) == grid.length - HORIZON - few.origins[0] + 1
    many = plan_windows(grid.length, 1, folds=5, origins_a_fold=8)
    assert closer_windows(many, grid) is None


def test_conformal_intervals_hold_their_share_by_step() -> None:
    rng = np.random.default_rng(4)
    spread = np.linspace(1, 3, 5)
    past, later = (rng.normal(size=(300, 2, 5)) * spread for _ in range(2))
    reach = np.array(conformal_reach(past, np.zeros_like(past), np.ones(2)))
    inside = (np.abs(later) <= reach).mean(axis=(0, 1))
    assert np.all(np.abs(inside - 0.9) < 0.05)
    assert reach[-1] > 2 * reach[0]
