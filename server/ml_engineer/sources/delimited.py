"""Delimited text (CSV, TSV and their relatives), read as columns of text.

The dialect is worked out from a bounded sample; then the whole is parsed, every cell as text. What the cells mean is
decided later, on all of them (`columns`).
"""

from __future__ import annotations

import codecs
import io
import mmap
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ml_engineer.errors import SourceError
from ml_engineer.sources.delimited_layout import DelimitedLayout, work_out_layout
from ml_engineer.sources.delimited_parse import NotUtf8Error, Shape, parse_delimited
from ml_engineer.sources.dialect import Dialect, detect_dialect, records
from ml_engineer.sources.encodings import Encoding, Utf8Stream, detect_encoding, reconsider_encoding
from ml_engineer.sources.names import unique_names
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["read_delimited"]

_SAMPLE_BYTES = 1 << 18
_LARGEST_SAMPLE = 1 << 26


@dataclass(frozen=True)
class _Sample:
    """The beginning of the file as text, and whether that is all of it."""

    text: str
    whole: bool


def read_delimited(content: Content, options: ReadOptions) -> RawTable:
    """Read a delimited file.

    Raises
    ------
    SourceError
        If a record has another number of fields than the rest (names its line), or the file is no text.
    """
    encoding = detect_encoding(content.head(_SAMPLE_BYTES))
    if encoding is None:
        raise SourceError(f"{shown(str(content.path), 200)} holds no text", remedy="Name a file that holds a table")
    try:
        return _read(content, encoding, options)
    except NotUtf8Error:
        with content.open() as stream:
            again = reconsider_encoding(stream)
    table = _read(content, replace(again, mark=encoding.mark), options)
    note = (
        "Some bytes of the text are damaged (no UTF-8)"
        if again.name == "utf-8"
        else f"The text begins like UTF-8 and is not; it was read as {again.name}"
    )
    return replace(table, warnings=(*table.warnings, note))


def _read(content: Content, encoding: Encoding, options: ReadOptions) -> RawTable:
    sample = _sample(content, encoding, rows=options.rows)
    dialect = detect_dialect(sample.text[:_SAMPLE_BYTES], whole=sample.whole and len(sample.text) <= _SAMPLE_BYTES)
    file = str(content.path)
    layout = work_out_layout(sample.text, dialect, options, whole=sample.whole, file=file)
    shape = Shape(
        width=len(layout.names),
        first_line=layout.line,
        longest=layout.longest,
        quoted_padding=_quoted_padding(sample, dialect),
        floats=frozenset() if sample.whole or dialect.padded else layout.floats,
        quotes=bool(options.rows) or _holds_quotes(content, sample, dialect),
    )

    def utf8() -> BinaryIO | Utf8Stream:
        if options.rows:
            return _first_rows(sample, dialect, layout, options.rows)
        return _data(content, encoding, sample, layout)

    parsed = parse_delimited(utf8, dialect, shape, file=file)
    warnings = [*layout.warnings, *parsed.warnings]
    if parsed.replaced:
        warnings.append(f"{parsed.replaced:,} character(s) could not be read as {encoding.name} and became '\ufffd'")
    columns = list(parsed.columns)
    if dialect.padded:
        columns = [_trimmed(column) for column in columns]
        warnings.append("Fields are padded with spaces, which were left out")
    facts = FileFacts(
        format="csv",
        encoding=encoding.label,
        delimiter=dialect.delimiter if len(layout.names) > 1 else None,
        quote=dialect.quote,
        line_ending=dialect.line_ending,
        header=layout.header,
        compression=content.compression,
    )
    return _without_nameless(list(layout.names), columns, facts, warnings, options)


def _sample(content: Content, encoding: Encoding, *, rows: int | None) -> _Sample:
    """Enough of the beginning to see some records (or the `rows` that are wanted)."""
    size = _SAMPLE_BYTES
    while True:
        head = content.head(size + 1)
        whole = len(head) <= size
        decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
        text = decoder.decode(head[encoding.mark : size], final=whole)
        breaks = max(text.count("\n"), text.count("\r"))
        if whole or breaks > 1.5 * max(rows or 0, 10) or size >= _LARGEST_SAMPLE:
            return _Sample(text, whole)
        size *= 4


def _quoted_padding(sample: _Sample, dialect: Dialect) -> bool:
    """Whether quotes follow the spaces that pad fields, which pyarrow does not understand."""
    return dialect.padded and f"{dialect.delimiter} {dialect.quote}" in sample.text


def _holds_quotes(content: Content, sample: _Sample, dialect: Dialect) -> bool:
    """Whether any quote stands in the file; without one, no line break can be part of a field."""
    if dialect.quote is None or sample.whole or dialect.quote in sample.text or content.compression is not None:
        return True
    with content.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        return memory.find(dialect.quote.encode()) >= 0


def _data(content: Content, encoding: Encoding, sample: _Sample, layout: DelimitedLayout) -> BinaryIO | Utf8Stream:
    """The file as UTF-8, from the first record of data on."""
    source = content.open()
    _skip(source, encoding.mark)
    plain = encoding.name == "utf-8" and not encoding.guessed
    stream = source if plain else Utf8Stream(source, encoding.name)
    _skip(stream, len(sample.text[: layout.start].encode("utf-8", errors="replace")))
    return stream


def _skip(stream: BinaryIO | Utf8Stream, size: int) -> None:
    while size > 0 and (block := stream.read(min(size, 1 << 20))):
        size -= len(block)


def _first_rows(sample: _Sample, dialect: Dialect, layout: DelimitedLayout, rows: int) -> BinaryIO:
    """The first `rows` records of data, as UTF-8."""
    text = sample.text[layout.start :]
    kept = list(islice(records(text, dialect), rows + 1))
    if len(kept) > 1 and (len(kept) > rows or not sample.whole):
        kept.pop()
    return io.BytesIO(text[: kept[-1].end].encode("utf-8", errors="replace"))


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    cells = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def _without_nameless(
    names: list[str], columns: list[pa.ChunkedArray], facts: FileFacts, warnings: list[str], options: ReadOptions
) -> RawTable:
    """Leave out columns with neither name nor content, such as one after a delimiter at the end of each line."""
    expected = {column.name for column in options.like.columns} if options.like else set()
    kept = [
        place
        for place, (name, usable) in enumerate(zip(names, unique_names(names), strict=True))
        if name.strip() or usable in expected or columns[place].null_count < len(columns[place])
    ]
    if len(kept) < len(names) and kept:
        warnings.append(f"{len(names) - len(kept)} column(s) without name and content were left out")
        names, columns = [names[place] for place in kept], [columns[place] for place in kept]
    return RawTable(tuple(names), tuple(columns), facts, tuple(warnings))
