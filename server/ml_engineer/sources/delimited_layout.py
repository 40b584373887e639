"""Where the data of a delimited file begin, how many columns they have and what these are called."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice

from ml_engineer.errors import SourceError
from ml_engineer.sources.dialect import Dialect, Sampled, records, usual_width
from ml_engineer.sources.header import judge_header
from ml_engineer.sources.names import unique_names
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.sources.raw import ReadOptions

__all__ = ["DelimitedLayout", "work_out_layout"]

_RECORDS = 300
_FLOAT = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")
_CLEAR = re.compile(r"-?(0\.\d+|\d+\.(\d{1,2}|\d{4,}))")
"""A decimal number whose point cannot part thousands."""


@dataclass(frozen=True)
class DelimitedLayout:
    """What is above the data.

    Parameters
    ----------
    names : tuple of str
        Column names as they stand in the file, or as they were given or made up.
    header : bool
        Whether they stood in the file.
    start : int
        Characters before the first record of data.
    line : int
        Number of that record's line, from 1.
    longest : int
        Characters in the longest record of the sample.
    floats : frozenset of int
        Places of the columns whose cells in the sample are all decimal numbers with a point, or empty.
    warnings : tuple of str
        One sentence each.
    """

    names: tuple[str, ...]
    header: bool
    start: int
    line: int
    longest: int
    floats: frozenset[int] = frozenset()
    warnings: tuple[str, ...] = ()


def work_out_layout(text: str, dialect: Dialect, options: ReadOptions, *, whole: bool, file: str) -> DelimitedLayout:
    """Find header and data in the sample `text`.

    Raises
    ------
    SourceError
        If there is a header and nothing below, or `options.column_names` does not fit.
    """
    sampled = list(islice(records(text, dialect), _RECORDS + 1))
    if len(sampled) > 1 and (len(sampled) > _RECORDS or not whole):
        sampled.pop()
    if not sampled:
        raise SourceError(f"{shown(file, 200)} holds no data", remedy="Name a file that holds a table")
    width = usual_width(sampled)
    warnings: list[str] = []
    body = _below_titles(sampled, width, warnings)
    first: Sampled | None = None
    named = _behind_comment(text[: body[0].start], dialect, body, width, options)
    if named is not None:
        header: list[str] | None = named
    else:
        first = body[0]
        header, body = _header_row(body, width, options, warnings)
    if not body:
        raise SourceError(
            f"{shown(file, 200)} has column names but no rows",
            found=f"columns {listed(header or [])}",
            remedy="Name a file that holds data below its header",
        )
    names = _names(header, width, body, options, warnings, file=file)
    longest = max(len(record.text) for record in sampled)
    start, line = body[0].start, body[0].line
    if first is not None and first is not body[0]:
        # A line that looks like a comment may be data after all: what follows the header is parsed whole.
        start, line = first.end, first.line + len(first.text.splitlines())
    floats = _float_columns(body, names, options)
    return DelimitedLayout(tuple(names), header is not None, start, line, longest, floats, tuple(warnings))


def _float_columns(body: list[Sampled], names: list[str], options: ReadOptions) -> frozenset[int]:
    """Columns that can be parsed as numbers at once, because nothing in them could mean anything else."""
    rows = [record.fields for record in body if len(record.fields) == len(names)]
    known = {column.name: column for column in options.like.columns} if options.like else {}
    places = set()
    for place, name in enumerate(unique_names(names)):
        reading = known.get(name)
        cells = [row[place] for row in rows if row[place]]
        allowed = reading is None or (reading.storage == "float" and reading.number_format is None)
        if allowed and all(map(_FLOAT.fullmatch, cells)) and sum(map(bool, map(_CLEAR.fullmatch, cells))) > 10:
            places.add(place)
    return frozenset(places)


def _below_titles(sampled: list[Sampled], width: int, warnings: list[str]) -> list[Sampled]:
    """The records from the first one that is no title line above the table."""
    titles = 0
    while titles < len(sampled) - 1 and width > 1 and sum(bool(field.strip()) for field in sampled[titles].fields) <= 1:
        if len(sampled[titles].fields) == width:
            break
        titles += 1
    if titles:
        texts = listed([record.text.strip() for record in sampled[:titles]], 3)
        warnings.append(f"{titles} title line(s) above the table were left out: {texts}")
    return sampled[titles:]


def _behind_comment(
    above: str, dialect: Dialect, body: list[Sampled], width: int, options: ReadOptions
) -> list[str] | None:
    """Column names from the last comment line above the data, if that is what it holds."""
    lines = [line for line in above.splitlines() if line.strip()]
    if dialect.comment is None or not lines or not lines[-1].startswith(dialect.comment):
        return None
    stripped = lines[-1].lstrip(dialect.comment).lstrip(" ")
    uncommented = Dialect(dialect.delimiter, dialect.quote, dialect.escape, dialect.padded, dialect.runs)
    try:
        fields = next(iter(records(stripped, uncommented))).fields
    except (StopIteration, csv.Error):
        return None
    rows = [record.fields for record in body if len(record.fields) == width]
    if len(fields) != width or not judge_header(fields, rows, options.like).present:
        return None
    below = judge_header(rows[0], rows[1:], options.like) if len(rows) > 1 else None
    return None if below is not None and below.present and below.sure else fields


def _header_row(
    body: list[Sampled], width: int, options: ReadOptions, warnings: list[str]
) -> tuple[list[str] | None, list[Sampled]]:
    """The first record if it is a header (else none), and the records of data."""
    first = body[0].fields
    rows = [record.fields for record in body[1:] if len(record.fields) == width]
    if len(body) == 1:
        verdict = judge_header(first, [], options.like)
        return (first, []) if verdict.present and options.column_names is None else (None, body)
    verdict = judge_header(first, rows, options.like)
    if options.column_names is not None and not (verdict.present and verdict.sure):
        return None, body
    if not verdict.sure and options.like is None:
        said = "was taken for" if verdict.present else "was not taken for"
        warnings.append(
            f"The first line {said} column names, though nothing in the file decides it: {listed(first)}; "
            "pass column_names if that is wrong"
        )
    return (first, body[1:]) if verdict.present else (None, body)


def _names(
    header: list[str] | None,
    width: int,
    body: list[Sampled],
    options: ReadOptions,
    warnings: list[str],
    *,
    file: str,
) -> list[str]:
    """One name per column."""
    if options.column_names is not None:
        if len(options.column_names) != width:
            raise SourceError(
                f"column_names has {len(options.column_names)} names, but {shown(file, 200)} has {width} columns",
                found=f"its first record is {listed(body[0].fields)}",
                remedy=f"Pass {width} names",
            )
        if header is not None:
            warnings.append(f"The file's own column names were replaced by column_names: {listed(header)}")
        return list(options.column_names)
    if header is None:
        like = options.like
        if like is not None and like.header is False and len(like.columns) == width:
            return [column.original_name for column in like.columns]
        warnings.append("The file has no column names; its columns are called column_1, column_2, ...")
        return [f"column_{place}" for place in range(1, width + 1)]
    return _fitted(header, width, body, warnings, file=file)


def _fitted(header: list[str], width: int, body: list[Sampled], warnings: list[str], *, file: str) -> list[str]:
    """`header` with as many names as there are columns, where that can be told."""
    if len(header) == width:
        return header
    if len(header) == width - 1:
        if all(not record.fields[-1].strip() for record in body if len(record.fields) == width):
            return [*header, ""]  # every line of data ends with a delimiter
        warnings.append("The header has one name less than there are columns: the first column has no name")
        return ["", *header]
    if len(header) > width and not any(name.strip() for name in header[width:]):
        return header[:width]
    raise SourceError(
        f"The header of {shown(file, 200)} has {len(header)} names, but the rows have {width} fields",
        found=f"header {listed(header)}; line {body[0].line}: {listed(body[0].fields)}",
        remedy="Mend the header, or quote fields that hold the delimiter",
    )
