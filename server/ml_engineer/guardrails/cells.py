"""What a column of a cleaned frame holds, and which rows are equal."""

from __future__ import annotations

import pandas as pd

__all__ = ["is_number", "is_text", "row_hashes"]


def row_hashes(frame: pd.DataFrame) -> pd.Series:
    """One 64-bit hash a row, equal for rows that are equal in every column; indexed like `frame`."""
    return pd.util.hash_pandas_object(frame, index=False)


def is_text(column: pd.Series) -> bool:
    """Whether the column holds strings."""
    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object


def is_number(column: pd.Series) -> bool:
    """Whether the column holds integers or floats (not booleans)."""
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
