"""Any table as a feature frame: numbers, truth values and strings, as the search takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["feature_frame"]

_EPOCH = pd.Timestamp(2000, 1, 1)


def feature_frame(table: Any, *, names: list[str]) -> pd.DataFrame:
    """`table` with each column as a model can use it; row-local, so that it may be done to any rows at any time.

    Moments become calendar parts and days since 2000; durations become seconds; categories and everything else that
    is no number become strings; lists become the words of a text.

    Parameters
    ----------
    table : pandas.DataFrame or numpy.ndarray of shape (n, p)
        What the caller has.
    names : list of str
        Names for the p columns; they replace those of a frame.

    Returns
    -------
    pandas.DataFrame of shape (n, q)
        Numbered from 0.

    Raises
    ------
    ValueError
        If a number is infinite.
    """
    frame = table.reset_index(drop=True) if isinstance(table, pd.DataFrame) else pd.DataFrame(np.asarray(table))
    parts: dict[str, pd.Series] = {}
    for place, name in enumerate(names):
        parts |= _features(name, frame.iloc[:, place])
    return pd.DataFrame(parts, index=frame.index)


def _features(name: str, column: pd.Series) -> dict[str, pd.Series]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return _moment(name, column)
    if pd.api.types.is_timedelta64_dtype(column):
        return {name: column.dt.total_seconds()}
    if pd.api.types.is_bool_dtype(column):
        missing = column.isna().any()
        return {name: column.astype("float64") if missing else column.astype(bool)}
    if pd.api.types.is_numeric_dtype(column):
        return {name: _finite(name, column)}
    if column.dtype == object:
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().sum() == column.notna().sum() and not column.map(lambda one: isinstance(one, str)).any():
            return {name: _finite(name, numbers)}
        column = column.map(lambda one: " ".join(map(str, one)) if isinstance(one, list | tuple | set) else one)
    return {name: column.astype("str").where(column.notna().to_numpy(), np.nan)}


def _finite(name: str, column: pd.Series) -> pd.Series:
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    if np.isinf(values).any():
        msg = f"Input X contains infinity: column {name!r}; replace it by NaN or a finite number"
        raise ValueError(msg)
    return pd.Series(values, index=column.index)


def _moment(name: str, column: pd.Series) -> dict[str, pd.Series]:
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    parts = {
        "year": column.dt.year,
        "month": column.dt.month,
        "day_of_week": column.dt.day_of_week,
        "hour": column.dt.hour,
        "day": (column - _EPOCH).dt.days,
    }
    return {f"{name}__{part}": values.astype("float64") for part, values in parts.items()}
