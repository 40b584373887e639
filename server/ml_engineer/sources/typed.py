"""Columns that carry a type already (Parquet, DuckDB, SQLite), brought to the few types used from here on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["canonical"]

_EXACT_INTEGER = 2**53


def canonical(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, tuple[str, ...], str | None]:
    """`column` as int64, float64, bool, timestamp[us] or string.

    Returns
    -------
    tuple
        The column, what was done to it (one sentence each), and the time zone its stamps were converted to.
    """
    notes: tuple[str, ...] = ()
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
        notes = ("Categories became their values",)
    if pa.types.is_timestamp(column.type):
        return _stamps(column, notes)
    for applies, convert, note in _CONVERSIONS:
        if applies(column.type):
            return convert(column), (*notes, note) if note else notes, None
    return column.cast(pa.string()), (*notes, f"Type {column.type} became text"), None


def declared_order(column: pa.ChunkedArray) -> tuple[str, ...]:
    """Categories from lowest to highest, if the column says that they have an order; none otherwise."""
    if not pa.types.is_dictionary(column.type) or not column.type.ordered or not column.num_chunks:
        return ()
    return tuple(str(value) for value in column.unify_dictionaries().chunk(0).dictionary.to_pylist())


def _stamps(column: pa.ChunkedArray, notes: tuple[str, ...]) -> tuple[pa.ChunkedArray, tuple[str, ...], str | None]:
    zone = column.type.tz
    if column.type.unit == "ns":
        cut = pc.any(
            pc.not_equal(column.cast(pa.timestamp("us", zone), safe=False).cast(column.type, safe=False), column)
        )
        notes = (*notes, "Nanoseconds were cut to microseconds") if cut.as_py() else notes
    values = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))
    if zone and zone != "UTC":
        notes = (*notes, f"Time stamps in {zone} were converted to UTC")
    return values, notes, "UTC" if zone else None


def _integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """int64; text if a number is beyond it, or would be rounded because missing cells make the column float64."""
    limits = pc.min_max(column).as_py()
    low, high = limits["min"] or 0, limits["max"] or 0
    if high >= 2**63 or (column.null_count and max(-low, high) > _EXACT_INTEGER):
        return column.cast(pa.string())
    return column.cast(pa.int64())


def _binary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = [None if cell is None else cell.decode("utf-8", errors="backslashreplace") for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(cells, pa.string())])


def _nested(column: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = [None if cell is None else json.dumps(cell, ensure_ascii=False, default=str) for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(cells, pa.string())])


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    return pc.divide(column.cast(pa.int64()).cast(pa.float64()), per_second)


def _nothing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(column), pa.float64())])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _as(kind: pa.DataType) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda column: column.cast(kind, safe=False)


_CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray], str], ...] = (
    (pa.types.is_integer, _integers, ""),
    (pa.types.is_floating, _as(pa.float64()), ""),
    (pa.types.is_boolean, lambda column: column, ""),
    (_is_text, _as(pa.string()), ""),
    (pa.types.is_date, _as(pa.timestamp("us")), ""),
    (pa.types.is_decimal, _as(pa.float64()), "Decimal numbers became floats"),
    (pa.types.is_time, _as(pa.string()), "Times of day became text"),
    (pa.types.is_duration, _seconds, "Durations became seconds"),
    (pa.types.is_nested, _nested, "Nested values became JSON text"),
    (_is_binary, _binary, "Bytes became text"),
    (pa.types.is_null, _nothing, ""),
)
