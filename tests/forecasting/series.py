"""Series whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.forecasting.grid import Grid, Layout, make_grid

DAYS = 420


def shop(
    *, days: int = DAYS, seed: int = 0, noise: float = 1.0, level: float = 50.0, slope: float = 0.05
) -> pd.DataFrame:
    """Daily sales with a week and a trend: `level` + `slope` a day + the weekday's share + noise."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2023-01-02", periods=days, freq="D").astype("datetime64[us]")
    sales = level + slope * np.arange(days) + WEEK[np.arange(days) % 7] + noise * rng.normal(size=days)
    return pd.DataFrame({"day": times, "sales": sales})


WEEK = np.array([0.0, 1.0, 2.0, 3.0, 8.0, 12.0, 6.0])


def walk(*, days: int = DAYS, seed: int = 1) -> pd.DataFrame:
    """A random walk, of which nothing is better than the last value."""
    rows = shop(days=days)
    return rows.assign(sales=200 + np.cumsum(np.random.default_rng(seed).normal(size=days)))


def promoted(*, days: int = DAYS, seed: int = 2) -> pd.DataFrame:
    """Sales that are 20 higher on days of a promotion, which fall by chance and are planned ahead."""
    rng = np.random.default_rng(seed)
    rows = shop(days=days, seed=seed)
    plan = rng.random(days) < 0.3
    return rows.assign(promotion=plan.astype(int), sales=rows["sales"] + 20 * plan)


def grid_of(rows: pd.DataFrame, **parts: tuple[str, ...]) -> Grid:
    return make_grid(rows, Layout("day", "sales", "1D", **parts))  # type: ignore[arg-type]
