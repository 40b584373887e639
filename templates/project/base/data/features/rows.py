"""Bring rows from anywhere (a request, a file, a log) into the form that development rows have."""

import numpy as np
import pandas as pd

from data.features.contract import COLUMNS, Column

_TRUE = {"true", "t", "yes", "y", "1", "1.0"}
_FALSE = {"false", "f", "no", "n", "0", "0.0"}


def conform(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the contract's columns in the contract's order, each with the dtype it had in training.

    A model fitted on missing values as NaN does not see a `None` as missing, and says nothing: so everything that
    is to be predicted goes through here. What cannot be read as its column's type becomes missing.

    Raises
    ------
    ValueError
        If columns are missing.
    """
    missing = [column.name for column in COLUMNS if column.name not in rows.columns]
    if missing:
        raise ValueError(f"{len(missing)} columns are missing, among them {missing[:5]!r}")
    return pd.DataFrame({column.name: cast(rows[column.name], column) for column in COLUMNS}, index=rows.index)


def cast(values: pd.Series, column: Column) -> pd.Series:
    """Cast one column's values to the dtype it had in training."""
    if pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values):
        # An empty missing word never matches here: readers and requests give missing values, not empty texts.
        values = values.mask(values.isin([word for word in column.missing_words if word]))
    if column.storage == "string":
        return values.astype("object").where(values.notna(), np.nan).astype("str")
    if column.storage == "datetime":
        return _moments(values)
    if column.storage == "boolean":
        values = _flags(values)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    numbers = numbers.replace([np.inf, -np.inf], np.nan)
    if column.nullable or numbers.isna().any():
        return numbers
    if column.storage == "boolean":
        return numbers.astype("bool")
    return numbers.astype("int64") if column.storage == "integer" else numbers


def _moments(values: pd.Series) -> pd.Series:
    """Time stamps without a zone, in UTC."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    if values.dt.tz is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return values.astype("datetime64[us]")


def _flags(values: pd.Series) -> pd.Series:
    """Truth values as 1 and 0, missing as NaN."""
    if pd.api.types.is_bool_dtype(values):
        return values.astype("float64")
    words = values.astype("object").where(values.notna(), "").map(lambda value: str(value).strip().lower())
    return words.map(lambda word: 1.0 if word in _TRUE else 0.0 if word in _FALSE else np.nan).astype("float64")
