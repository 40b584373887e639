"""The step between moments is found, and what makes no series is refused with a pointer."""

from __future__ import annotations

import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.forecasting.rhythm import Rhythm, default_horizon, read_rhythm


def rhythm(times: pd.Index, *, series: tuple[str, ...] = (), **columns: object) -> Rhythm:
    frame = pd.DataFrame({"t": times, **columns})
    return read_rhythm(frame, time_column="t", series_columns=series)


@pytest.mark.parametrize(
    ("freq", "step", "seasons", "horizon"),
    [
        ("MS", "1MS", (12,), 12),
        ("ME", "1ME", (12,), 12),
        ("QS", "3MS", (4,), 4),
        ("YS", "12MS", (), 3),
        ("W-SUN", "7D", (52,), 13),
        ("D", "1D", (7,), 14),
        ("B", "B", (5,), 10),
        ("h", "1h", (24, 168), 24),
        ("30min", "30min", (48, 336), 48),
    ],
)
def test_the_step_is_found(freq: str, step: str, seasons: tuple[int, ...], horizon: int) -> None:
    found = rhythm(pd.date_range("2001-01-01", periods=480, freq=freq).astype("datetime64[us]"))
    assert (found.step, found.seasons, found.moments, found.gaps) == (step, seasons, 480, 0)
    assert default_horizon(found) == horizon


def test_numbers_may_count_time() -> None:
    found = rhythm(pd.Index(range(10, 400, 2)))
    assert (found.step, found.moments) == (2, 195)


def test_gaps_are_counted_series_by_series() -> None:
    days = pd.date_range("2024-01-01", periods=30, freq="D")
    times = pd.Index([*days.delete([4, 5]), *days[10:]])
    found = rhythm(times, series=("s",), s=["a"] * 28 + ["b"] * 20)
    assert (found.series, found.gaps, found.moments) == (2, 2, 30)


def test_a_repeated_moment_is_refused_and_points_to_series_columns() -> None:
    days = pd.date_range("2024-01-01", periods=10, freq="D")
    with pytest.raises(InputError, match="repeat one") as caught:
        rhythm(pd.Index([*days, *days]))
    assert "series_columns" in caught.value.remedy


def test_stamps_off_the_grid_are_refused() -> None:
    days = pd.date_range("2024-01-01", periods=30, freq="D")
    with pytest.raises(InputError, match="not evenly spaced") as caught:
        rhythm(days.delete(3).append(pd.DatetimeIndex(["2024-03-01 05:00"])))
    assert "split='time'" in caught.value.remedy


def test_texts_are_no_time() -> None:
    with pytest.raises(InputError, match="neither time stamps nor whole numbers"):
        rhythm(pd.Index(["one", "two", "three", "four"]))
