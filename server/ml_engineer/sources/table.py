"""A table from whatever the person named, with a report of everything that was worked out rather than told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from ml_engineer.errors import SourceError
from ml_engineer.sources.column_warnings import column_warnings
from ml_engineer.sources.columns import settle_columns, to_frame
from ml_engineer.sources.delimited import read_delimited
from ml_engineer.sources.formats import recognise_format
from ml_engineer.sources.location import file_hashes, file_states, locate_files, refuse_changed
from ml_engineer.sources.oversize import fitting_sample
from ml_engineer.sources.packing import UNPACKING_ERRORS, Content, open_content
from ml_engineer.sources.parquet import read_parquet
from ml_engineer.sources.query_limits import QueryLimits
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import RawTable, ReadOptions, stack
from ml_engineer.vocabulary.data import DataSource, FileFormat, ReadReport

__all__ = ["Table", "read_preview", "read_table"]


Reader = Callable[[Content, ReadOptions], RawTable]


def _reader(kind: FileFormat) -> Reader:
    """What reads a format; the rarer ones import libraries that take as long as reading a million cells."""
    match kind:
        case "csv":
            return read_delimited
        case "parquet":
            return read_parquet
        case "excel":
            from ml_engineer.sources.workbook import read_workbook

            return read_workbook
        case "json" | "jsonl":
            from ml_engineer.sources.json_text import read_json

            return partial(read_json, kind=kind)
        case "libsvm":
            from ml_engineer.sources.libsvm import read_libsvm

            return read_libsvm
        case _:
            from ml_engineer.sources.databases import read_duckdb_table, read_sqlite_table

            return read_sqlite_table if kind == "sqlite" else read_duckdb_table


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its rows; columns are int64, float64, bool, datetime64[us] (naive, UTC) or str, with unique names that are
        not empty; the index 0..n-1 is the row number in the source.
    report : ReadReport
        How it was read.
    files : dict of str to str
        SHA-256 (hex) of each file's bytes by absolute path; empty for SQL and for previews.
    sample_fraction : float, optional
        Share of the rows that was read, if not all were.
    """

    frame: pd.DataFrame
    report: ReadReport
    files: dict[str, str]
    sample_fraction: float | None = None


def read_table(source: DataSource, *, like: ReadReport | None = None, may_sample: bool = False) -> Table:
    """Read a whole table; of one that was sampled, the same sample.

    Parameters
    ----------
    source : DataSource
        What the person named.
    like : ReadReport or None
        An earlier reading. Its decisions about columns are repeated, so that the same cell gives the same value;
        cells that do not fit are missing and counted in a warning. Columns it does not know are decided afresh.
    may_sample : bool
        Whether a sample is wanted of a table that is larger than the memory.

    Raises
    ------
    SourceError
        If there is nothing, or nothing that can be read as a table; names the file, and the line where there is one.
    """
    options = _options(source, like=like, rows=None)
    if source.sql is not None:
        raw, files = _query(source, rows=None)
        return _table(raw, [str(file) for file in files], {}, like)
    files = locate_files(source.path)
    sampling = fitting_sample(files) if may_sample and source.sample_fraction is None else None
    fraction = source.sample_fraction if sampling is None else sampling.fraction
    options = replace(options, fraction=fraction or 1.0)
    before = file_states(files)
    # Hashing lets go of the interpreter's lock, and costs nothing beside parsing.
    with ThreadPoolExecutor(max_workers=1) as pool:
        hashes = pool.submit(file_hashes, files)
        # Handed on without a name of its own, so that each column as read is let go of once it is settled.
        table = _table(_read_files(files, options), [str(file) for file in files], {}, like)
        refuse_changed(files, before)
        table = replace(table, files=hashes.result(), sample_fraction=fraction)
    if sampling is None:
        return table
    return replace(table, report=table.report.model_copy(update={"warnings": (sampling.told, *table.report.warnings)}))


def read_preview(source: DataSource, *, rows: int = 1000) -> Table:
    """Read about the first `rows` rows, however large the file is.

    The decisions about columns rest on these rows alone, so those of `read_table` may differ; `files` is empty.

    Raises
    ------
    SourceError
        As `read_table`.
    """
    if source.sql is not None:
        raw, files = _query(source, rows=rows)
    else:
        files = locate_files(source.path)[:1]
        raw = _read_files(files, _options(source, like=None, rows=rows))
    return _table(raw, [str(file) for file in files], {}, None)


def _query(source: DataSource, *, rows: int | None) -> tuple[RawTable, list[Path]]:
    from ml_engineer.sources.queries import read_query  # imports DuckDB

    return read_query(source, _read_clean, rows=rows)


def _options(source: DataSource, *, like: ReadReport | None, rows: int | None) -> ReadOptions:
    return ReadOptions(source.table, source.query_path, source.column_names, rows, like, QueryLimits.of(source))


def _read_clean(path: Path) -> pd.DataFrame:
    """One file as SQL sees it: columns settled, as everywhere else."""
    return read_table(DataSource(path=str(path))).frame


def _read_files(files: list[Path], options: ReadOptions) -> RawTable:
    tables = [_read_file(file, options) for file in files]
    raw = stack(tables, [str(file) for file in files])
    if not raw.rows:
        raise SourceError(f"{files[0]} holds no rows", remedy="Name a file that holds data")
    return raw


def _read_file(file: Path, options: ReadOptions) -> RawTable:
    content = open_content(file)
    try:
        return _reader(recognise_format(content))(content, options)
    except UNPACKING_ERRORS as error:
        raise SourceError(
            f"{shown(str(file), 200)} is a damaged {content.compression or 'packed'} file",
            found=str(error),
            remedy="Fetch or pack it again",
        ) from error


def _table(raw: RawTable, files: list[str], hashes: dict[str, str], like: ReadReport | None) -> Table:
    rows, facts = raw.rows, raw.facts
    columns, notes, names = list(raw.columns), dict(raw.notes), raw.names
    warnings, file_rows = list(raw.warnings), raw.file_rows
    del raw  # the columns are let go of one by one
    settled = settle_columns(names, columns, facts, notes, like)
    warnings += column_warnings(settled, rows=rows, first_reading=like is None)
    readings = tuple(column.reading for column in settled)
    decimal = None
    if facts.format == "csv":
        decimal = "," if any("decimal comma" in (reading.number_format or "") for reading in readings) else "."
    report = ReadReport(
        format=facts.format,
        encoding=facts.encoding,
        delimiter=facts.delimiter,
        quote=facts.quote,
        decimal=decimal,
        line_ending=facts.line_ending,
        header=facts.header,
        compression=facts.compression,
        files=tuple(files),
        file_rows=file_rows,
        rows=rows,
        columns=readings,
        warnings=tuple(dict.fromkeys(warnings)),
    )
    return Table(to_frame(settled, rows), report, hashes)
