"""From columns as read to a frame with settled types, and a report of every decision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml_engineer.sources.coercion import coerce
from ml_engineer.sources.hints import gather_hints
from ml_engineer.sources.names import unique_names
from ml_engineer.sources.raw import FileFacts
from ml_engineer.sources.texts import Hints, TextColumn, convert_text, decide_text
from ml_engineer.sources.typed import canonical, declared_order
from ml_engineer.vocabulary.data import ColumnReading, ReadReport, StorageType

__all__ = ["SettledColumn", "settle_columns", "to_frame"]

_MOST_SINGLE_BLOCKS = 100
_LONG_COLUMN = 20_000


@dataclass(frozen=True)
class SettledColumn:
    """A column whose type is settled.

    Parameters
    ----------
    array : numpy array or pandas array, shape (n,)
        Its values with the dtype that `reading.storage` stands for.
    reading : ColumnReading
        How it was read.
    missing, infinite : int
        Cells without a value; cells that held an infinity and are now missing.
    unfit : tuple of (int, tuple of str)
        Cells that had content but did not fit, and some of them.
    words : dict of str to int
        Words read as missing, and how often each occurs.
    unsure : str
        What was chosen though another choice fits as well.
    """

    array: Any
    reading: ColumnReading
    missing: int
    infinite: int = 0
    unfit: tuple[int, tuple[str, ...]] = (0, ())
    words: dict[str, int] | None = None
    unsure: str = ""


def settle_columns(
    names: Sequence[str],
    columns: list[pa.ChunkedArray],
    facts: FileFacts,
    notes: dict[int, tuple[str, ...]],
    like: ReadReport | None,
) -> list[SettledColumn]:
    """Settle every column; `columns` is emptied on the way, so that memory is free as soon as it can be.

    Parameters
    ----------
    names : sequence of str
        Names as they stand in the file.
    columns : list of pyarrow.ChunkedArray
        Columns as read.
    facts : FileFacts
        What was worked out about the file.
    notes : dict of int to tuple of str
        What readers did to single columns.
    like : ReadReport or None
        An earlier reading, whose decisions are repeated for the columns that it knows.
    """
    hints = gather_hints(columns, facts.delimiter)
    known = {column.name: column for column in like.columns} if like else {}
    usable = unique_names(names)

    def settle(place: int) -> SettledColumn:
        column, columns[place] = columns[place], None
        name = usable[place]
        settled = _repeat(column, known[name]) if name in known else _decide(column, name, names[place], hints, facts)
        extra, order = notes.get(place, ()), declared_order(column)
        if not extra and not order:
            return settled
        reading = settled.reading
        update = {"notes": (*extra, *reading.notes), "order": order or reading.order}
        return replace(settled, reading=reading.model_copy(update=update))

    # pyarrow lets go of the interpreter's lock, so long columns are settled side by side; short ones only wait.
    workers = (os.cpu_count() or 1) if columns and len(columns[0]) > _LONG_COLUMN else 1
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(settle, range(len(usable))))


def _decide(column: pa.ChunkedArray, name: str, original: str, hints: Hints, facts: FileFacts) -> SettledColumn:
    values, notes, zone = canonical(column)
    if pa.types.is_string(values.type):
        text = decide_text(values, name, original, hints)
        if notes:
            reading = text.reading.model_copy(update={"notes": (*notes, *text.reading.notes)})
            text = replace(text, reading=reading)
        return _settled(text)
    storage = _storage(values.type)
    # Truth values need to remember that some are missing; in text, what is missing was an empty cell.
    remembered = storage == "boolean" or facts.format == "csv"
    missing_words = ("",) if remembered and values.null_count else ()
    if values.null_count == len(values):
        notes = (*notes, "Every cell is missing")
        storage, values = "float", pa.chunked_array([pa.nulls(len(values), pa.float64())])
    reading = ColumnReading(
        name=name, original_name=original, storage=storage, missing_words=missing_words, timezone=zone, notes=notes
    )
    return _settled(TextColumn(values, reading))


def _repeat(column: pa.ChunkedArray, reading: ColumnReading) -> SettledColumn:
    values, _, _ = canonical(column)
    if pa.types.is_string(values.type):
        return _settled(convert_text(values, reading))
    coerced = coerce(values, reading.storage)
    count = coerced.null_count - values.null_count
    if not count:
        return _settled(TextColumn(coerced, reading))
    examples = pc.filter(values, pc.and_(pc.is_null(coerced), pc.is_valid(values)))[:5].to_pylist()
    return _settled(TextColumn(coerced, reading, (count, tuple(map(str, examples)))))


def _storage(kind: pa.DataType) -> StorageType:
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_boolean(kind):
        return "boolean"
    return "datetime" if pa.types.is_timestamp(kind) else "float"


def _settled(column: TextColumn) -> SettledColumn:
    array, infinite = _array(column.values, column.reading)
    reading = column.reading
    if infinite:
        note = f"{infinite:,} infinite value(s) are missing"
        reading = reading.model_copy(update={"notes": (*reading.notes, note)})
    missing = column.values.null_count + infinite
    return SettledColumn(array, reading, missing, infinite, column.unfit, column.words, column.unsure)


def _array(values: pa.ChunkedArray, reading: ColumnReading) -> tuple[Any, int]:
    """Values with the dtype that the column's storage stands for, and how many infinities became missing."""
    if reading.storage == "string":
        return _texts(values), 0
    if reading.storage == "boolean":
        return _truth_array(values, reading), 0
    if reading.storage == "datetime":
        return _own(values.cast(pa.timestamp("us"))), 0
    if reading.storage == "integer" and values.null_count == 0:
        whole = _whole(values)
        if whole is not None:
            return _own(whole), 0
    numbers = _own(values.cast(pa.float64(), safe=False))
    infinite = np.isinf(numbers)
    if infinite.any():
        numbers[infinite] = np.nan
    return numbers, int(infinite.sum())


def _texts(values: pa.ChunkedArray) -> Any:
    """Text as pandas holds it, on the memory of pyarrow."""
    return pd.Series(values.to_pandas(), dtype="str").array


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:  # a fraction in a column of whole numbers: it is a number all the same
        return None


def _truth_array(values: pa.ChunkedArray, reading: ColumnReading) -> Any:
    """bool; text if cells were missing when the column was first read; 1, 0 and NaN if they are only now."""
    if reading.missing_words:
        texts = pc.if_else(values, pa.scalar("True"), pa.scalar("False"))
        return _texts(texts)
    if values.null_count:
        return _own(values.cast(pa.float64()))
    return _own(values)


def _own(values: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """An array that may be written to, copied once: pyarrow's own memory may not be."""
    if not len(values):
        return np.array(values.to_numpy())
    return np.concatenate([chunk.to_numpy(zero_copy_only=False) for chunk in values.chunks])


def to_frame(columns: Sequence[SettledColumn], rows: int) -> pd.DataFrame:
    """The frame, with row numbers from 0 as its index."""
    data = {column.reading.name: column.array for column in columns}
    # Gathering columns of one type into a block copies them; few columns are as quick apart, many are not.
    return pd.DataFrame(data, index=pd.RangeIndex(rows), copy=len(columns) > _MOST_SINGLE_BLOCKS)
