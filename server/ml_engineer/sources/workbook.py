"""Excel workbooks (.xlsx, .xlsm), one sheet of them."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ml_engineer.errors import SourceError
from ml_engineer.sources.cells import cell_text, text_columns
from ml_engineer.sources.header import judge_header
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["read_workbook"]

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, ParseError, InvalidFileException)
_LOOKED_AT = 100
_ABOVE = 20


def read_workbook(content: Content, options: ReadOptions) -> RawTable:
    """Read one sheet: the named one, or the first that holds anything.

    Raises
    ------
    SourceError
        If the sheet is not there or holds no rows, or the workbook is damaged.
    """
    warnings_: list[str] = []
    with content.on_disk() as path, _opened(path, content) as book:
        try:
            rows = _sheet_rows(book, content, options, warnings_)
        except _DAMAGE as error:
            raise _damaged(content, error) from error
    return _table(rows, content, options, warnings_)


@contextmanager
def _opened(path: Path, content: Content) -> Iterator[Any]:
    with warnings.catch_warnings():
        # openpyxl tells of styles and validations that it drops; only values are wanted.
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except _DAMAGE as error:
            raise _damaged(content, error) from error
        try:
            yield book
        finally:
            book.close()


def _damaged(content: Content, error: Exception) -> SourceError:
    return SourceError(
        f"{shown(str(content.path), 200)} is no workbook, or a damaged one",
        found=shown(str(error), 200),
        remedy="Save it again as .xlsx, or as CSV",
    )


def _sheet_rows(book: Any, content: Content, options: ReadOptions, notes: list[str]) -> list[tuple[object, ...]]:
    """Rows of the sheet without those that are empty."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if options.table is not None:
        if options.table not in sheets:
            raise SourceError(
                f"{shown(str(content.path), 200)} has no sheet {shown(options.table)}",
                found=f"it has {listed(list(sheets), 10)}",
                remedy="Pass table as one of these",
            )
        return _filled_rows(sheets[options.table], options.rows)
    for title, sheet in sheets.items():
        rows = _filled_rows(sheet, options.rows)
        if rows:
            if len(sheets) > 1:
                others = listed([other for other in sheets if other != title])
                notes.append(f"Sheet {shown(title)} was read; the workbook also has {others} (pass table to choose)")
            return rows
    raise SourceError(f"{shown(str(content.path), 200)} holds no cells", remedy="Name a workbook that holds a table")


def _filled_rows(sheet: Any, rows: int | None) -> list[tuple[object, ...]]:
    # Some programs write a wrong size into the file; without it the rows themselves count.
    sheet.reset_dimensions()
    found = (row for row in sheet.iter_rows(values_only=True) if any(cell not in (None, "") for cell in row))
    return list(found if rows is None else islice(found, rows + _ABOVE))


def _table(rows: list[tuple[object, ...]], content: Content, options: ReadOptions, notes: list[str]) -> RawTable:
    width = max((len(row) for row in rows), default=0)
    rows = _below_titles(rows, notes)
    names, body = _names(rows, width, options, notes, content)
    if not body:
        raise SourceError(
            f"{shown(str(content.path), 200)} has column names but no rows",
            found=f"columns {listed(names)}",
            remedy="Name a sheet that holds data below its header",
        )
    columns = text_columns(body[: options.rows], width)
    kept = [place for place in range(width) if names[place].strip() or columns[place].null_count < len(columns[place])]
    facts = FileFacts("excel", header=body is not rows, compression=content.compression)
    return RawTable(tuple(names[place] for place in kept), tuple(columns[place] for place in kept), facts, tuple(notes))


def _below_titles(rows: list[tuple[object, ...]], notes: list[str]) -> list[tuple[object, ...]]:
    """The rows from the first one that is no title above the table: one filled cell where the table has more."""
    filled = [sum(cell not in (None, "") for cell in row) for row in rows[:_LOOKED_AT]]
    usual = sorted(filled)[len(filled) // 2] if filled else 0
    titles = 0
    while usual > 1 and titles < len(filled) - 1 and filled[titles] <= 1:
        titles += 1
    if titles:
        texts = [cell_text(next(cell for cell in row if cell not in (None, ""))) for row in rows[:titles]]
        notes.append(f"{titles} title row(s) above the table were left out: {listed(texts, 3)}")
    return rows[titles:]


def _names(
    rows: list[tuple[object, ...]], width: int, options: ReadOptions, notes: list[str], content: Content
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Column names, and the rows below them (the very `rows` if they hold no names)."""
    texts = [[cell_text(cell) or "" for cell in row] + [""] * (width - len(row)) for row in rows[:_LOOKED_AT]]
    verdict = judge_header(texts[0], texts[1:], options.like)
    header = texts[0] if verdict.present else None
    given = options.column_names
    if given is not None:
        if len(given) != width:
            raise SourceError(
                f"column_names has {len(given)} names, but {shown(str(content.path), 200)} has {width} columns",
                found=f"its first row is {listed(texts[0])}",
                remedy=f"Pass {width} names",
            )
        return list(given), rows[1:] if header is not None and verdict.sure else rows
    if header is None:
        notes.append("The sheet has no column names; its columns are called column_1, column_2, ...")
        return [f"column_{place}" for place in range(1, width + 1)], rows
    return header, rows[1:]
