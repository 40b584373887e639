"""Rows whose target can be learned from: which stay, and of what type their target is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.names import quoted

__all__ = ["CleanTarget", "clean_target"]

_FEWEST_ROWS: Final = 10
_NUMBERS_SHARE: Final = 0.8
_MOST_ODD_WORDS: Final = 3


@dataclass(frozen=True)
class CleanTarget:
    """A table whose target can be learned from.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows that have a target; their index still counts rows of the source.
    notes : tuple of str
        What was done to the target and how many rows were left out, one sentence each.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def clean_target(frame: pd.DataFrame, target: str) -> CleanTarget:
    """Leave out rows without a usable target, and give whole numbers and numbers with odd words their type.

    Raises
    ------
    InputError
        If no target is left, or too few rows are.
    """
    column = frame[target]
    notes: list[str] = []
    if isinstance(column.dtype, pd.StringDtype):
        column, notes = _numbers_with_words(column)
    if pd.api.types.is_float_dtype(column.dtype):
        column = column.where(np.isfinite(column))
    present = column.notna()
    left_out = int((~present).sum())
    if left_out == len(frame):
        raise InputError(
            f"The target {quoted(target)} has no value in any of the {len(frame):,} rows",
            remedy="Name another target, or data in which it is known",
        )
    if len(frame) - left_out < _FEWEST_ROWS:
        raise InputError(
            f"Too few rows to learn from and hold some out: {len(frame) - left_out} with a target",
            found=f"{len(frame)} {'row' if len(frame) == 1 else 'rows'} in all",
            remedy=f"Bring at least {_FEWEST_ROWS} rows with a target (a useful model needs hundreds)",
        )
    if left_out:
        notes.append(f"{left_out:,} rows without a usable value of {quoted(target)} are left out")
        column = column[present]
    if pd.api.types.is_float_dtype(column.dtype) and (column == np.floor(column)).all() and column.abs().max() < 2**53:
        column = column.astype("int64")
    unchanged = not left_out and column.dtype == frame[target].dtype
    if not unchanged:
        frame = frame.loc[column.index].copy(deep=False)
        frame[target] = column
    return CleanTarget(frame, tuple(notes))


def _numbers_with_words(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Text that is nearly all numbers, with a few words such as 'not rated', as numbers."""
    counts = column.value_counts()
    numbers = pd.to_numeric(pd.Series(counts.index.to_numpy(dtype=object)), errors="coerce").to_numpy()
    odd = np.isnan(numbers)
    if (
        not odd.any()
        or odd.sum() > _MOST_ODD_WORDS
        or counts[~odd].sum() < _NUMBERS_SHARE * counts.sum()
        or (~odd).sum() < 3
    ):
        return column, []
    listed = ", ".join(quoted(word) for word in counts.index[odd])
    note = f"The target is read as a number; {listed} ({int(counts[odd].sum()):,} rows) is taken for 'not known'"
    return pd.to_numeric(column, errors="coerce").astype("float64"), [note]
