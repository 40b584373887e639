"""Parsing delimited UTF-8 whose dialect is known: by pyarrow where it can, else record by record."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ml_engineer.errors import SourceError
from ml_engineer.sources.dialect import Dialect
from ml_engineer.sources.encodings import Utf8Stream
from ml_engineer.sources.quoting import shown

__all__ = ["NotUtf8Error", "Parsed", "Shape", "parse_delimited"]

_SMALLEST_BLOCK = 1 << 20
_LARGEST_BLOCK = 1 << 28
_RECORDS_PER_BLOCK = 64
_BATCH_RECORDS = 20_000
_LONG_CELL = 2_000

Utf8: TypeAlias = BinaryIO | Utf8Stream


class NotUtf8Error(Exception):
    """The stream holds a byte that is not UTF-8; never leaves `sources`."""


class _RaggedError(Exception):
    """pyarrow found a record with another number of fields, or none that it understands."""


class _NoFloatError(Exception):
    """A column that seemed to hold decimal numbers holds something else as well."""


class _BlockTooSmallError(Exception):
    """A record is longer than the blocks that the file is parsed in."""


@dataclass(frozen=True)
class Shape:
    """What is known of the records.

    Parameters
    ----------
    width : int
        Fields in each.
    first_line : int
        Number of the first one's line in the file.
    longest : int
        Characters in the longest one seen.
    quoted_padding : bool
        Whether quotes follow spaces that pad fields.
    floats : frozenset of int
        Columns that seem to hold nothing but decimal numbers; they are parsed as such if they really do.
    quotes : bool
        Whether the file holds any quote at all.
    """

    width: int
    first_line: int
    longest: int
    quoted_padding: bool = False
    floats: frozenset[int] = frozenset()
    quotes: bool = True


@dataclass(frozen=True)
class Parsed:
    """Columns of text (null for an empty cell), what a person should know, and how many characters were lost."""

    columns: tuple[pa.ChunkedArray, ...]
    warnings: tuple[str, ...] = ()
    replaced: int = 0


def parse_delimited(open_stream: Callable[[], Utf8], dialect: Dialect, shape: Shape, *, file: str) -> Parsed:
    """Parse all records of the UTF-8 that `open_stream` gives; each call of it stands at the first record.

    Raises
    ------
    SourceError
        If a record has another number of fields than `shape.width`; names its line.
    NotUtf8Error
        If the stream holds a byte that is not UTF-8.
    """
    if dialect.runs or shape.quoted_padding or len(dialect.delimiter.encode()) > 1:
        return _parse_records(open_stream, dialect, shape, file=file)
    block = min(max(_SMALLEST_BLOCK, shape.longest * _RECORDS_PER_BLOCK), _LARGEST_BLOCK)
    while True:
        try:
            return _parse_blocks(open_stream, dialect, shape, block=block, file=file)
        except _BlockTooSmallError as error:
            if block >= _LARGEST_BLOCK:
                raise _unclosed(dialect, file=file) from error
            block *= 8
        except _NoFloatError:
            shape = replace(shape, floats=frozenset())
        except _RaggedError:
            # pyarrow parses blocks in parallel and does not know the line; a second look finds it.
            return _parse_records(open_stream, dialect, shape, file=file)


def _parse_blocks(open_stream: Callable[[], Utf8], dialect: Dialect, shape: Shape, *, block: int, file: str) -> Parsed:
    names = [str(place) for place in range(shape.width)]
    comments = 0

    def judge(row: Any) -> str:
        nonlocal comments
        if dialect.comment and row.text.startswith(dialect.comment):
            comments += 1
            return "skip"
        return "error"

    with open_stream() as stream, _native(stream) as source:
        try:
            # Block after block: reading the whole at once would pile up blocks faster than they are parsed.
            table = pacsv.open_csv(
                source,
                read_options=pacsv.ReadOptions(column_names=names, block_size=block),
                parse_options=pacsv.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char=dialect.quote or False,
                    double_quote=dialect.escape is None,
                    escape_char=dialect.escape or False,
                    newlines_in_values=dialect.quote is not None and shape.quotes,
                    invalid_row_handler=judge,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={
                        name: pa.float64() if place in shape.floats else pa.string() for place, name in enumerate(names)
                    },
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            ).read_all()
        except pa.ArrowInvalid as error:
            raise _translated(error) from error
        replaced = _replaced(stream)
    if any(pc.any(pc.is_nan(table.column(place))).as_py() for place in shape.floats):
        raise _NoFloatError  # the word 'nan' is to be counted as what it is
    if dialect.quote and shape.quotes and any(_swallowed(column, dialect, shape.width) for column in table.columns):
        raise _unclosed(dialect, file=file)
    warnings = (f"{comments:,} comment line(s) among the rows were left out",) if comments else ()
    return Parsed(tuple(table.columns), warnings, replaced)


def _native(stream: Utf8) -> AbstractContextManager[Any]:
    """The file under `stream` as pyarrow opens it itself, at the same place, where that can be."""
    if not isinstance(stream, io.BufferedReader):
        return nullcontext(stream)
    file = pa.OSFile(stream.name)
    file.seek(stream.tell())
    return cast("AbstractContextManager[Any]", file)


def _swallowed(column: pa.ChunkedArray, dialect: Dialect, width: int) -> bool:
    """Whether a cell holds what look like many records: its quote was never closed."""
    if not pa.types.is_string(column.type):
        return False
    lengths = pc.binary_length(column)
    if (pc.max(lengths).as_py() or 0) < _LONG_CELL:
        return False
    for cell in pc.filter(column, pc.greater_equal(lengths, _LONG_CELL))[:10].to_pylist():
        breaks = cell.count("\n") + cell.count("\r")
        if breaks > 20 and cell.count(dialect.delimiter) >= 0.9 * breaks * (width - 1) > 0:
            return True
    return False


def _translated(error: pa.ArrowInvalid) -> Exception:
    text = str(error)
    if "conversion error to double" in text:
        return _NoFloatError(text)
    if "invalid UTF8" in text:
        return NotUtf8Error(text)
    if "straddl" in text or "block size" in text:
        return _BlockTooSmallError(text)
    return _RaggedError(text)


def _replaced(stream: Utf8) -> int:
    return stream.replaced if isinstance(stream, Utf8Stream) else 0


def _parse_records(open_stream: Callable[[], Utf8], dialect: Dialect, shape: Shape, *, file: str) -> Parsed:
    """One record after the other: slower, knows lines, understands padding and runs of white space."""
    columns: list[list[pa.Array]] = [[] for _ in range(shape.width)]
    comments = 0
    batch: list[list[str]] = []
    with open_stream() as stream:
        buffered = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
        lines = io.TextIOWrapper(buffered, encoding="utf-8", newline="")
        try:
            for line, fields in _records(lines, dialect, shape.first_line):
                if len(fields) == shape.width:
                    batch.append(fields)
                elif dialect.comment and fields and fields[0].startswith(dialect.comment):
                    comments += 1
                elif fields:
                    raise _ragged(line, fields, shape.width, file=file)
                if len(batch) == _BATCH_RECORDS:
                    _flush(batch, columns)
            _flush(batch, columns)
        except UnicodeDecodeError as error:
            raise NotUtf8Error(str(error)) from error
        except csv.Error as error:
            raise _unclosed(dialect, file=file) from error
        finally:
            lines.detach()
        replaced = _replaced(stream)
    warnings = (f"{comments:,} comment line(s) among the rows were left out",) if comments else ()
    return Parsed(tuple(pa.chunked_array(pieces, type=pa.string()) for pieces in columns), warnings, replaced)


def _records(lines: io.TextIOWrapper, dialect: Dialect, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and fields, of each record."""
    if dialect.runs:
        for number, line in enumerate(lines, start=first_line):
            yield number, line.split()
        return
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        doublequote=dialect.escape is None,
        escapechar=dialect.escape,
        skipinitialspace=dialect.padded,
    )
    before = 0
    for fields in reader:
        yield first_line + before, fields
        before = reader.line_num


def _flush(batch: list[list[str]], columns: list[list[pa.Array]]) -> None:
    for place, cells in enumerate(zip(*batch, strict=True)):
        columns[place].append(pa.array([cell or None for cell in cells], type=pa.string()))
    batch.clear()


def _ragged(line: int, fields: list[str], width: int, *, file: str) -> SourceError:
    return SourceError(
        f"Line {line:,} of {shown(file, 200)} has {len(fields)} fields where the others have {width}",
        found=f"it begins {shown(', '.join(fields), 80)}",
        remedy="Mend the line, or put quotes around fields that hold the delimiter or a line break",
    )


def _unclosed(dialect: Dialect, *, file: str) -> SourceError:
    return SourceError(
        f"A field of {shown(file, 200)} does not end",
        found=f"a quote {dialect.quote} seems to be open to the end of the file",
        remedy="Close the quote, or double quotes that stand within fields",
    )
