"""How often a table was taken down: the step between moments, its natural seasons, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.forecasting.grid import Layout, series_keys

__all__ = ["Rhythm", "default_horizon", "read_rhythm"]

_MOST_GAPS = 0.5
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NUMBERED_SEASONS = (4, 7, 12, 24, 52)
"""What may be a season where time is only counted; the development rows tell which is one, if any."""


@dataclass(frozen=True)
class Rhythm:
    """The grid that the time stamps lie on.

    Parameters
    ----------
    step : str or int
        As `Layout.step` takes it.
    words : str
        The same for people.
    seasons : tuple of int
        Moments in each natural season, shortest first; empty if there is none.
    usual_horizon : int
        How far one usually looks ahead.
    moments : int
        From the first to the last.
    series : int
        How many.
    gaps : int
        Cells between the first and the last row of a series that have no row.
    """

    step: str | int
    words: str
    seasons: tuple[int, ...]
    usual_horizon: int
    moments: int
    series: int
    gaps: int


def read_rhythm(frame: pd.DataFrame, *, time_column: str, series_columns: tuple[str, ...]) -> Rhythm:
    """Find the grid of a table's time stamps; only time and series are looked at.

    Raises
    ------
    InputError
        If a stamp is missing, is met twice for one series, or does not lie on one grid with the others.
    """
    times = frame[time_column]
    _refuse_unusable(frame, times, time_column, series_columns)
    stamps = pd.Series(np.sort(times.unique()))
    if len(stamps) < 4:
        raise InputError(
            f"The time column {time_column!r} holds {len(stamps)} different moments, which is no series",
            remedy="Bring a longer history, or frame the problem as another task_type",
        )
    step, words, seasons, horizon = _of_numbers(stamps) if _is_number(times) else _of_stamps(stamps)
    layout = Layout(time_column, "", step)
    moments = _moments(layout, stamps, time_column)
    places = pd.Series(moments.get_indexer(pd.Index(times)), index=times.index)
    if (places < 0).any():
        raise _irregular(time_column, str(times[places < 0].iloc[0]), words)
    spans = places.groupby(series_keys(frame, series_columns)).agg(["min", "max", "size"])
    gaps = int((spans["max"] - spans["min"] + 1 - spans["size"]).sum())
    if gaps > _MOST_GAPS * (gaps + len(frame)):
        raise _irregular(time_column, f"{gaps:,} of {gaps + len(frame):,} moments without a row", words)
    return Rhythm(step, words, seasons, horizon, len(moments), len(spans), gaps)


def default_horizon(rhythm: Rhythm) -> int:
    """One season, or less where the history is short."""
    return max(1, min(rhythm.usual_horizon, rhythm.moments // 8))


def _is_number(times: pd.Series) -> bool:
    return pd.api.types.is_integer_dtype(times.dtype)


def _refuse_unusable(frame: pd.DataFrame, times: pd.Series, time_column: str, series_columns: tuple[str, ...]) -> None:
    if not (_is_number(times) or pd.api.types.is_datetime64_any_dtype(times.dtype)):
        raise InputError(
            f"The time column {time_column!r} holds neither time stamps nor whole numbers",
            found=f"it holds {times.dtype}",
            remedy="Name another time_column, or make one with sql, e.g. SELECT *, make_date(year, month, 1) AS month FROM data",
        )
    if times.isna().any():
        raise InputError(
            f"The time column {time_column!r} is empty in {int(times.isna().sum()):,} rows",
            remedy="Fill the time stamps in, or leave these rows out (sql)",
        )
    twice = frame.duplicated([*series_columns, time_column])
    if twice.any():
        found = times[twice].iloc[0]
        remedy = (
            "Name the columns that tell series apart in series_columns, or add up the rows of one moment (sql with GROUP BY)"
            if not series_columns
            else f"Name further columns in series_columns beside {', '.join(series_columns)}, or add up the rows of one moment"
        )
        raise InputError(
            f"A series has one row a moment, and {int(twice.sum()):,} rows repeat one",
            found=f"{time_column!r} {found} is met again",
            remedy=f"{remedy}. If a day and an hour stand in two columns, join them: SELECT *, day + hour * INTERVAL 1 HOUR AS moment",
        )


def _moments(layout: Layout, stamps: pd.Series, time_column: str) -> pd.Index:
    if isinstance(layout.step, int):
        return layout.moments(int(stamps.iloc[0]), int(stamps.iloc[-1] - stamps.iloc[0]) // layout.step + 1)
    moments = pd.date_range(stamps.iloc[0], stamps.iloc[-1], freq=layout.step)
    if len(moments) > 50 * len(stamps):
        raise _irregular(time_column, f"{len(stamps):,} of {len(moments):,} moments are there", str(layout.step))
    return moments


def _irregular(time_column: str, found: str, words: str) -> InputError:
    return InputError(
        f"The time stamps of {time_column!r} are not evenly spaced",
        found=f"most are {words}, and there is {found}",
        remedy="Bring rows of even steps (add up or take the mean by hour, day or month with sql and date_trunc), or frame "
        "it as regression with split='time'",
    )


def _of_numbers(stamps: pd.Series) -> tuple[int, str, tuple[int, ...], int]:
    step = int(stamps.diff().dropna().mode().iloc[0])
    fitting = tuple(season for season in _NUMBERED_SEASONS if season <= len(stamps) // 5)
    return step, f"{step} apart", fitting, 12


def _of_stamps(stamps: pd.Series) -> tuple[str, str, tuple[int, ...], int]:
    midnight = bool((stamps == stamps.dt.normalize()).all())
    if midnight and stamps.diff().dropna().dt.total_seconds().median() >= 27 * _DAY:
        return _of_months(stamps)
    seconds = max(int(stamps.diff().dropna().mode().iloc[0].total_seconds()), 1)
    if midnight and seconds == _DAY and not (stamps.dt.day_of_week >= 5).any():
        return "B", "working days", (5,), 10
    return _of_days(seconds) if seconds % _DAY == 0 else _of_seconds(seconds)


def _of_days(seconds: int) -> tuple[str, str, tuple[int, ...], int]:
    days = seconds // _DAY
    if days % 7 == 0:
        return f"{days}D", _counted(days // 7, "week"), _whole(52, days // 7), 13
    return f"{days}D", _counted(days, "day"), _whole(7, days), 14


def _of_seconds(seconds: int) -> tuple[str, str, tuple[int, ...], int]:
    in_a_day = _DAY // seconds if _DAY % seconds == 0 else 0
    seasons: tuple[int, ...] = (in_a_day, 7 * in_a_day) if in_a_day and seconds >= _MINUTE else ()
    for size, alias, unit in ((_HOUR, "h", "hour"), (_MINUTE, "min", "minute")):
        if seconds % size == 0:
            return f"{seconds // size}{alias}", _counted(seconds // size, unit), seasons, in_a_day or 12
    seasons = (_HOUR // seconds,) if _HOUR % seconds == 0 else ()
    return f"{seconds}s", _counted(seconds, "second"), seasons, 60


def _of_months(stamps: pd.Series) -> tuple[str, str, tuple[int, ...], int]:
    months = stamps.dt.year * 12 + stamps.dt.month
    step = int(months.diff().dropna().mode().iloc[0])
    ends = bool(stamps.dt.is_month_end.all())
    words = {1: "a month", 3: "a quarter", 12: "a year"}.get(step, f"{step} months")
    seasons = _whole(12, step)
    usual = {1: 12, 3: 4, 12: 3}.get(step, 6)
    return f"{step}{'ME' if ends else 'MS'}", f"{words} apart", seasons, usual


def _whole(units: int, step: int) -> tuple[int, ...]:
    """How many steps make a season of `units`, if it is a whole number above one."""
    return (units // step,) if units % step == 0 and units > step else ()


def _counted(count: int, unit: str) -> str:
    return f"{'an' if unit == 'hour' else 'a'} {unit} apart" if count == 1 else f"{count} {unit}s apart"
