"""Folds that follow time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import SplitDefinition

__all__ = ["time_folds"]


def time_folds(frame: pd.DataFrame, definition: SplitDefinition) -> np.ndarray:
    """The fold of each row by its moment, (n,) int from 0: later folds hold later rows, one moment stays together.

    Raises
    ------
    InputError
        If the time column does not order rows, or holds fewer than two moments.
    """
    column = frame[definition.time_column]
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        moments = column.rank(method="dense").to_numpy()
    else:
        raise InputError(
            f"The time column {definition.time_column!r} does not order rows in time",
            found=f"it holds {column.dtype}",
            remedy="Pass a time_column of time stamps or numbers",
        )
    timed = ~np.isnan(moments)
    codes = moments[timed].astype("int64") - 1
    counts = np.bincount(codes)
    if len(counts) < 2:
        raise InputError(
            "The development rows cannot be cut into folds by time",
            found=f"the time column {definition.time_column!r} holds {len(counts)} different values there",
            remedy="Pass another time_column, or split='stratified' if time does not matter",
        )
    # A moment belongs where its middle row stands among all rows.
    middles = (np.cumsum(counts) - counts / 2) / counts.sum()
    fold_of_moment = np.unique(np.floor(middles * definition.folds), return_inverse=True)[1]
    if fold_of_moment[-1] == 0:
        fold_of_moment[-1] = 1
    folds = np.zeros(len(frame), dtype="int64")
    folds[timed] = fold_of_moment[codes]
    return folds
