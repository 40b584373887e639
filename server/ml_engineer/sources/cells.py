"""Values of Python as the text that a delimited file would hold, so that every format is read by the same rules."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence

import pyarrow as pa

__all__ = ["cell_text", "text_columns"]


def cell_text(value: object) -> str | None:
    """`value` as text; none for none and for an empty cell; JSON for nested values."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def text_columns(rows: Iterable[Sequence[object]], width: int) -> tuple[pa.ChunkedArray, ...]:
    """Columns of text from rows of values; short rows are filled up with nothing."""
    columns: list[list[str | None]] = [[] for _ in range(width)]
    for row in rows:
        for place, cells in enumerate(columns):
            cells.append(cell_text(row[place]) if place < len(row) else None)
    return tuple(pa.chunked_array([pa.array(cells, pa.string())]) for cells in columns)
