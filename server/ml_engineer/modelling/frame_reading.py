"""How the columns of a frame are to be read, as its own rows show: kept at fit, and done alike to any rows after it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from ml_engineer.vocabulary.places import Place, places_among
from ml_engineer.vocabulary.written_numbers import WrittenNumbers, written_among

__all__ = ["Readings", "WrittenColumn", "moments_of", "numbers_of", "readings_of"]

_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_NUMBER: Final = re.compile(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([^\W\d_]{0,8}|%|°[CF]?|[$€£])\s*")
_CODE: Final = re.compile(r"\s*[-+]?0\d")
"""Digits that begin with a nought name something: a number would lose it."""
_MOST_LEVELS: Final = 20


class WrittenColumn(NamedTuple):
    """A text column with numbers inside its cells, and whether they stand in place of the text."""

    numbers: WrittenNumbers
    alone: bool


@dataclass(frozen=True)
class Readings:
    """What columns held at fit, by the names that the features have: later rows may bring the same in another type.

    Parameters
    ----------
    moments : frozenset of str
        Dates as such, as objects, or as text in the order of ISO 8601.
    units : mapping of str to str
        Numbers as text, and the unit that stands behind each of them; mostly none.
    plain : frozenset of str
        Numbers that are no text.
    truths : frozenset of str
        True and false.
    full_truths : frozenset of str
        Those of them without a missing cell: what reads them learned no gap there, and many models read none.
    texts : frozenset of str
        Categories of whatever type, and all else that is learned from as text.
    places : tuple of Place
        Coordinates.
    written : mapping of str to WrittenColumn
        Texts with numbers inside.
    """

    moments: frozenset[str] = frozenset()
    units: Mapping[str, str] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()
    places: tuple[Place, ...] = ()
    written: Mapping[str, WrittenColumn] = field(default_factory=dict)
    truths: frozenset[str] = frozenset()
    full_truths: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def holds_moments(self, name: str, column: pd.Series) -> bool:
        """Whether a column is moments: as it was at fit or, of an array, as its type is now."""
        if name in self.moments:
            return True
        known = name in self.plain or name in self.truths or name in self.texts
        return not known and pd.api.types.is_datetime64_any_dtype(column)

    def as_learned(self, name: str, column: pd.Series) -> pd.Series:
        """A column as what it was at fit, whatever type it has now.

        Raises
        ------
        ValueError
            Naming the column and the first cell that cannot be read so.
        """
        if name in self.plain:
            return column if pd.api.types.is_numeric_dtype(column) else _plain_numbers(column)
        if name in self.truths:
            return _truth_values(column, gaps=name not in self.full_truths)
        return _texts(column) if name in self.texts else column


def readings_of(table: pd.DataFrame, names: list[str]) -> Readings:
    """What the columns of `table` (n, p) hold, under `names` (p)."""
    moments, units, medians, written, plain = set(), {}, [], {}, set()
    truths, texts = set(), set()
    given = {}
    for place, name in enumerate(names):
        column, told = table.iloc[:, place], str(table.columns[place])
        given[told] = name
        if _are_truths(column):
            truths.add(name)
            continue
        if pd.api.types.is_numeric_dtype(column):
            plain.add(name)
            medians.append((told, float(column.median())))
            continue
        if pd.api.types.is_datetime64_any_dtype(column):
            moments.add(name)
            continue
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts.add(name)
            continue
        if column.dtype != object and not pd.api.types.is_string_dtype(column):
            continue
        cells = column.dropna()
        if _are_moments(cells):
            moments.add(name)
        elif (unit := _unit_of(cells)) is not None:
            units[name] = unit
            medians.append((told, float(numbers_of(cells, unit).median())))
        elif (numbers := _written_in(cells)) is not None:
            written[name] = numbers
            texts.add(name)
        elif cells.map(lambda cell: isinstance(cell, str)).any():
            texts.add(name)
    places = tuple(Place(one.name, given[one.latitude], given[one.longitude]) for one in places_among(medians))
    full = frozenset(name for name in truths if not table.iloc[:, names.index(name)].isna().any())
    return Readings(
        frozenset(moments), units, frozenset(plain), places, written, frozenset(truths), full, frozenset(texts)
    )


def _are_truths(column: pd.Series) -> bool:
    cells = column.dropna() if column.dtype == object else column
    return pd.api.types.is_bool_dtype(column) or (
        column.dtype == object and len(cells) > 0 and all(isinstance(cell, bool | np.bool_) for cell in cells)
    )


def _written_in(cells: pd.Series) -> WrittenColumn | None:
    """Measurements take the place of their text, unless few of them come again and again, as categories do."""
    if not all(isinstance(cell, str) for cell in cells.iloc[:20]):
        return None
    values = cells.unique()
    numbers = written_among(str(value) for value in values)
    return None if numbers is None else WrittenColumn(numbers, numbers.measured and len(values) > _MOST_LEVELS)


def _are_moments(cells: pd.Series) -> bool:
    if cells.empty:
        return False
    first = cells.iloc[0]
    if isinstance(first, dt.date):
        return all(isinstance(cell, dt.date) for cell in cells)
    if not isinstance(first, str) or not _MOMENT.fullmatch(first):
        return False
    return bool(cells.map(_is_moment).all()) and bool(moments_of(cells).notna().all())


def _is_moment(cell: Any) -> bool:
    return isinstance(cell, str) and _MOMENT.fullmatch(cell) is not None


def _unit_of(cells: pd.Series) -> str | None:
    """What stands behind every number, if every cell is a number with the same behind it."""
    if cells.empty or not isinstance(cells.iloc[0], str) or not _NUMBER.fullmatch(cells.iloc[0]):
        return None
    found = [_NUMBER.fullmatch(cell) if isinstance(cell, str) else None for cell in cells]
    units = {None if one is None else one[2] for one in found}
    if len(units) != 1 or any(_CODE.match(cell) for cell in cells):
        return None
    return units.pop()


def moments_of(column: pd.Series) -> pd.Series:
    """Moments without a zone, in UTC; what is none is missing."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        texts = column.map(lambda cell: cell.isoformat() if isinstance(cell, dt.date) else cell)
        column = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    return column if column.dt.tz is None else column.dt.tz_convert("UTC").dt.tz_localize(None)


def _plain_numbers(column: pd.Series) -> pd.Series:
    """A column of numbers that came as objects, or as categories."""
    cells = column.astype(object)
    numbers = pd.to_numeric(
        cells.map(lambda cell: None if isinstance(cell, dt.date | dt.timedelta) else cell), "coerce"
    )
    _refuse_strange(column, numbers, held="numbers", wanted="a number")
    return numbers.astype("float64")


def _truth_values(column: pd.Series, *, gaps: bool) -> pd.Series:
    """True and false that came as 1 and 0, or as text."""
    read = column
    if not pd.api.types.is_bool_dtype(column):
        read = column.astype(object).where(column.notna(), None).map(_truth)
        _refuse_strange(column, read, held="true or false", wanted="True or False")
    missing = int(read.isna().sum())
    if missing and not gaps:
        msg = (
            f"Column {column.name!r} was true or false in every row when the model was fitted, and {missing:,} cells are "
            "missing now: pass True or False"
        )
        raise ValueError(msg)
    return read.astype("float64" if missing else bool)


def _truth(cell: Any) -> bool | None:
    if isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.strip().casefold())
    return bool(cell) if cell in (0, 1) else None


def _texts(column: pd.Series) -> pd.Series:
    """Cells as text; a whole number is the same category with a decimal point and without."""
    if pd.api.types.is_string_dtype(column.dtype) and column.dtype != object:
        return column
    texts = column.astype(object).map(_text, na_action="ignore").astype("str")
    return texts.where(column.notna().to_numpy(), np.nan)


def _text(cell: Any) -> str:
    if isinstance(cell, list | tuple | set):
        return ";".join(map(str, cell))
    whole = isinstance(cell, float | np.floating) and cell == np.floor(cell)
    return str(int(cell)) if whole and np.isfinite(cell) else str(cell)


def _refuse_strange(column: pd.Series, read: pd.Series, *, held: str, wanted: str) -> None:
    strange = column[read.isna().to_numpy() & column.notna().to_numpy()]
    if len(strange):
        cell = strange.iloc[0]
        msg = (
            f"Column {column.name!r} held {held} when the model was fitted, and holds "
            f"{cell.item() if isinstance(cell, np.generic) else cell!r} now: "
            f"pass {wanted}, or NaN"
        )
        raise ValueError(msg)


def numbers_of(column: pd.Series, unit: str) -> pd.Series:
    """Numbers of cells that hold one, alone or before `unit`; others are missing."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    read = column.map(lambda cell: _number(cell, unit))
    return pd.to_numeric(read, errors="coerce").astype("float64")


def _number(cell: Any, unit: str) -> Any:
    found = _NUMBER.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        return np.nan if isinstance(cell, str) else cell
    return float(found[1]) if found[2] in {"", unit} else np.nan
