"""What a column of text cells holds: numbers, dates, truth values, or text after all.

The decision looks at a sample of the cells first, and is then held against every cell: at least 95 % of those that
are not missing must fit. The same function converts the cells at the first reading and at every later one, so the
same text always gives the same value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_engineer.sources.missing import ALWAYS_MISSING, count_words, without_words, words_for_numbers, words_for_text
from ml_engineer.sources.numbers import (
    PLAIN,
    NumberFormat,
    cast_numbers,
    guess_formats,
    looks_plain,
    parse_numbers,
)
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.sources.sampling import sample_cells
from ml_engineer.sources.stamps import guess_stamp_formats, has_zone, looks_like_stamp, parse_stamps
from ml_engineer.vocabulary.data import ColumnReading

__all__ = ["Hints", "TextColumn", "convert_text", "decide_text"]

_ENOUGH = 0.95
_GLANCE = 20
_LONGEST_NUMBER = 15
"""Digits that a float64 holds exactly whatever they are; longer runs of digits are identifiers."""
_LARGEST_EXACT = 10**_LONGEST_NUMBER
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Hints:
    """What other columns of the file say.

    Parameters
    ----------
    decimal : str or None
        Decimal mark.
    day_first : bool or None
        Whether dates begin with the day.
    """

    decimal: str | None = None
    day_first: bool | None = None


@dataclass(frozen=True)
class TextColumn:
    """A column of text, converted.

    Parameters
    ----------
    values : pyarrow.ChunkedArray
        int64, float64, bool, timestamp[us] or string, with null where a value is missing.
    reading : ColumnReading
        How that was done.
    unfit : tuple of (int, tuple of str)
        Number of cells that had content but did not fit, and some of them.
    words : dict of str to int
        Words that were read as missing, and how often each occurs (first reading only).
    unsure : str
        What was chosen though another choice fits as well; empty if nothing was.
    """

    values: pa.ChunkedArray
    reading: ColumnReading
    unfit: tuple[int, tuple[str, ...]] = (0, ())
    words: dict[str, int] | None = None
    unsure: str = ""


def decide_text(cells: pa.ChunkedArray, name: str, original: str, hints: Hints) -> TextColumn:
    """Decide what `cells` hold, and convert them.

    Parameters
    ----------
    cells : pyarrow.ChunkedArray
        Text, null where a cell is empty.
    name, original : str
        The column's name from now on, and in the file.
    hints : Hints
        Evidence from other columns, used only where this one leaves two choices.
    """
    glance = sample_cells(cells, _GLANCE)
    if glance and all(map(looks_plain, glance)) and hints.decimal != ",":
        column = _all_plain(cells, ColumnReading(name=name, original_name=original, storage="float"))
        if column is not None:
            return column
    words = count_words(cells, words_for_numbers())
    filled = len(cells) - sum(words.values())
    base = ColumnReading(name=name, original_name=original, storage="float", missing_words=tuple(words))
    if filled <= 0:
        nothing = pa.chunked_array([pa.nulls(len(cells), pa.float64())])
        return TextColumn(nothing, base.model_copy(update={"notes": ("Every cell is missing",)}), words=words)
    present = without_words(cells, words) if words else cells
    sample = sample_cells(present)
    for attempt in (_as_numbers, _as_truth, _as_stamps):
        column = attempt(present, base, sample, filled, hints)
        if column is not None:
            return _noted(column, words)
    return _as_text(cells, base, sample, words, len(cells) - words.get("", 0))


def convert_text(cells: pa.ChunkedArray, reading: ColumnReading) -> TextColumn:
    """Convert `cells` as an earlier column was read; cells that do not fit are null and counted."""
    if reading.storage == "string":
        return TextColumn(without_words(cells, ALWAYS_MISSING.union(reading.missing_words)), reading)
    present = without_words(cells, words_for_numbers().union(reading.missing_words))
    if reading.storage == "datetime":
        values = parse_stamps(present, reading.datetime_format or "ISO8601")
    elif reading.storage == "boolean":
        values = _truths(present)
    else:
        values = parse_numbers(present, NumberFormat.from_label(reading.number_format))
    return TextColumn(values, reading, _unfit(present, values))


def _all_plain(cells: pa.ChunkedArray, base: ColumnReading) -> TextColumn | None:
    """The quick way for the commonest column: nothing but plain numbers and empty cells; none if it is not."""
    values = cast_numbers(cells)
    if values is None or _is_code(cells, values):
        return None
    integer = pa.types.is_integer(values.type)
    if not integer and pc.any(pc.is_nan(values)).as_py():
        return None  # the word 'nan' is to be counted as what it is
    words = {"": cells.null_count} if cells.null_count else {}
    storage = "integer" if integer else "float"
    return TextColumn(values, base.model_copy(update={"storage": storage, "missing_words": tuple(words)}), words=words)


def _unfit(present: pa.ChunkedArray, values: pa.ChunkedArray) -> tuple[int, tuple[str, ...]]:
    """How many filled cells have no value, and up to five different ones."""
    count = values.null_count - present.null_count
    if count <= 0:
        return 0, ()
    cells = pc.filter(present, pc.and_(pc.is_null(values), pc.is_valid(present)))
    return count, tuple(pc.unique(cells[:1000]).to_pylist()[:5])


def _as_numbers(
    present: pa.ChunkedArray, base: ColumnReading, sample: Sequence[str], filled: int, hints: Hints
) -> TextColumn | None:
    plain = sum(map(looks_plain, sample)) >= 0.9 * len(sample)
    formats = (PLAIN,) if plain and hints.decimal != "," else guess_formats(sample, hints.decimal)
    fitting = []
    for form in formats:
        values = parse_numbers(present, form)
        unfit = _unfit(present, values)
        if filled - unfit[0] >= _ENOUGH * filled:
            storage = "integer" if pa.types.is_integer(values.type) else "float"
            reading = base.model_copy(update={"storage": storage, "number_format": form.label})
            fitting.append(TextColumn(values, reading, unfit))
    if not fitting:
        return None
    best = min(fitting, key=lambda column: column.unfit[0])  # the first, which is the likelier, if they fit alike
    if best.reading.number_format is None:
        return None if _is_code(present, best.values) else best
    alike = sum(column.unfit[0] == best.unfit[0] for column in fitting) > 1
    return replace(best, unsure=f"read as {best.reading.number_format}") if alike and hints.decimal is None else best


def _is_code(present: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:
    """Whether digits name something rather than count: a zero in front, or more of them than a number holds."""
    lengths = pc.binary_length(present)
    if pa.types.is_integer(values.type):
        zeros = pc.filter(present, pc.and_(pc.starts_with(present, "0"), pc.greater(lengths, 1)))
        # A zero with a blank behind it is a zero.
        padded = pc.any(pc.match_substring_regex(zeros, r"^0\d")).as_py()
        limits = pc.min_max(values).as_py()
        return bool(padded) or max(-limits["min"], limits["max"]) > _LARGEST_EXACT
    if (pc.max(lengths).as_py() or 0) <= _LONGEST_NUMBER:
        return False
    return bool(_code_example(present))


def _code_example(present: pa.ChunkedArray) -> str:
    """A cell of digits that would not come back from a number; empty if there is none."""
    pattern = rf"^(0\d+|[+-]?[1-9]\d{{{_LONGEST_NUMBER},}})$"
    codes = pc.filter(present, pc.match_substring_regex(present, pattern))
    return str(codes[0].as_py()) if len(codes) else ""


def _as_truth(
    present: pa.ChunkedArray, base: ColumnReading, sample: Sequence[str], filled: int, hints: Hints
) -> TextColumn | None:
    del hints
    if not all(cell.lower() in _TRUTH for cell in sample):
        return None
    values = _truths(present)
    unfit = _unfit(present, values)
    if filled - unfit[0] < _ENOUGH * filled:
        return None
    return TextColumn(values, base.model_copy(update={"storage": "boolean"}), unfit)


def _truths(present: pa.ChunkedArray) -> pa.ChunkedArray:
    lower = pc.ascii_lower(pc.utf8_trim_whitespace(present))
    values = pc.equal(lower, "true")
    return pc.if_else(pc.is_in(lower, value_set=pa.array(list(_TRUTH))), values, pa.scalar(None, pa.bool_()))


def _as_stamps(
    present: pa.ChunkedArray, base: ColumnReading, sample: Sequence[str], filled: int, hints: Hints
) -> TextColumn | None:
    formats = guess_stamp_formats(sample)
    columns = []
    for form in formats:
        values = parse_stamps(present, form)
        unfit = _unfit(present, values)
        if filled - unfit[0] >= _ENOUGH * filled:
            reading = base.model_copy(update={"storage": "datetime", "datetime_format": form})
            columns.append(TextColumn(values, reading, unfit))
    if not columns:
        return None
    column = columns[0] if len(columns) == 1 else _day_or_month(columns, hints)
    return _zoned(column, sample)


def _day_or_month(columns: list[TextColumn], hints: Hints) -> TextColumn:
    """Choose between day first and month first: the better fit, then order in time, then the other columns."""
    day_first, month_first = columns
    if day_first.unfit[0] != month_first.unfit[0]:
        return min(columns, key=lambda column: column.unfit[0])
    descents = [_descents(column.values) for column in columns]
    if min(descents) == 0 and max(descents) > 0:
        chosen = columns[descents.index(0)]
        note = "Day and month were told apart by the order of the rows"
    elif hints.day_first is not None:
        chosen = day_first if hints.day_first else month_first
        note = "Day and month were told apart by another column of the file"
    else:
        dotted = "." in (day_first.reading.datetime_format or "")
        chosen = day_first if dotted else month_first
        unsure = f"read as {'day' if chosen is day_first else 'month'} first"
        return replace(chosen, unsure=unsure)
    return replace(chosen, reading=chosen.reading.model_copy(update={"notes": (note,)}))


def _descents(values: pa.ChunkedArray) -> int:
    """How often a moment is earlier than the one before."""
    moments = values.drop_null().cast(pa.int64()).to_numpy()
    return int((np.diff(moments) < 0).sum())


def _zoned(column: TextColumn, sample: Sequence[str]) -> TextColumn:
    zones = sum(map(has_zone, sample))
    if not zones:
        return column
    notes, unsure = column.reading.notes, column.unsure
    if zones < len(sample):
        notes = (*notes, "Some time stamps name no zone; they were taken for UTC")
        unsure = ", and ".join(part for part in (unsure, "stamps without a zone taken for UTC") if part)
    reading = column.reading.model_copy(update={"timezone": "UTC", "notes": notes})
    return replace(column, reading=reading, unsure=unsure)


def _as_text(
    cells: pa.ChunkedArray, base: ColumnReading, sample: Sequence[str], words: dict[str, int], filled: int
) -> TextColumn:
    missing = words_for_text(words, filled)
    found = {word: count for word, count in words.items() if word in missing or not word}
    notes = _text_notes(cells, sample)
    reading = base.model_copy(update={"storage": "string", "missing_words": tuple(found), "notes": notes})
    values = without_words(cells, missing.intersection(found)) if found else cells
    return TextColumn(values, reading, words=found)


def _text_notes(cells: pa.ChunkedArray, sample: Sequence[str]) -> tuple[str, ...]:
    """Why a column that is nearly numbers or dates is text all the same."""
    numbers = [cell for cell in sample if looks_plain(cell)]
    if len(numbers) >= 0.9 * len(sample):
        code = _code_example(cells)
        if code:
            return (f"Codes of digits such as {shown(code)} are kept as text",)
    if len(numbers) >= 0.5 * len(sample):
        others = list(dict.fromkeys(cell for cell in sample if not looks_plain(cell)))
        return (
            f"About {len(numbers) / len(sample):.0%} of the cells are numbers; others, e.g. {listed(others, 3)}, keep it text",
        )
    stamps = [cell for cell in sample if looks_like_stamp(cell)]
    if len(stamps) >= 0.5 * len(sample):
        others = list(dict.fromkeys(cell for cell in sample if not looks_like_stamp(cell)))
        examples = f" (others, e.g. {listed(others, 3)})" if others else " (in several notations)"
        return (f"About {len(stamps) / len(sample):.0%} of the cells look like dates{examples}; it is kept as text",)
    return ()


def _noted(column: TextColumn, words: dict[str, int]) -> TextColumn:
    count, examples = column.unfit
    notes = column.reading.notes
    if count:
        notes = (*notes, f"{count:,} cell(s) did not fit and are missing, e.g. {listed(examples, 3)}")
    return replace(column, reading=column.reading.model_copy(update={"notes": notes}), words=words)
