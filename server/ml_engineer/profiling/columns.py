"""What each column looks like: counts, range, examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.profiling.names import names_person, names_title
from ml_engineer.threads import in_threads
from ml_engineer.vocabulary.data import ColumnProfile, StorageType
from ml_engineer.vocabulary.written_numbers import written_among

__all__ = ["ColumnsProfile", "looks_personal", "profile_columns"]

_MOST_CATEGORIES: Final = 50
_EXAMPLES: Final = 3
_EXAMPLE_LENGTH: Final = 40
_PERSONAL: Final = re.compile(
    r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"  # e-mail
    r"|\+\d[\d ().-]{7,}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # telephone
    r"|[A-Z]{2}\d{2}[A-Z0-9]{11,30}"  # IBAN
    r"|(?:\d{1,3}\.){3}\d{1,3}"  # IP address
    r"|\d{3}-\d{2}-\d{4}"  # US social security number
)
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class ColumnsProfile:
    """All columns, and what only shows over all of them.

    Parameters
    ----------
    columns : tuple of ColumnProfile
        In table order.
    duplicate_rows : int
        Rows that repeat an earlier one in every column.
    twins : dict of str to str
        Columns that repeat an earlier column cell by cell, and which.
    missing_fraction : float
        Share of empty cells.
    """

    columns: tuple[ColumnProfile, ...]
    duplicate_rows: int
    twins: dict[str, str]
    missing_fraction: float


def profile_columns(frame: pd.DataFrame, storage: Mapping[str, StorageType]) -> ColumnsProfile:
    """Profile every column of `frame`.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows that may be looked at.
    storage : mapping of str to StorageType
        What each column holds, as it was read; columns that are not in it are told by their dtype.
    """
    rows = len(frame)
    row_hashes = np.zeros(rows, dtype=np.uint64)
    profiles, twins, seen = [], {}, dict[tuple[object, ...], str]()
    with np.errstate(over="ignore"):
        columns = (frame[name] for name in frame.columns)
        for position, (column, facts, numbers) in enumerate(in_threads(_look, columns, rows=rows)):
            name = str(column.name)
            profiles.append(
                ColumnProfile(
                    name=name,
                    position=position,
                    storage=storage.get(name) or _storage(column),
                    rows=rows,
                    **facts,
                )
            )
            cells = numbers ^ (numbers >> np.uint64(31))
            mark = (
                profiles[-1].storage,
                facts["distinct_values"],
                int((cells * np.arange(1, rows + 1, dtype=np.uint64)).sum()),
            )
            if facts["distinct_values"] > 1 and mark in seen and frame[seen[mark]].equals(column):
                twins[name] = seen[mark]
            seen.setdefault(mark, name)
            row_hashes = (row_hashes ^ cells) * _ODD
            row_hashes ^= row_hashes >> np.uint64(29)
    empty = sum(profile.missing_rows for profile in profiles)
    return ColumnsProfile(
        columns=tuple(profiles),
        duplicate_rows=rows - len(_distinct(row_hashes)),
        twins=twins,
        missing_fraction=empty / (rows * len(profiles)) if rows and profiles else 0.0,
    )


def looks_personal(name: str, values: list[str]) -> bool:
    """Whether values look like personal data: names of persons, addresses of mail or network, telephone, accounts."""
    if not values:
        return False
    if names_title(name) and (names_person(name) or _mean_words(values) >= 2):
        return True
    return sum(1 for value in values if _PERSONAL.fullmatch(value.strip())) >= 0.5 * len(values)


def _mean_words(values: list[str]) -> float:
    return sum(len(value.split()) for value in values) / len(values)


def _storage(column: pd.Series) -> StorageType:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(column.dtype):
        return "float"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "string"


def _look(column: pd.Series) -> tuple[pd.Series, dict[str, Any], Hashes]:
    """The column, fields of its profile, and a number per cell that is the same for the same value."""
    with np.errstate(over="ignore"):
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return column, *_look_at_times(column)
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column, *_look_at_numbers(column)
        return column, *_look_at_text(column)


def _distinct(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Different values, sorted; sorting is much quicker here than the hash table of `numpy.unique`."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _look_at_numbers(column: pd.Series) -> tuple[dict[str, Any], Hashes]:
    values = column.to_numpy()
    if values.dtype == bool:
        values = values.astype(np.int8)
    numbers = values.astype(float)
    missing = np.isnan(numbers)
    present = values[~missing]
    finite = present[np.isfinite(present)].astype(float)
    levels = _distinct(present)
    whole = len(levels) <= _MOST_CATEGORIES and bool(np.all(levels == np.floor(levels)))
    facts: dict[str, Any] = {
        "missing_rows": int(missing.sum()),
        "distinct_values": len(levels),
        "examples": tuple(_number_text(value) for value in pd.unique(present[:1000])[:_EXAMPLES]),
    }
    if column.dtype == bool:
        facts["examples"] = tuple(str(value) for value in column.iloc[:1000].unique())
    if len(finite):
        facts |= {
            "minimum": float(finite.min()),
            "maximum": float(finite.max()),
            "mean": float(finite.mean()),
            "median": float(np.median(finite)),
        }
    if whole and np.isfinite(levels).all():
        counts = np.bincount(np.searchsorted(levels, present), minlength=len(levels))
        order = np.argsort(-counts, kind="stable")
        labels = [str(bool(level)) for level in levels] if column.dtype == bool else [_number_text(x) for x in levels]
        facts["categories"] = tuple(labels[index] for index in order)
    cells = np.where(missing, 0.1234567, numbers + 0.0).view(np.uint64) * _ODD
    return facts, cells


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else f"{value:.6g}"


def _look_at_times(column: pd.Series) -> tuple[dict[str, Any], Hashes]:
    missing = column.isna().to_numpy()
    stamps = column.to_numpy().astype("datetime64[us]").astype(np.int64)
    present = stamps[~missing]
    facts: dict[str, Any] = {"missing_rows": int(missing.sum()), "distinct_values": len(_distinct(present))}
    if len(present):
        first = pd.unique(present[:1000])[:_EXAMPLES]
        facts |= {
            "examples": tuple(_time_text(stamp) for stamp in first),
            "earliest": _time_text(present.min()),
            "latest": _time_text(present.max()),
        }
    return facts, stamps.view(np.uint64) * _ODD


def _time_text(stamp: np.int64) -> str:
    return pd.Timestamp(stamp, unit="us").isoformat()


def _look_at_text(column: pd.Series) -> tuple[dict[str, Any], Hashes]:
    codes, values = pd.factorize(column)
    missing = codes < 0
    texts = [str(value) for value in values[:1000]]
    personal = looks_personal(str(column.name), texts[:200])
    facts: dict[str, Any] = {
        "missing_rows": int(missing.sum()),
        "distinct_values": len(values),
        "examples": tuple(_example(text, personal=personal) for text in texts[:_EXAMPLES]),
    }
    if len(values):
        counts = np.bincount(codes[~missing], minlength=len(values))
        lengths = pd.Series(values).str.len().to_numpy(dtype=float)
        facts["mean_length"] = float((lengths * counts).sum() / counts.sum())
        if not personal:
            facts["numbers"] = written_among(values)
        if len(values) <= _MOST_CATEGORIES and not personal:
            facts["categories"] = tuple(texts[index] for index in np.argsort(-counts, kind="stable"))
    return facts, (codes + 1).astype(np.uint64) * _ODD


def _example(text: str, *, personal: bool) -> str:
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if personal:
        return line[:1] + "…"
    return line if len(line) <= _EXAMPLE_LENGTH else line[: _EXAMPLE_LENGTH - 1] + "…"
