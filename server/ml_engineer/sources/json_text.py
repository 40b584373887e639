"""JSON and JSON lines: DuckDB takes the records apart, and every value arrives as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from ml_engineer.errors import SourceError
from ml_engineer.sources.cells import text_columns
from ml_engineer.sources.encodings import Encoding, Utf8Stream, detect_encoding
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions
from ml_engineer.vocabulary.data import FileFormat

__all__ = ["read_json"]

_LARGEST_DOCUMENT = 1 << 28
"""Bytes of a single JSON document (not a list of records) that are taken apart in memory."""


def read_json(content: Content, options: ReadOptions, *, kind: FileFormat) -> RawTable:
    """Read records from JSON lines, a JSON array of objects, or a JSON object that holds columns or records.

    Raises
    ------
    SourceError
        If the text is no JSON (names the line), or holds no records.
    """
    head = content.head(1 << 16)
    encoding = detect_encoding(head) or Encoding("utf-8")
    text = head[encoding.mark :].decode(encoding.name, errors="replace").lstrip()
    facts = FileFacts(kind, encoding=encoding.label, compression=content.compression)
    with _as_utf8(content, encoding) as path:
        if facts.format == "json" and text.startswith("{"):
            rows = _document_rows(path, content)
            if rows is not None:
                return _from_records(rows[: options.rows], facts)
        return _from_duckdb(path, content, options, facts)


@contextmanager
def _as_utf8(content: Content, encoding: Encoding) -> Iterator[Path]:
    if encoding.name == "utf-8" and not encoding.mark:
        with content.on_disk() as path:
            yield path
        return
    with TemporaryDirectory() as folder, content.open() as source:
        target = Path(folder) / "content.json"
        source.read(encoding.mark)
        with Utf8Stream(source, encoding.name) as stream, target.open("wb") as copy:
            while block := stream.read(1 << 20):
                copy.write(block)
        yield target


def _from_duckdb(path: Path, content: Content, options: ReadOptions, facts: FileFacts) -> RawTable:
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as connection:
        try:
            records = connection.read_json(
                str(path),
                format="newline_delimited" if facts.format == "jsonl" else "auto",
                maximum_depth=1,
                sample_size=-1 if options.rows is None else max(options.rows, 1),
                map_inference_threshold=-1,
                field_appearance_threshold=0.0,
                maximum_object_size=1 << 28,
            )
            if options.rows is not None:
                records = records.limit(options.rows)
            names = list(records.columns)
            if any(str(kind) != "JSON" for kind in records.types):
                raise _no_records(content)
            cells = ", ".join(f"{_identifier(name)} ->> '$'" for name in names)
            kinds = ", ".join(f"bool_or(json_type({_identifier(name)}) IN ('OBJECT', 'ARRAY'))" for name in names)
            table = records.project(cells).to_arrow_table()
            nested = records.aggregate(kinds).fetchall()[0]
        except duckdb.Error:
            # Keys that differ only in case, lines that are no objects, damage: Python reads it, or knows the line.
            return _from_records(_python_rows(path, content, facts)[: options.rows], facts)
    columns = tuple(column.cast(pa.string()) for column in table.columns)
    notes = {place: ("Nested values are kept as JSON text",) for place, found in enumerate(nested) if found}
    return RawTable(tuple(names), columns, facts, notes=notes)


def _python_rows(path: Path, content: Content, facts: FileFacts) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8", errors="replace")
    documents = [(0, text)] if facts.format == "json" else list(enumerate(text.split("\n"), start=1))
    rows: list[Any] = []
    for line, document in documents:
        try:
            rows += [json.loads(document)] if document.strip() else []
        except ValueError as error:
            where = f"line {line}: " if line else ""
            raise SourceError(
                f"{shown(str(content.path), 200)} is not valid JSON",
                found=f"{where}{error}",
                remedy="Mend the file; JSON lines hold one whole object per line",
            ) from error
    if facts.format == "json":
        rows = rows[0] if isinstance(rows[0], list) else rows
    if not all(isinstance(row, dict) for row in rows):
        raise _no_records(content)
    return rows


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _document_rows(path: Path, content: Content) -> list[dict[str, Any]] | None:
    """Records in a single JSON object; none if there is more than one object in the file."""
    if path.stat().st_size > _LARGEST_DOCUMENT:
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None  # several objects, or damaged: DuckDB tells which
    if isinstance(document.get("columns"), list) and _is_list_of(document.get("data"), list):
        return [dict(zip(map(str, document["columns"]), row, strict=False)) for row in document["data"]]
    lists = [value for value in document.values() if isinstance(value, list)]
    if len(lists) == 1 and _is_list_of(lists[0], dict):
        return list(lists[0])
    columns = {name: list(column.values()) if isinstance(column, dict) else column for name, column in document.items()}
    if columns and all(isinstance(column, list) for column in columns.values()):
        return _from_columns(columns, content)
    return [document]


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, kind) for item in value)


def _from_columns(columns: dict[str, list[Any]], content: Content) -> list[dict[str, Any]]:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise SourceError(
            f"The columns of {shown(str(content.path), 200)} differ in length",
            found=f"between {min(lengths):,} and {max(lengths):,} values",
            remedy="Save it as JSON lines: one object per row",
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _from_records(rows: list[dict[str, Any]], facts: FileFacts) -> RawTable:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = text_columns(([row.get(name) for name in names] for row in rows), len(names))
    nested = {name for row in rows for name, value in row.items() if isinstance(value, dict | list)}
    notes = {place: ("Nested values are kept as JSON text",) for place, name in enumerate(names) if name in nested}
    return RawTable(tuple(names), columns, facts, notes=notes)


def _no_records(content: Content) -> SourceError:
    return SourceError(
        f"{shown(str(content.path), 200)} holds no records",
        found="its values are not objects with named fields",
        remedy='Save it as JSON lines: one object per row, such as {"age": 31, "city": "Oslo"}',
    )
