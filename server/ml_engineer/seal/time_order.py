"""Holding out the latest rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError

__all__ = ["latest_rows", "time_values"]


def time_values(column: pd.Series) -> np.ndarray:
    """The column as numbers that grow with time, (n,) float64, NaN where there is no time.

    Raises
    ------
    InputError
        If the column holds neither time stamps nor numbers.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        # Microseconds of any year that a table holds are exact as floats until the year 2255.
        moments = column.to_numpy().astype("datetime64[us]")
        return np.where(np.isnat(moments), np.nan, moments.view("int64").astype("float64"))
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype="float64", na_value=np.nan)
    raise InputError(
        f"The time column {column.name!r} does not order rows in time",
        found=f"it holds {column.dtype}",
        remedy="Pass a time_column of time stamps or numbers, or time_column='' if time does not matter",
    )


def latest_rows(times: np.ndarray, *, fraction: float) -> np.ndarray:
    """The latest rows, (n,) bool: as near to `fraction` of all as whole moments allow; rows without a time are not.

    Raises
    ------
    InputError
        If there is only one moment.
    """
    moments, counts = np.unique(times[~np.isnan(times)], return_counts=True)
    if len(moments) < 2:
        raise InputError(
            "The rows cannot be split by time",
            found=f"the time column holds {len(moments)} different values",
            remedy="Pass another time_column, or split='stratified' if time does not matter",
        )
    rows_from = counts[::-1].cumsum()[::-1]
    # From the second moment on: the first always stays in development.
    cut = 1 + int(np.argmin(np.abs(rows_from[1:] - fraction * len(times))))
    return np.asarray(times >= moments[cut])
