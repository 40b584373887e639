"""Which rows belong together, because they are of one person or thing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["group_codes", "query_codes"]


def group_codes(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """The group of each row, (n,) int from 0; a row with a missing key is a group of its own.

    Parameters
    ----------
    frame : pandas.DataFrame
        n rows.
    columns : tuple of str
        Columns that together name a group; none at all makes each row its own group.

    Raises
    ------
    InputError
        If a column is not in the frame.
    """
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise InputError(f"There is no column {absent[0]!r} to group by", remedy="Name columns of the table")
    if not columns:
        return np.arange(len(frame))
    codes = frame.groupby(list(columns), sort=False, dropna=False).ngroup().to_numpy().astype("int64")
    missing = frame[list(columns)].isna().any(axis=1).to_numpy()
    codes[missing] = len(frame) + np.arange(int(missing.sum()))
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype="int64")


def query_codes(problem: ProblemDefinition, frame: pd.DataFrame) -> np.ndarray | None:
    """The query of each row, (n,) int from 0; None for a problem that is no ranking."""
    return group_codes(frame, problem.split.group_columns) if problem.task_type == "ranking" else None
