"""The part of each column in a forecast: time, series, known in advance, or known only once it has happened."""

from __future__ import annotations

import pandas as pd

from ml_engineer.forecasting.past import MOST_PAST, counts_up
from ml_engineer.profiling.columns import ColumnsProfile
from ml_engineer.verbs.forecasting.request import Asked
from ml_engineer.vocabulary.problem import ColumnRole, ProblemColumn
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["columns_of", "past_columns"]


def columns_of(
    development: pd.DataFrame, columns: ColumnsProfile, request: FrameProblemRequest, asked: Asked
) -> tuple[ProblemColumn, ...]:
    """Every column with its part, as told or as what development rows hold suggests.

    Parameters
    ----------
    development : pandas.DataFrame of shape (n, columns)
        Development rows.
    columns : ColumnsProfile
        What their columns look like.
    request : FrameProblemRequest
        What the person said.
    asked : Asked
        The forecasting part of that.
    """
    sensitive = set(request.sensitive_columns or ())
    distinct = {column.name: column.distinct_values for column in columns.columns}
    found = []
    past = 0
    for name in map(str, development.columns):
        column = _column(name, development[name], request, asked, distinct=distinct.get(name, 0))
        past += column.availability == "after_the_fact" and column.role == "numeric"
        if past > MOST_PAST and column.availability == "after_the_fact" and column.role == "numeric":
            reason = f"left out: the past of {MOST_PAST} columns before it is used, and more would drown them"
            column = column.model_copy(update={"role": "ignored", "reason": reason})
        found.append(column.model_copy(update={"sensitive": name in sensitive}))
    return tuple(found)


def past_columns(columns: tuple[ProblemColumn, ...]) -> tuple[str, ...]:
    """Columns of which only values before the origin are used."""
    return tuple(
        column.name for column in columns if column.availability == "after_the_fact" and column.role == "numeric"
    )


def _column(
    name: str, values: pd.Series, request: FrameProblemRequest, asked: Asked, *, distinct: int
) -> ProblemColumn:
    said = _said(name, values, request, asked)
    if said is not None:
        return said
    role: ColumnRole = "ignored"
    reason = "text or time stamps that are not known in advance"
    if distinct <= 1:
        role, reason = "constant", "holds one value only"
    elif pd.api.types.is_numeric_dtype(values.dtype) and counts_up(values):
        role, reason = "identifier", "counts rows"
    elif pd.api.types.is_numeric_dtype(values.dtype):
        reason = "not known in advance: only its values before the forecast are used, none of its own moment"
        return ProblemColumn(name=name, role="numeric", used=False, availability="after_the_fact", reason=reason)
    return ProblemColumn(name=name, role=role, used=False, reason=reason)


def _said(name: str, values: pd.Series, request: FrameProblemRequest, asked: Asked) -> ProblemColumn | None:
    """The part of a column that an argument names; nothing for all others."""
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    known = "known in advance, as the person said: its value at the moment that is forecast is used"
    parts: tuple[tuple[bool, ColumnRole, bool, str], ...] = (
        (name == request.target, "target", False, "what is forecast"),
        (name == asked.time_column, "datetime", True, "orders the series; its calendar is used"),
        (name in asked.series_columns, "group", True, "names the series"),
        (name in (request.exclude_columns or ()), "ignored", False, "left out, as the person said"),
        (name in asked.known_in_advance, "numeric" if numeric else "categorical", True, known),
    )
    for mine, role, used, reason in parts:
        if mine:
            decided = "inferred" if role in {"target", "datetime"} else "person"
            return ProblemColumn(name=name, role=role, used=used, reason=reason, decided_by=decided)
    return None
