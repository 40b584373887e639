"""Time and event as one target: the time of the event, or minus the time up to which a row was followed without it.

So XGBoost's Cox objective takes survival, and so the rows are dealt, kept, and handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.positive_class import read_flag
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["as_survival", "combine_event"]

_FEWEST_EVENTS: Final = 20


def as_survival(request: FrameProblemRequest, earlier: Mapping[str, Any]) -> FrameProblemRequest:
    """The request with what makes it one of survival: told now, or earlier and not taken back.

    Raises
    ------
    InputError
        If survival is asked for without a column that tells of the event, or such a column for another task.
    """
    column = request.event_column
    if column is None and request.task_type in {None, "survival"}:
        column = earlier.get("event_column")
    if column is None:
        if request.task_type == "survival":
            raise InputError(
                "Survival needs to know in which rows the event happened",
                found="no event_column is named; a time without the event is not the time of one",
                remedy="Pass event_column with a column of 1 (it happened at that time) and 0 (followed so long "
                "without). If it happened in every row, pass task_type='regression'",
            )
        return request
    if request.task_type not in {None, "survival"}:
        raise InputError(
            f"event_column is for survival, and task_type is {request.task_type!r}",
            remedy="Leave one of them out",
        )
    if column == request.target:
        raise InputError(
            f"{quoted(column)} is named as target and as event_column",
            remedy="Pass the column with the time as target, and the one with 1 and 0 as event_column",
        )
    told: dict[str, Any] = {"event_column": column, "task_type": "survival"}
    if request.positive_class is None:
        told["positive_class"] = earlier.get("positive_class")
    return request.model_copy(update=told)


def combine_event(
    frame: pd.DataFrame, target: str, event_column: str, *, wanted: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """The table with signed times as target and without the event column; and what was done, one sentence each.

    Parameters
    ----------
    frame : pandas.DataFrame
        All rows.
    target : str
        Column with the time.
    event_column : str
        Column with two values, one of which means that the event happened.
    wanted : str, optional
        The value that means it, if the person said.

    Raises
    ------
    UnsupportedTaskError
        If the columns do not hold times and events.
    """
    times = frame[target]
    if not pd.api.types.is_numeric_dtype(times.dtype):
        raise UnsupportedTaskError(
            f"The target {quoted(target)} holds no times that can be counted",
            found=f"values such as {quoted(times.dropna().iloc[0]) if times.notna().any() else 'none'}",
            remedy="Give the time from a row's start to the event, or to when it was last seen, as a number (e.g. days)",
        )
    text = frame[event_column].map(_as_text, na_action="ignore")
    event, why = read_flag(
        text,
        tells="the event happened",
        remedy="Name a column with two values. Of several kinds of event make one column with sql, true where the one "
        "that is asked about happened; rows with another kind count as followed up to it",
        wanted=wanted,
    )
    numbers = times.astype(float)
    unusable = int((text.isna() | ~(numbers > 0)).sum())
    signed = numbers.where(text == event, -numbers).where(text.notna() & (numbers > 0))
    if int((signed > 0).sum()) < _FEWEST_EVENTS:
        raise UnsupportedTaskError(
            f"The event happened in {int((signed > 0).sum())} rows only, if {quoted(event)} of {quoted(event_column)} means it",
            found=f"{', '.join(f'{quoted(name, 20)}: {rows:,} rows' for name, rows in text.value_counts().sort_index().items())}",
            remedy=f"Pass the other value as positive_class, or bring at least {_FEWEST_EVENTS} rows with the event",
        )
    told = [f"{quoted(event)} of {quoted(event_column)} means that the event happened: {why}"]
    if unusable:
        told.append(f"{unusable:,} rows without a time above 0 or without {quoted(event_column)} are left out")
    combined = frame.drop(columns=event_column)
    combined[target] = signed.to_numpy(dtype=float, na_value=np.nan)
    return combined, told


def _as_text(value: object) -> str:
    """A value as text; 1 and 1.0 and True are one."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
