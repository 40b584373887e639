"""Columns that order the rows in time, and whether that order should decide how rows are dealt.

Looks at structure only, on all rows, and never at the target. A time stamp alone is no reason for a split by
time: rows must be events in that order (a sorted file, a regular series, a panel of regular series).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.profiling.names import has_any, names_event_time, quoted, word_set

__all__ = ["TimeCandidate", "find_times", "spans_of_groups"]

_NOT_EVENTS: Final = word_set("birth birthday born built dob expiry expiration expires founded model")
_FEWEST_STAMPS: Final = 10
_FEWEST_ROWS: Final = 20
_MOST_INVERSIONS: Final = 0.005
_LEAST_ORDER: Final = 0.9
_MOST_KEYS_TRIED: Final = 12


@dataclass(frozen=True)
class TimeCandidate:
    """A column that may order the rows in time.

    Parameters
    ----------
    column : str
        Its name.
    confident : bool
        Whether the rows are clearly events in this order.
    reason : str
        The evidence in a sentence.
    """

    column: str
    confident: bool
    reason: str


def find_times(frame: pd.DataFrame, *, target: str) -> tuple[TimeCandidate, ...]:
    """Columns that may order the rows in time, surest first.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows, in file order.
    target : str
        Column that is left out.
    """
    found = []
    for name in frame.columns:
        if name == target or has_any(name, _NOT_EVENTS):
            continue
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            candidate = _stamped(frame, name, target)
        elif pd.api.types.is_numeric_dtype(column.dtype) and names_event_time(name) and _holds_years(column):
            candidate = TimeCandidate(name, confident=False, reason=f"{quoted(name)} seems to say when a row happened")
        else:
            candidate = None
        if candidate is not None:
            found.append(candidate)
    return tuple(sorted(found, key=lambda candidate: not candidate.confident))


def spans_of_groups(frame: pd.DataFrame, *, group: str, time: str) -> float:
    """Median share of the table's time span that the rows of one group cover, groups of one row left out."""
    stamps = frame[time].astype("datetime64[us]").astype("int64").astype(float).where(frame[time].notna())
    total = stamps.max() - stamps.min()
    grouped = stamps.groupby(frame[group])
    several = grouped.count() > 1
    if not several.any() or not total > 0:
        return 0.0
    return float(((grouped.max() - grouped.min())[several] / total).median())


def _holds_years(column: pd.Series) -> bool:
    values = column.dropna()
    return len(values) > 0 and bool(values.between(1900, 2100).all()) and values.nunique() >= 3


def _stamped(frame: pd.DataFrame, name: str, target: str) -> TimeCandidate | None:
    column = frame[name].dropna()
    stamps = column.to_numpy().astype("datetime64[us]").astype(np.int64)
    distinct = np.unique(stamps)
    if len(distinct) < 3:
        return None
    span = f"{column.min():%Y-%m-%d} to {column.max():%Y-%m-%d}"
    enough = len(distinct) >= _FEWEST_STAMPS and len(stamps) >= _FEWEST_ROWS and len(stamps) >= 0.99 * len(frame)
    if enough and _is_sorted(stamps):
        return TimeCandidate(name, confident=True, reason=f"the file is in the order of {quoted(name)} ({span})")
    if enough and len(distinct) >= 0.9 * len(stamps) and _is_regular(distinct):
        return TimeCandidate(name, confident=True, reason=f"{quoted(name)} is a regular series ({span})")
    key = _panel_key(frame, name, target, len(distinct)) if enough and _is_regular(distinct) else None
    if key is not None:
        reason = f"{quoted(name)} is a regular series ({span}) for each value of {quoted(key)}"
        return TimeCandidate(name, confident=True, reason=reason)
    return TimeCandidate(name, confident=False, reason=f"{quoted(name)} runs from {span}, but does not order the file")


def _is_sorted(stamps: npt.NDArray[np.int64]) -> bool:
    moves = np.diff(stamps)
    moves = moves[moves != 0]
    inversions = min(int((moves < 0).sum()), int((moves > 0).sum()))
    if inversions > _MOST_INVERSIONS * len(moves):
        return False
    # A few jumps back are slips if small; long series under one another make few jumps, but large ones.
    ranks = np.searchsorted(np.unique(stamps), stamps)
    return abs(float(np.corrcoef(np.arange(len(stamps)), ranks)[0, 1])) >= _LEAST_ORDER


def _is_regular(distinct: npt.NDArray[np.int64]) -> bool:
    """Whether sorted different stamps are equally spaced; months and quarters vary by three days."""
    gaps = np.diff(distinct)
    usual = np.median(gaps)
    return bool(np.mean(np.abs(gaps - usual) <= 0.11 * usual) >= 0.8)


def _panel_key(frame: pd.DataFrame, time: str, target: str, stamps: int) -> str | None:
    """The column whose values each have about one row a stamp (stores by days), if there is one."""
    rows = len(frame)
    if rows < 2 * stamps:
        return None
    time_codes = pd.factorize(frame[time])[0].astype(np.int64)
    tried = 0
    for name in frame.columns:
        column = frame[name]
        if name in {time, target} or not (
            isinstance(column.dtype, pd.StringDtype) or pd.api.types.is_integer_dtype(column.dtype)
        ):
            continue
        codes, values = pd.factorize(column)
        if not 2 <= len(values) <= rows // _FEWEST_STAMPS or rows < 0.5 * len(values) * stamps:
            continue
        tried += 1
        # Missing keys and times, coded -1, are values too. About two pairs a row are possible at most, see above.
        pairs = (codes + 1) * np.int64(stamps + 2) + (time_codes + 1)
        if np.bincount(pairs).max(initial=0) == 1:
            return str(name)
        if tried == _MOST_KEYS_TRIED:
            break
    return None
