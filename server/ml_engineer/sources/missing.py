"""Words that stand for a missing value, and where they do."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ALWAYS_MISSING", "count_words", "without_words", "words_for_numbers", "words_for_text"]

ALWAYS_MISSING = frozenset(
    {
        "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-nan", "-NaN", "NULL", "null",
        "#N/A N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!",
    }
)  # fmt: skip
"""Missing wherever they stand alone in a cell."""

_PLACEHOLDERS = frozenset(
    {
        "-", "--", "---", ".", "..", "...", "*", "\u2013", "\u2014", "??", "None", "none", "NONE", "Null", "NaT", "nil", "Nil",
        "n.a.", "N.A.", "(null)", "undefined",
    }
)  # fmt: skip
"""Missing among numbers and dates, and in text if they are few: otherwise they may well be a value."""

_SPOKEN = frozenset({"na", "Na", "missing", "Missing", "MISSING", "unknown", "Unknown", "UNKNOWN"})
"""Missing among numbers and dates only: in text they are a category as good as any."""

_EVERY_WORD = ALWAYS_MISSING | _PLACEHOLDERS | _SPOKEN
_FEW = 0.05


def words_for_numbers() -> frozenset[str]:
    """Words that mean missing among numbers, dates and truth values."""
    return _EVERY_WORD


def words_for_text(counts: dict[str, int], filled: int) -> frozenset[str]:
    """Words that mean missing in a column of text, given how often each occurs among its `filled` cells."""
    few = {word for word in _PLACEHOLDERS if counts.get(word, 0) <= max(_FEW * filled, 1)}
    return ALWAYS_MISSING | few


def count_words(cells: pa.ChunkedArray, words: Collection[str]) -> dict[str, int]:
    """How often each of `words` occurs among `cells`; ``''`` stands for empty or blank. Those that do not are left out."""
    is_word = pc.is_in(cells, value_set=pa.array(sorted(words), pa.string()))
    counts = {}
    if pc.any(is_word).as_py():
        found = pc.value_counts(pc.filter(cells, is_word)).to_pylist()
        counts = {entry["values"]: entry["counts"] for entry in found}
    blank = cells.null_count + (pc.sum(pc.utf8_is_space(cells)).as_py() or 0)
    return {"": blank, **counts} if blank else counts


def without_words(cells: pa.ChunkedArray, words: Collection[str]) -> pa.ChunkedArray:
    """`cells` with null where one is blank or exactly one of `words`."""
    missing = pc.or_(pc.is_in(cells, value_set=pa.array(sorted(words), pa.string())), pc.utf8_is_space(cells))
    if not pc.any(missing).as_py():
        return cells
    return pc.if_else(missing, pa.scalar(None, pa.string()), cells)
