"""Columns that name rows or things: row counters, unique keys, and keys that several rows share.

Looks at structure only, on all rows, and never at the target: it runs before the rows are dealt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.profiling.names import (
    KeyStrength,
    has_any,
    key_strength,
    names_calendar_part,
    names_person,
    quoted,
    word_set,
)

__all__ = ["KeyCandidate", "find_keys", "find_row_counters", "is_row_counter", "looks_like_codes", "looks_like_hashes"]

_HASH: Final = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{10,}|https?://\S+"
)
_CODE: Final = re.compile(r"(?=.*\d)[\w./#-]{2,40}(?: [\w./#-]{1,20}){0,3}")

_COUNTER_WORDS: Final = word_set(
    "count counter idx index instant n no nr number order row rownames rows seq sequence unnamed"
)
_STEP_WORDS: Final = word_set("date occasion period round t time visit wave")

_FEWEST_GROUPS: Final = 10
"""Fewer groups cannot fill held-out rows and five folds."""
_LEAST_REPEATED: Final = 0.01
_MOST_ROWS_A_THING: Final = 50.0
_MOST_ROWS_A_PERSON: Final = 1000.0
_LOOKED_AT: Final = 50_000
_FIRST: Final = 500


@dataclass(frozen=True)
class KeyCandidate:
    """A column whose values seem to name things that several rows belong to.

    Parameters
    ----------
    column : str
        Its name.
    values : int
        Different values.
    rows_per_value : float
        Rows with a value, for each different value.
    repeated_rows : int
        Rows whose value occurs more than once.
    confident : bool
        Whether the evidence is enough to keep the rows of a value together without asking.
    person : bool
        Whether the name speaks of persons.
    reason : str
        The evidence in a sentence.
    """

    column: str
    values: int
    rows_per_value: float
    repeated_rows: int
    confident: bool
    person: bool
    reason: str


def find_row_counters(frame: pd.DataFrame) -> frozenset[str]:
    """Columns that count the rows of `frame`, which must be in file order."""
    return frozenset(str(name) for name in frame.columns if is_row_counter(frame[name]))


def is_row_counter(column: pd.Series) -> bool:
    """Whether integers count rows: up by one from row to row, for the whole file or within long blocks of it.

    Blocks tell a counter (1-152, then 1-68) from a clock (`hour` runs 0-23 again and again). Blocks that are all alike are
    things told of several times (83 cases, then their 83 controls), unless the name says that it counts.
    """
    if not pd.api.types.is_integer_dtype(column.dtype) or len(column) < 5:
        return False
    values = column.to_numpy()
    # Rows without a target were left out before: a counter skips with them.
    steps = np.diff(values) == np.diff(column.index.to_numpy())
    if steps.all():
        return True
    if names_calendar_part(str(column.name)) or steps.mean() < 0.95:
        return False
    restarts = int((~steps).sum())
    distinct, repeats = np.unique(values, return_counts=True)
    alike = repeats.min() > 1 and repeats.mean() > 0.95 * repeats.max()
    if alike and not has_any(str(column.name), _COUNTER_WORDS):
        return False
    return restarts <= 20 and len(distinct) >= max(30, len(values) // 20)


def looks_like_hashes(values: Sequence[str]) -> bool:
    """Whether nearly all values look like UUIDs, hexadecimal hashes or web addresses."""
    return _share(_HASH, values) >= 0.95


def looks_like_codes(values: Sequence[str]) -> bool:
    """Whether most values look like codes: short, with digits, few spaces."""
    return _share(_CODE, values) >= 0.8


def _share(pattern: re.Pattern[str], values: Sequence[str]) -> float:
    return sum(1 for value in values if pattern.fullmatch(value)) / len(values) if len(values) else 0.0


def find_keys(frame: pd.DataFrame, *, target: str) -> tuple[KeyCandidate, ...]:
    """Columns that several rows of one person or thing may share, surest first.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows.
    target : str
        Column that is left out.
    """
    found = []
    for name in frame.columns:
        if name != target:
            candidate = _candidate(frame, name, target)
            if candidate is not None:
                found.append(candidate)
    # Of sure keys the coarsest (it keeps the finer ones together too), of unsure ones the one that matters most.
    return tuple(
        sorted(
            found,
            key=lambda key: (not key.confident, not key.person, key.values if key.confident else -key.repeated_rows),
        )
    )


def _may_be_key(column: pd.Series, *, hashes: bool, strength: KeyStrength) -> bool:
    text = isinstance(column.dtype, pd.StringDtype)
    if strength == "none":
        return hashes or (text and looks_like_codes(list(column.dropna().head(_FIRST))))
    return (text or _is_whole(column)) and not is_row_counter(column)


def _candidate(frame: pd.DataFrame, name: str, target: str) -> KeyCandidate | None:
    column, strength = frame[name], key_strength(name)
    followed = strength == "none" and _is_followed(frame, name, target)
    hashes = isinstance(column.dtype, pd.StringDtype) and looks_like_hashes(list(column.dropna().head(_FIRST)))
    if not (followed or _may_be_key(column, hashes=hashes, strength=strength)):
        return None
    counts = column.value_counts()
    rows, values = int(counts.sum()), len(counts)
    if values < 2 or values == rows:
        return None
    repeated = int(counts[counts > 1].sum())
    if strength == "strong" or hashes:
        person = names_person(name)
        most = _MOST_ROWS_A_PERSON if person else _MOST_ROWS_A_THING
        plausible = repeated >= _LEAST_REPEATED * rows and values >= _FEWEST_GROUPS // 2
        confident = values >= _FEWEST_GROUPS and rows / values <= most
    else:
        person, confident = False, False
        plausible = values >= 30 and repeated >= 0.1 * rows and rows / values <= 20
    if not plausible:
        return None
    constant = _constant_within(frame, name, target)
    # A name that says nothing needs the other columns to say that the rows of a value belong together.
    if strength == "none" and not hashes and not followed and len(constant) < 2:
        return None
    confident = confident or (followed and len(constant) >= 2)
    reason = _reason(name, values, rows, constant)
    return KeyCandidate(name, values, rows / values, repeated, confident, person, reason)


def _is_followed(frame: pd.DataFrame, name: str, target: str) -> bool:
    """Whether the rows of a value stand together, each of another year, visit or the like: things followed over time."""
    column = frame[name]
    if not (isinstance(column.dtype, pd.StringDtype) or pd.api.types.is_integer_dtype(column.dtype)):
        return False
    if column.isna().any() or _tells_when(name):
        return False
    codes, values = pd.factorize(column)
    blocks = 1 + int((np.diff(codes) != 0).sum())
    if blocks != len(values) or len(values) == len(codes):
        return False
    steps = [other for other in frame.columns if other not in {name, target} and _tells_when(str(other))]
    return any(not frame.duplicated([name, step]).any() for step in steps)


def _tells_when(name: str) -> bool:
    return names_calendar_part(name) or has_any(name, _STEP_WORDS)


def _is_whole(column: pd.Series) -> bool:
    """Whether a column holds whole numbers; with missing cells they are stored as floats."""
    if pd.api.types.is_integer_dtype(column.dtype):
        return True
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    present = column.dropna().to_numpy()
    return len(present) > 0 and bool(np.all(present == np.floor(present)))


def _reason(name: str, values: int, rows: int, constant: Sequence[str]) -> str:
    sentence = f"{quoted(name)} has {values:,} different values in {rows:,} rows"
    if constant:
        sentence += f", and rows that share one also share {', '.join(quoted(other) for other in constant[:3])}"
    return sentence


def _constant_within(frame: pd.DataFrame, name: str, target: str) -> list[str]:
    """Columns that vary over the table but hardly ever within the values of `name`: the mark of a thing."""
    sample = frame.iloc[:_LOOKED_AT]
    keys = sample[name]
    sample = sample[keys.duplicated(keep=False) & keys.notna()]
    if len(sample) < 10:
        return []
    constant = []
    for other in [column for column in frame.columns if column not in {name, target}][:30]:
        values = sample[other]
        if not 2 <= values.nunique() < 0.95 * len(values):
            continue
        pairs = sample[[name, other]].drop_duplicates()
        # Chance alone would leave few values of the key with one value of a column that varies.
        if len(pairs) <= 1.1 * sample[name].nunique() and values.value_counts(normalize=True).iloc[0] < 0.9:
            constant.append(other)
    return constant
