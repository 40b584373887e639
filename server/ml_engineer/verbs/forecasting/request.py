"""What a person said of a forecasting problem, checked against the table, and what is assumed where nothing was said."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.forecasting.rhythm import Rhythm, default_horizon, read_rhythm
from ml_engineer.profiling.column_names import require_columns
from ml_engineer.profiling.names import quoted
from ml_engineer.vocabulary.forecasting import FORECAST_METRICS
from ml_engineer.vocabulary.problem import Question
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["Asked", "is_forecasting", "refuse_forecasting_arguments", "settle"]

_MOST_SERIES_SHARE = 0.5
_NOT_HERE = ("positive_class", "group_columns", "test_data", "false_positive_cost", "false_negative_cost")


@dataclass(frozen=True)
class Asked:
    """The arguments that only forecasting has, all settled.

    Parameters
    ----------
    time_column : str
        Column of the time stamps.
    series_columns : tuple of str
        Columns that name a series.
    known_in_advance : tuple of str
        Columns known in advance.
    rhythm : Rhythm
        The grid that the time stamps lie on.
    horizon : int
        Moments to forecast.
    questions : tuple of Question
        What only the person can answer.
    assumptions : tuple of str
        What was assumed, one sentence each.
    """

    time_column: str
    series_columns: tuple[str, ...]
    known_in_advance: tuple[str, ...]
    rhythm: Rhythm
    horizon: int
    questions: tuple[Question, ...]
    assumptions: tuple[str, ...]


def is_forecasting(request: FrameProblemRequest, earlier_task: object) -> bool:
    """Whether the request is for a forecast: as said now or before, or because it names a horizon."""
    if request.task_type is not None:
        return request.task_type == "forecasting"
    return request.horizon is not None or earlier_task == "forecasting"


def refuse_forecasting_arguments(request: FrameProblemRequest) -> None:
    """Refuse what other tasks have no use for.

    Raises
    ------
    InputError
        Naming the argument.
    """
    for name in ("horizon", "series_columns", "known_in_advance"):
        if getattr(request, name) is not None:
            raise InputError(
                f"{name} is for forecasting",
                found=f"task_type is {request.task_type or 'not forecasting'}",
                remedy=f"Pass task_type='forecasting' and a time_column, or leave {name} out",
            )


def settle(request: FrameProblemRequest, frame: pd.DataFrame) -> Asked:
    """Check the arguments and fill in what was not said; of the table, only time, series and types are looked at.

    Raises
    ------
    InputError
        If the table or an argument does not make series, saying what would.
    """
    _refuse_unfit(request, frame)
    columns = list(frame.columns)
    assumptions: list[str] = []
    questions: list[Question] = []
    time_column = request.time_column or _find_time(frame, assumptions)
    series = tuple(request.series_columns or ())
    known = tuple(request.known_in_advance or ())
    require_columns(list(series), columns, argument="series_columns")
    require_columns(list(known), columns, argument="known_in_advance")
    for name, argument in (
        (request.target, "the target"),
        (time_column, "time_column"),
        *((n, "series_columns") for n in series),
    ):
        if name in known or (name in series and argument != "series_columns"):
            where = "known_in_advance" if name in known else "series_columns"
            raise InputError(
                f"{quoted(name)} is {argument} and cannot be in {where}", remedy=f"Leave it out of {where}"
            )
    if request.series_columns is None and frame.duplicated([time_column]).any():
        _refuse_mixed_series(frame, time_column, request.target)
    rhythm = read_rhythm(frame, time_column=time_column, series_columns=series)
    horizon = request.horizon or default_horizon(rhythm)
    if request.horizon is None:
        text = f"{horizon} moments ({rhythm.words})"
        questions.append(
            Question(
                id="horizon",
                text="How far ahead must be forecast, when a decision is made?",
                assumption=f"{text}, about one season.",
                argument="horizon=NUMBER OF MOMENTS",
            )
        )
    others = [name for name in columns if name not in {request.target, time_column, *series, *known}]
    if request.known_in_advance is None and others:
        questions.append(
            Question(
                id="known_in_advance",
                text=f"Which of the columns {_listed(others)} are known for the moments to forecast, as holidays or set prices?",
                assumption="None: of all of them only values before the forecast are used.",
                argument="known_in_advance=[COLUMNS], an empty list for none",
            )
        )
    return Asked(time_column, series, known, rhythm, horizon, tuple(questions), tuple(assumptions))


def _refuse_unfit(request: FrameProblemRequest, frame: pd.DataFrame) -> None:
    target = frame[request.target]
    if not pd.api.types.is_numeric_dtype(target.dtype) or pd.api.types.is_bool_dtype(target.dtype):
        raise InputError(
            f"Only numbers are forecast, and {quoted(request.target)} holds {target.dtype}",
            remedy="Name a column of numbers as target; for labels over time pass task_type='binary' or 'multiclass' with "
            "split='time'",
        )
    for name in _NOT_HERE:
        if getattr(request, name):
            instead = "series_columns names series" if name == "group_columns" else "leave it out"
            raise InputError(f"{name} has no use in forecasting", remedy=f"Leave it out ({instead})")
    if request.split not in (None, "time"):
        raise InputError(
            f"Forecasts are judged on the latest moments, not by split={request.split!r}",
            remedy="Leave split out; the last horizons of all series are sealed",
        )
    if request.metric is not None and request.metric not in FORECAST_METRICS:
        raise InputError(
            f"The metric {request.metric!r} does not fit forecasting",
            found=f"allowed: {', '.join(FORECAST_METRICS)}",
            remedy="Pass one of them as metric, or leave it out",
        )


def _find_time(frame: pd.DataFrame, assumptions: list[str]) -> str:
    found = [str(name) for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    if len(found) == 1:
        assumptions.append(f"Time is {quoted(found[0])}, the only column of time stamps.")
        return found[0]
    raise InputError(
        "A forecast needs to know which column is the time",
        found=f"columns of time stamps: {', '.join(quoted(name) for name in found) or 'none'}",
        remedy="Pass time_column (time stamps, or whole numbers that count time)",
    )


def _refuse_mixed_series(frame: pd.DataFrame, time_column: str, target: str) -> None:
    """Name a column that tells the series apart, where one does."""
    for name in frame.columns:
        apart = name not in (time_column, target) and not pd.api.types.is_float_dtype(frame[name].dtype)
        if not apart or pd.api.types.is_datetime64_any_dtype(frame[name].dtype):
            continue
        few = frame[name].nunique() <= _MOST_SERIES_SHARE * len(frame)
        if few and not frame.duplicated([name, time_column]).any():
            raise InputError(
                f"Several rows stand at one moment of {quoted(time_column)}, as if there were several series",
                found=f"{quoted(name)} tells them apart ({frame[name].nunique():,} values)",
                remedy=f"Pass series_columns=[{str(name)!r}], or add up the rows of one moment (sql with GROUP BY)",
            )


def _listed(names: list[str]) -> str:
    shown = ", ".join(quoted(name, 40) for name in names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
