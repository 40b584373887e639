"""Any table as a feature frame: numbers, truth values and strings, as the search takes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.modelling.frame_reading import Readings, moments_of, numbers_of
from ml_engineer.vocabulary.places import Place
from ml_engineer.vocabulary.written_numbers import WrittenNumbers

__all__ = ["feature_frame"]

_EPOCH = pd.Timestamp(2000, 1, 1)
_MOST_MOMENTS = 4
"""The pairs of more would be more columns than they are worth."""
_AXES = (20, 45, 70, 110, 135, 160)
"""Degrees by which the axes of a place are turned. In California, these lower the error of boosted trees by 5 to 8 %."""
_EARTH_RADIUS = 6371.0
"""In kilometres."""
_TEXT = pd.Series([""], dtype="str").dtype


def feature_frame(table: Any, *, names: list[str], readings: Readings | None = None) -> pd.DataFrame:
    """`table` with each column as a model can use it; row-local, so that it may be done to any rows at any time.

    Moments become calendar parts and days since 2000, two moments the days between them; durations become seconds; places
    get turned axes, two places the distance between them; categories and everything else that is no number become strings;
    lists become text with semicolons; numbers inside texts become numbers.

    Parameters
    ----------
    table : pandas.DataFrame or numpy.ndarray of shape (n, p)
        What the caller has.
    names : list of str
        Names for the p columns; they replace those of a frame.
    readings : Readings, optional
        What columns held at fit: what each was, dates and numbers as text or inside it, coordinates.

    Returns
    -------
    pandas.DataFrame of shape (n, q)
        Numbered from 0.

    Raises
    ------
    ValueError
        If a number is infinite, or what stands there cannot be read as what was learned.
    """
    readings = readings or Readings()
    frame = table.reset_index(drop=True) if isinstance(table, pd.DataFrame) else pd.DataFrame(np.asarray(table))
    parts: dict[str, Any] = {}
    moments: dict[str, pd.Series] = {}
    for name, (_, column) in zip(names, frame.items(), strict=True):
        if readings.holds_moments(name, column):
            moments[name] = moments_of(column)
            parts |= _moment(name, moments[name])
        elif name in readings.written:
            written = readings.written[name]
            parts |= {} if written.alone else _features(name, readings.as_learned(name, column))
            parts |= _numbers(name, column, written.numbers)
        elif name in readings.units:
            parts |= _features(name, numbers_of(column, readings.units[name]))
        else:
            parts |= _features(name, readings.as_learned(name, column))
    for first, second in combinations(list(moments)[:_MOST_MOMENTS], 2):
        parts[f"{first}__to__{second}__days"] = (moments[second] - moments[first]).dt.total_seconds() / 86_400
    return pd.DataFrame(parts | _whereabouts(parts, readings.places), index=frame.index)


def _whereabouts(parts: dict[str, Any], places: Sequence[Place]) -> dict[str, Any]:
    """Turned axes, because trees cut along those they are given, and how far any two places lie apart."""
    made: dict[str, Any] = {}
    for place in places:
        for degrees in _AXES:
            angle = np.radians(degrees)
            along = np.sin(angle) * parts[place.latitude] + np.cos(angle) * parts[place.longitude]
            made[f"{place.name}__axis_{degrees}"] = along
    for first, second in combinations(places, 2):
        for part, values in _distances(parts, first, second).items():
            made[f"{first.name}__to__{second.name}__{part}"] = values
    return made


def _distances(parts: dict[str, Any], first: Place, second: Place) -> dict[str, Any]:
    """Kilometres between two places: as the crow flies (haversine formula), northward and eastward."""
    (south, west), (north, east) = (
        (np.radians(parts[place.latitude]), np.radians(parts[place.longitude])) for place in (first, second)
    )
    up = north - south
    across = (east - west + np.pi) % (2 * np.pi) - np.pi
    half_chord = np.sin(up / 2) ** 2 + np.cos(south) * np.cos(north) * np.sin(across / 2) ** 2
    return {
        "km": 2 * _EARTH_RADIUS * np.arcsin(np.sqrt(half_chord.clip(0, 1))),
        "north_km": _EARTH_RADIUS * up,
        "east_km": _EARTH_RADIUS * across * np.cos((south + north) / 2),
    }


def _features(name: str, column: pd.Series) -> dict[str, Any]:
    # The most usual kinds first, and as arrays: a prediction for one row spends most of its time here.
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return {name: _finite(name, column)}
    if column.dtype in (bool, _TEXT):
        return {name: column}
    return _less_usual_features(name, column)


def _less_usual_features(name: str, column: pd.Series) -> dict[str, Any]:
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
        column = column.map(lambda one: ";".join(map(str, one)) if isinstance(one, list | tuple | set) else one)
    return {name: column.astype("str").where(column.notna().to_numpy(), np.nan)}


def _numbers(name: str, column: pd.Series, written: WrittenNumbers) -> dict[str, pd.Series]:
    texts = column.where(column.notna()).astype("str")
    numbers = texts.str.extract(written.pattern).replace(["P", "p"], "1").astype("float64")
    return {
        f"{name}__{part}": numbers.mul(list(factors)).sum(axis=1, min_count=1)
        for part, factors in written.parts.items()
    }


def _finite(name: str, column: pd.Series) -> npt.NDArray[np.float64]:
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    if np.isinf(values).any():
        msg = f"Input X contains infinity: column {name!r}; replace it by NaN or a finite number"
        raise ValueError(msg)
    return values


def _moment(name: str, column: pd.Series) -> dict[str, pd.Series]:
    clock = column.dt
    parts = {
        "year": clock.year,
        "month": clock.month,
        "day_of_month": clock.day,
        "day_of_year": clock.day_of_year,
        "day_of_week": clock.day_of_week,
        "hour": clock.hour + clock.minute / 60 + clock.second / 3600,
        "minute": clock.minute,
        "day": (column - _EPOCH).dt.days,
    }
    return {f"{name}__{part}": values.astype("float64") for part, values in parts.items()}
