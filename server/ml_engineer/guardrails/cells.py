"""What a column of a cleaned frame holds, and which rows are equal."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["is_number", "is_text", "repeats_by_chance", "row_hashes"]


def row_hashes(frame: pd.DataFrame) -> pd.Series:
    """One 64-bit hash a row, equal for rows that are equal in every column; indexed like `frame`."""
    return pd.util.hash_pandas_object(frame, index=False)


def is_text(column: pd.Series) -> bool:
    """Whether the column holds strings."""
    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object


def is_number(column: pd.Series) -> bool:
    """Whether the column holds integers or floats (not booleans)."""
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def repeats_by_chance(frame: pd.DataFrame, hashes: pd.Series) -> bool:
    """Whether equal rows are no more than so few different values make likely.

    The number of equal pairs is compared with twice what columns independent of each other would give. A text that differs
    in most rows is written freely: that two are equal is no work of few values, however often it happens in the column.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows.
    hashes : pandas.Series of shape (n,)
        From `row_hashes`.
    """
    counts = hashes.value_counts().to_numpy()
    pairs = float((counts * (counts - 1) / 2).sum())
    expected = (
        len(frame) * (len(frame) - 1) / 2 * float(np.prod([_equal_by_chance(frame[name]) for name in frame.columns]))
    )
    return pairs <= 2 * expected + 5


def _equal_by_chance(column: pd.Series) -> float:
    """Chance that two rows have the same value, were the column filled in without regard to the others."""
    shares = column.value_counts(normalize=True, dropna=False)
    written_freely = is_text(column) and len(shares) > len(column) / 2
    return 0.0 if written_freely else float((shares**2).sum())
