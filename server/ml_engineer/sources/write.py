"""Writing a table in the format that its name asks for, whole or not at all."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.sources.quoting import shown

__all__ = ["require_known_ending", "write_table"]

_SHEET_ROWS, _SHEET_COLUMNS, _CELL_CHARACTERS = 1_048_576, 16_384, 32_767


def require_known_ending(path: Path) -> None:
    """Refuse a path that `write_table` could not write, before any work is done for it.

    Raises
    ------
    InputError
        If its ending names no format that is written.
    """
    _writer(path)


def _writer(path: Path) -> tuple[Callable[[pd.DataFrame, Any], None], bool]:
    """What writes the format that the ending names, and whether it is packed."""
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    writer = (_TEXT_WRITERS if packed else _WRITERS).get(ending)
    if writer is None:
        raise InputError(
            f"Cannot tell from its name how to write {shown(str(path), 200)}",
            remedy=f"Use one of the endings {', '.join(_WRITERS)}; {', '.join(_TEXT_WRITERS)} may be followed by .gz",
        )
    return writer, packed


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` (without its index) to `path`: csv, tsv, parquet, xlsx, json or jsonl, text also with ``.gz``.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any table; missing values become empty cells, or null.
    path : pathlib.Path
        Where to; an existing file is replaced in one step.

    Raises
    ------
    InputError
        If the ending is none of these, the table does not fit into a sheet, or the folder cannot be written.
    """
    writer, packed = _writer(path)
    with _replacing(path) as temporary:
        if packed:
            # Name and time stay out of the file, so that equal tables give equal bytes.
            with temporary.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
                writer(frame, stream)
        else:
            with temporary.open("wb") as stream:
                writer(frame, stream)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"Cannot write {shown(str(path), 200)}",
            found=error.strerror or str(error),
            remedy="Free space or make the folder writable, or name another file; nothing was changed",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _write_csv(frame: pd.DataFrame, stream: Any) -> None:
    frame.to_csv(stream, index=False, lineterminator="\n", encoding="utf-8")


def _write_tsv(frame: pd.DataFrame, stream: Any) -> None:
    frame.to_csv(stream, index=False, sep="\t", lineterminator="\n", encoding="utf-8")


def _write_parquet(frame: pd.DataFrame, stream: Any) -> None:
    frame.to_parquet(stream, index=False)


def _write_json(frame: pd.DataFrame, stream: Any) -> None:
    frame.to_json(stream, orient="records", date_format="iso", double_precision=15, force_ascii=False)


def _write_jsonl(frame: pd.DataFrame, stream: Any) -> None:
    frame.to_json(stream, orient="records", lines=True, date_format="iso", double_precision=15, force_ascii=False)


def _write_xlsx(frame: pd.DataFrame, stream: Any) -> None:
    if len(frame) >= _SHEET_ROWS or len(frame.columns) > _SHEET_COLUMNS:
        raise InputError(
            "The table does not fit into an Excel sheet",
            found=f"{len(frame):,} rows and {len(frame.columns):,} columns",
            remedy="Write it as .parquet or .csv",
        )
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append([_cell(sheet, name) for name in frame.columns])
    for row in frame.astype(object).itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])
    book.save(stream)


def _cell(sheet: Any, value: Any) -> Any:
    """A cell; text stays text, also where it begins like a formula."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)[:_CELL_CHARACTERS])
    cell.data_type = "s"
    return cell


_TEXT_WRITERS: dict[str, Callable[[pd.DataFrame, Any], None]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".json": _write_json,
    ".jsonl": _write_jsonl,
}
_WRITERS = _TEXT_WRITERS | {".parquet": _write_parquet, ".xlsx": _write_xlsx}
