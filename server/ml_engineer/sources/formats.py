"""Which format a file has, by its content first and its ending second."""

from __future__ import annotations

import json
import re

from ml_engineer.errors import SourceError
from ml_engineer.sources.encodings import detect_encoding
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.vocabulary.data import FileFormat

__all__ = ["SUPPORTED", "recognise_format"]

SUPPORTED = "CSV, TSV, Parquet, Excel (.xlsx), JSON, JSON lines, libsvm, SQLite, DuckDB; also packed with gzip or zip"
_HEAD = 1 << 16
_JSON_ENDINGS = {".json", ".jsonl", ".ndjson", ".geojson"}
_LIBSVM_ENDINGS = {".svm", ".libsvm", ".svmlight"}
_KNOWN: tuple[tuple[bytes, int, FileFormat], ...] = (
    (b"PAR1", 0, "parquet"),
    (b"SQLite format 3\x00", 0, "sqlite"),
    (b"DUCK", 8, "duckdb"),
)
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or another OLE document"),
    (b"ARROW1", "an Arrow file (Feather)"),
    (b"ORC", "an ORC file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"\x80\x03", "a pickle, which runs code when it is loaded"),
    (b"\x80\x04", "a pickle, which runs code when it is loaded"),
    (b"\x80\x05", "a pickle, which runs code when it is loaded"),
    (b"BZh", "a file packed with bzip2"),
    (b"\xfd7zXZ", "a file packed with xz"),
    (b"\x28\xb5\x2f\xfd", "a file packed with zstd"),
    (b"7z\xbc\xaf", "a file packed with 7-Zip"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_LIBSVM_LINE = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?(\s+qid:\d+)?(\s+\d+:[^\s:,;]+)+\s*(#.*)?")


def recognise_format(content: Content) -> FileFormat:
    """The format of `content`.

    Raises
    ------
    SourceError
        If it is empty, or none of the formats that are read; names what it looks like.
    """
    head = content.head(_HEAD)
    if not head.strip():
        raise SourceError(f"{shown(str(content.path), 200)} is empty", remedy="Name a file that holds a table")
    for magic, offset, kind in _KNOWN:
        if head[offset : offset + len(magic)] == magic:
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _office(content)
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise _not_a_table(content, what)
    return _text_format(content, head)


def _office(content: Content) -> FileFormat:
    if content.ending in {".ods", ".docx", ".pptx", ".odt"}:
        raise _not_a_table(content, f"a {content.ending} document")
    return "excel"


def _text_format(content: Content, head: bytes) -> FileFormat:
    encoding = detect_encoding(head)
    if encoding is None:
        raise _not_a_table(content, "binary data of an unknown kind")
    text = head[encoding.mark :].decode(encoding.name, errors="replace").lstrip()
    if not text:
        raise SourceError(f"{shown(str(content.path), 200)} is empty", remedy="Name a file that holds a table")
    if re.match(r"<(!doctype|html|\?xml)", text, re.IGNORECASE):
        raise _not_a_table(content, "a web page or an XML document")
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    if content.ending in _JSON_ENDINGS or text[0] in "{[":
        kind = _json_format(lines, text, content.ending)
        if kind is not None:
            return kind
    if content.ending in _JSON_ENDINGS:
        return "jsonl" if content.ending in {".jsonl", ".ndjson"} else "json"
    if content.ending in _LIBSVM_ENDINGS or _is_libsvm(lines, truncated=len(head) == _HEAD):
        return "libsvm"
    return "csv"


def _json_format(lines: list[str], text: str, ending: str) -> FileFormat | None:
    single = len(lines) == 1 and ending not in {".jsonl", ".ndjson"}
    if not single and _parses(lines[0], dict) and (len(lines) == 1 or lines[1].startswith("{")):
        return "jsonl"
    if re.match(r"\[\s*[\[{\]]", text):
        return "json"
    return "json" if re.match(r'\{\s*"', text) else None


def _parses(line: str, kind: type) -> bool:
    try:
        return isinstance(json.loads(line), kind)
    except ValueError:
        return False


def _is_libsvm(lines: list[str], *, truncated: bool) -> bool:
    whole = lines[:-1] if truncated and 1 < len(lines) < 20 else lines
    rows = [line for line in whole if not line.startswith("#")]
    # One line longer than the sample can only be looked at as far as it goes.
    if truncated and len(lines) == 1:
        return _LIBSVM_LINE.match(lines[0]) is not None
    return bool(rows) and all(_LIBSVM_LINE.fullmatch(row) for row in rows)


def _not_a_table(content: Content, what: str) -> SourceError:
    return SourceError(
        f"{shown(str(content.path), 200)} is not a table that can be read",
        found=f"it looks like {what}",
        remedy=f"Save it in one of the formats that are read: {SUPPORTED}",
    )
