"""Intervals are wide where the model errs much, and hold what they promise."""

import numpy as np
import pandas as pd
import pytest

from models.training.intervals import LEVEL, interval_ends, learn_interval


def simulated(rows: int, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Make outcomes that lie the farther from their prediction, the larger it is."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(1, 10, rows)
    actual = predicted * np.exp(0.2 * rng.normal(size=rows))
    return actual, pd.DataFrame({"fold": np.arange(rows) % 5, "predicted": predicted})


def without_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Make features that say nothing."""
    return pd.DataFrame({"same": 1.0}, index=table.index)


def test_widths_follow_the_features_where_they_tell_the_error() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(
        {"calm": rng.random(4000), "kind": rng.choice(["a", "b"], 4000), "noise": rng.normal(size=4000)}
    )
    predicted = rng.normal(size=4000)
    far = (0.1 + features["calm"]) * np.where(features["kind"] == "a", 1, 3)
    actual = predicted + far.to_numpy() * rng.normal(size=4000)
    table = pd.DataFrame({"fold": np.arange(4000) % 5, "predicted": predicted})
    interval = learn_interval(actual[:2000], table[:2000], features[:2000])
    assert interval is not None
    assert interval["spread"] is not None
    low, high = interval_ends(interval, predicted[2000:], features[2000:])
    inside = (low <= actual[2000:]) & (actual[2000:] <= high)
    for part in np.array_split(np.argsort(far[2000:].to_numpy()), 4):
        assert inside[part].mean() == pytest.approx(LEVEL, abs=0.06)


def test_a_target_that_is_mostly_nothing_gets_intervals() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(500, 2)), columns=["a", "b"])
    table = pd.DataFrame({"fold": np.arange(500) % 5, "predicted": 0.0})
    actual = np.where(rng.uniform(size=500) < 0.96, 0.0, rng.lognormal(mean=3, size=500))
    interval = learn_interval(actual, table, features)
    assert interval is not None
    low, high = interval_ends(interval, np.zeros(500), features)
    assert np.isfinite(high - low).all()
    assert np.mean((low <= actual) & (actual <= high)) >= LEVEL


def test_intervals_widen_with_the_errors_and_cover_new_rows() -> None:
    known, seen = simulated(2000, seed=0)
    interval = learn_interval(known, seen, without_columns(seen))
    assert interval is not None
    actual, table = simulated(4000, seed=1)
    predicted = table["predicted"].to_numpy()
    low, high = interval_ends(interval, predicted, without_columns(table))
    inside = (low <= actual) & (actual <= high)
    for part in (predicted < 4, predicted > 7):
        assert inside[part].mean() == pytest.approx(LEVEL, abs=0.03)
    assert np.mean((high - low)[predicted > 7]) > 2 * np.mean((high - low)[predicted < 4])


def test_no_interval_reaches_below_what_a_target_can_be() -> None:
    actual, table = simulated(500, seed=0)
    interval = learn_interval(actual, table, without_columns(table))
    assert interval is not None
    low, high = interval_ends(interval, np.array([-1.0, 0.0, 5.0]), without_columns(table.head(3)))
    assert (low >= 0).all()
    assert (high >= low).all()
    shifted = learn_interval(actual - 5, table.assign(predicted=table["predicted"] - 5), without_columns(table))
    assert shifted is not None
    assert shifted["least"] is None


def test_too_few_rows_give_no_interval() -> None:
    actual, table = simulated(8, seed=0)
    assert learn_interval(actual, table, without_columns(table)) is None
