"""What the columns of a file say about each other: decimal mark, and whether dates begin with the day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from ml_engineer.sources.sampling import sample_cells
from ml_engineer.sources.texts import Hints

__all__ = ["gather_hints"]

_COLUMNS = 300
_CELLS = 50
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})|[+-]?0,\d+|[+-]?\d{4,},\d+")
_DOT = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?\.(\d{1,2}|\d{4,})|[+-]?0\.\d+|[+-]?\d{4,}\.\d+")
_EITHER = re.compile(r"[1-9]\d{0,2},\d{3}")
_DAY_FIRST = re.compile(r"(1[3-9]|2\d|3[01])[-/.]\d{1,2}[-/.]\d{2,4}.*")
_MONTH_FIRST = re.compile(r"\d{1,2}[-/.](1[3-9]|2\d|3[01])[-/.]\d{2,4}.*")


def gather_hints(columns: Sequence[pa.ChunkedArray], delimiter: str | None) -> Hints:
    """Look at some cells of each column of text for what cannot be read in two ways; each column has one vote."""
    votes: Counter[str] = Counter()
    for column in columns[:_COLUMNS]:
        if not pa.types.is_string(column.type):
            continue
        cells = sample_cells(column, _CELLS)
        for kind, pattern in (
            ("comma", _COMMA),
            ("dot", _DOT),
            ("either", _EITHER),
            ("day", _DAY_FIRST),
            ("month", _MONTH_FIRST),
        ):
            votes[kind] += any(map(pattern.fullmatch, cells))
    # A file parted by semicolons is mostly one whose commas are decimal marks.
    if delimiter == ";" and votes["either"] and not votes["dot"]:
        votes["comma"] += 1
    decimal = None if votes["comma"] == votes["dot"] else "," if votes["comma"] > votes["dot"] else "."
    day_first = None if votes["day"] == votes["month"] else votes["day"] > votes["month"]
    return Hints(decimal, day_first)
