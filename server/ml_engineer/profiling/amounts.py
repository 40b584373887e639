"""Numbers that are counts, and quantiles of numbers: what is asked must fit what the target holds."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.target import TargetReading
from ml_engineer.profiling.task_choice import names_counts
from ml_engineer.vocabulary.estimates import Metric

__all__ = ["holds_counts", "refuse_unfit_amounts"]

_FEW: Final = 20.0
"""Whole numbers from 0 on with a smaller mean are taken for counts, whatever they are called."""


def holds_counts(column: pd.Series, reading: TargetReading) -> bool:
    """Whether a target to be predicted as a number, shape (n,), counts things."""
    if reading.judged_as != "regression" or not pd.api.types.is_integer_dtype(column.dtype) or column.min() < 0:
        return False
    return names_counts(str(column.name)) or bool(column.min() == 0 and column.mean() < _FEW)


def refuse_unfit_amounts(
    column: pd.Series, reading: TargetReading, *, quantile: float | None, metric: Metric | None
) -> None:
    """Refuse a quantile or a metric of amounts that does not fit the target.

    Raises
    ------
    InputError
        Naming the argument to change.
    """
    if quantile is not None and reading.judged_as != "regression":
        raise InputError(
            "A quantile is predicted of numbers only",
            found=f"this task is {reading.task_type}",
            remedy="Leave quantile out, or pass task_type='regression' if the target holds amounts",
        )
    if quantile is not None and metric not in {None, "pinball"}:
        raise InputError(
            f"A quantile is judged by pinball loss, not by {metric}",
            found=f"quantile={quantile:g}, metric={metric!r}",
            remedy="Leave metric out, or quantile",
        )
    if quantile is None and metric == "pinball":
        raise InputError(
            "Pinball loss judges a quantile, and none is named",
            found="metric='pinball' without quantile",
            remedy="Pass quantile, e.g. 0.9 for the value that nine in ten outcomes stay at or below",
        )
    if metric == "poisson_deviance" and column.min() < 0:
        raise InputError(
            f"The target {quoted(column.name)} has values below zero, which no count has",
            found=f"the smallest is {column.min():g}",
            remedy="Pass another metric",
        )
