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


def test_intervals_widen_with_the_errors_and_cover_new_rows() -> None:
    interval = learn_interval(*simulated(2000, seed=0))
    assert interval is not None
    actual, table = simulated(4000, seed=1)
    predicted = table["predicted"].to_numpy()
    low, high = interval_ends(interval, predicted)
    inside = (low <= actual) & (actual <= high)
    for part in (predicted < 4, predicted > 7):
        assert inside[part].mean() == pytest.approx(LEVEL, abs=0.03)
    assert np.mean((high - low)[predicted > 7]) > 2 * np.mean((high - low)[predicted < 4])


def test_no_interval_reaches_below_what_a_target_can_be() -> None:
    actual, table = simulated(500, seed=0)
    interval = learn_interval(actual, table)
    assert interval is not None
    low, high = interval_ends(interval, np.array([-1.0, 0.0, 5.0]))
    assert (low >= 0).all()
    assert (high >= low).all()
    shifted = learn_interval(actual - 5, table.assign(predicted=table["predicted"] - 5))
    assert shifted is not None
    assert shifted["least"] is None


def test_too_few_rows_give_no_interval() -> None:
    actual, table = simulated(8, seed=0)
    assert learn_interval(actual, table) is None
