"""What every reader hands on: columns as they stand in the file, before anybody decided what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from ml_engineer.errors import SourceError
from ml_engineer.sources.query_limits import QueryLimits
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.vocabulary.data import FileFormat, ReadReport

__all__ = ["FileFacts", "RawTable", "ReadOptions", "stack"]


@dataclass(frozen=True)
class ReadOptions:
    """What the person asked for, and how far to read.

    Parameters
    ----------
    table : str or None
        Sheet or database table.
    query_path : str or None
        File with rows per query, for libsvm.
    column_names : tuple of str or None
        Names for a file without header.
    rows : int or None
        Rows after which reading may stop; all by default.
    like : ReadReport or None
        An earlier reading whose names and columns are expected again.
    limits : QueryLimits or None
        What a view of a database may take; a table needs none, for it ends.
    fraction : float
        Share of the rows to draw by chance, the same each time; Parquet only.
    """

    table: str | None = None
    query_path: str | None = None
    column_names: tuple[str, ...] | None = None
    rows: int | None = None
    like: ReadReport | None = None
    limits: QueryLimits | None = None
    fraction: float = 1.0


@dataclass(frozen=True)
class FileFacts:
    """What was worked out about one file; the fields of `ReadReport` with the same names."""

    format: FileFormat
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    line_ending: str | None = None
    header: bool | None = None
    compression: str | None = None


@dataclass(frozen=True)
class RawTable:
    """Columns as read.

    Parameters
    ----------
    names : tuple of str
        Names as they stand in the file: may be empty or repeated.
    columns : tuple of pyarrow.ChunkedArray
        One per name, all of the same length; text formats give text, with null for an empty cell.
    facts : FileFacts
        What was worked out about the file.
    warnings : tuple of str
        One sentence each.
    notes : mapping of int to tuple of str
        What was done to single columns, by their place.
    file_rows : tuple of int
        Rows of each file, in order; empty where a row belongs to no file.
    """

    names: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]
    facts: FileFacts
    warnings: tuple[str, ...] = ()
    notes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    file_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0


def stack(tables: Sequence[RawTable], files: Sequence[str]) -> RawTable:
    """The rows of several files with the same columns, in the order of the files.

    Raises
    ------
    SourceError
        If a file has other columns than the first; names the file and the columns.
    """
    first = tables[0]
    file_rows = tuple(table.rows for table in tables)
    if len(tables) == 1:
        return replace(first, file_rows=file_rows)
    pieces: list[list[pa.ChunkedArray]] = [[column] for column in first.columns]
    warnings = list(first.warnings)
    for table, file in zip(tables[1:], files[1:], strict=True):
        for place, column in zip(_places(first, files[0], table, file), pieces, strict=True):
            column.append(table.columns[place])
        if table.facts != first.facts:
            warnings.append(
                f"{shown(file, 80)} is written differently from the first file (e.g. delimiter or encoding)"
            )
        warnings.extend(table.warnings)
    columns = tuple(_joined(column) for column in pieces)
    return replace(first, columns=columns, warnings=tuple(dict.fromkeys(warnings)), file_rows=file_rows)


def _places(first: RawTable, first_file: str, table: RawTable, file: str) -> list[int]:
    """Place in `table` of each column of `first`."""
    if table.names == first.names:
        return list(range(len(first.names)))
    if sorted(table.names) == sorted(first.names) and len(set(first.names)) == len(first.names):
        return [table.names.index(name) for name in first.names]
    missing = [name for name in first.names if name not in table.names]
    extra = [name for name in table.names if name not in first.names]
    differences = [f"it lacks {listed(missing)}"] if missing else []
    differences += [f"it adds {listed(extra)}"] if extra else []
    raise SourceError(
        f"The files do not have the same columns: {shown(file, 120)} differs from {shown(first_file, 120)}",
        found=" and ".join(differences) or f"{len(table.names)} columns against {len(first.names)}",
        remedy="Name one file, or a glob pattern that matches only files with the same columns",
    )


def _joined(pieces: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    types = {piece.type for piece in pieces}
    if len(types) > 1:
        numeric = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in types)
        common = pa.float64() if numeric else pa.string()
        pieces = [piece.cast(common, safe=False) for piece in pieces]
    return pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks], type=pieces[0].type)
