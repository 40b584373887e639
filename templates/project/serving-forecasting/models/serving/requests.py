"""What a request may hold, and how it becomes rows: strict, for a lenient service would forecast from a misreading."""

import math
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from data.features.contract import PROBLEM

MOST_ROWS = 100_000
Cell = float | int | bool | str | None


class UnusableRowsError(ValueError):
    """Rows that cannot be forecast from; the text says why, without the values that were sent."""


class Body(BaseModel):
    """A request: recent rows, and rows to forecast with what is known in advance."""

    model_config = ConfigDict(strict=True, extra="forbid")

    history: list[dict[str, Cell]] = Field(
        default_factory=list,
        max_length=MOST_ROWS,
        description="Rows of the recent past, one a series and moment, with the target. They go before what the service stored.",
    )
    future: list[dict[str, Cell]] = Field(
        default_factory=list,
        max_length=MOST_ROWS,
        description="Rows of the moments to forecast, with the columns known in advance.",
    )


def as_rows(sent: list[dict[str, Cell]], *, what: str) -> pd.DataFrame | None:
    """Rows of a request as a table; None if there are none.

    Raises
    ------
    UnusableRowsError
        If a column is missing or unknown, or a value is not of its kind.
    """
    if not sent:
        return None
    needed = {PROBLEM.time_column, *PROBLEM.series_columns, *PROBLEM.known_in_advance}
    allowed = needed | {PROBLEM.target, *PROBLEM.past_columns}
    if what == "history":
        needed = needed | {PROBLEM.target}
    for row in sent:
        if needed - set(row) or set(row) - allowed:
            odd = sorted(needed - set(row)) or sorted(set(row) - allowed)
            raise UnusableRowsError(f"{what}: a row lacks, or should not have, {odd[0][:60]!r}")
    table = pd.DataFrame(sent)
    table[PROBLEM.time_column] = _times(table[PROBLEM.time_column], what)
    for name in (PROBLEM.target, *PROBLEM.past_columns):
        if name in table:
            table[name] = _numbers(table[name], name, what)
    for name in PROBLEM.series_columns:
        if table[name].isna().any():
            raise UnusableRowsError(f"{what}: {name!r} is empty in a row")
    return table


def _times(values: pd.Series, what: str) -> pd.Series:
    if isinstance(PROBLEM.step, int):
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            raise UnusableRowsError(f"{what}: {PROBLEM.time_column!r} holds something else than whole numbers")
        return values.astype("int64")
    if not all(isinstance(value, str) for value in values):
        raise UnusableRowsError(f"{what}: {PROBLEM.time_column!r} is given as text, e.g. 2026-01-31T12:00:00")
    try:
        moments = pd.to_datetime(values, utc=True, format="ISO8601").dt.tz_localize(None)
    except (ValueError, OverflowError):
        raise UnusableRowsError(f"{what}: {PROBLEM.time_column!r} holds what is no time stamp") from None
    return moments.astype("datetime64[us]")


def _numbers(values: pd.Series, name: str, what: str) -> pd.Series:
    def number(value: Any) -> float:
        if value is None:
            return math.nan
        if isinstance(value, str) or not math.isfinite(value):
            raise UnusableRowsError(f"{what}: {name!r} holds what is no number")
        return float(value)

    return pd.Series([number(value) for value in values.astype(object)], index=values.index)
