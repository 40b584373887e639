"""Tables of database files: SQLite through Python, DuckDB through DuckDB, both opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa

from ml_engineer.errors import SourceError
from ml_engineer.sources.cells import text_columns
from ml_engineer.sources.packing import Content
from ml_engineer.sources.query_limits import QueryLimits
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["quoted_identifier", "read_duckdb_table", "read_sqlite_table", "sqlite_arrow", "sqlite_tables"]

_BATCH_ROWS = 50_000


def quoted_identifier(name: str) -> str:
    """`name` as an SQL identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def read_sqlite_table(content: Content, options: ReadOptions) -> RawTable:
    """Read one table or view of a SQLite file.

    Raises
    ------
    SourceError
        If there are several and none was named, the named one is not there, or the file is damaged.
    """
    with content.on_disk() as path:
        name = _chosen(sqlite_tables(path), options.table, content)
        table = sqlite_arrow(path, name, rows=options.rows, limits=options.limits)
    facts = FileFacts("sqlite", compression=content.compression)
    return RawTable(tuple(table.column_names), tuple(table.columns), facts)


def sqlite_tables(path: Path) -> list[str]:
    """Names of the tables and views of a SQLite file."""
    statement = (
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    with _sqlite(path) as connection:
        return [name for (name,) in connection.execute(statement)]


def sqlite_arrow(path: Path, name: str, *, rows: int | None = None, limits: QueryLimits | None = None) -> pa.Table:
    """A SQLite table or view; columns whose cells are of several types become text. `limits` bind views alone."""
    with _sqlite(path) as connection:
        if limits is None or not _is_sqlite_view(connection, name):
            return _sqlite_rows(connection, name, rows, lambda batches: batches)
        what = f"The view {shown(name)}"
        with limits.watching_sqlite(connection, what):
            return _sqlite_rows(connection, name, rows, lambda batches: limits.within_memory(batches, what))


def _is_sqlite_view(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'view' AND name = ?", (name,)).fetchone()
    return found is not None


def _sqlite_rows(
    connection: sqlite3.Connection,
    name: str,
    rows: int | None,
    checked: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
) -> pa.Table:
    limit = "" if rows is None else f" LIMIT {rows:d}"
    cursor = connection.execute(f"SELECT * FROM {quoted_identifier(name)}{limit}")  # noqa: S608 - quoted above
    names = [column[0] for column in cursor.description]
    pieces: list[list[pa.Array]] = [[] for _ in names]
    for batch in checked(_sqlite_batches(cursor, names)):
        for place, cells in enumerate(batch.columns):
            pieces[place].append(cells)
    return pa.Table.from_arrays([_column(arrays) for arrays in pieces], names=names)


def _sqlite_batches(cursor: sqlite3.Cursor, names: list[str]) -> Iterator[pa.RecordBatch]:
    while batch := cursor.fetchmany(_BATCH_ROWS):
        yield pa.RecordBatch.from_arrays([_array(cells) for cells in zip(*batch, strict=True)], names=names)


@contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
            yield connection
    except sqlite3.Error as error:
        raise _damaged(path, "SQLite", str(error)) from error


def _array(cells: Sequence[object]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return text_columns([(cell,) for cell in cells], 1)[0].combine_chunks()


def _column(arrays: list[pa.Array]) -> pa.ChunkedArray:
    kinds = {array.type for array in arrays if not pa.types.is_null(array.type)}
    if len(kinds) <= 1:
        kind = kinds.pop() if kinds else pa.null()
    else:
        kind = pa.float64() if kinds == {pa.int64(), pa.float64()} else pa.string()
    return pa.chunked_array([array.cast(kind, safe=False) for array in arrays], type=kind)


def read_duckdb_table(content: Content, options: ReadOptions) -> RawTable:
    """Read one table or view of a DuckDB file.

    Raises
    ------
    SourceError
        If there are several and none was named, the named one is not there, or the file is damaged or locked.
    """
    with content.on_disk() as path:
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                if options.limits is not None:
                    options.limits.set_on(connection)
                # A view of the file must not read other files.
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
                table = _duckdb_rows(connection, content, options)
        except duckdb.Error as error:
            raise _damaged(content.path, "DuckDB", str(error)) from error
    facts = FileFacts("duckdb", compression=content.compression)
    return RawTable(tuple(table.column_names), tuple(table.columns), facts)


def _duckdb_rows(connection: duckdb.DuckDBPyConnection, content: Content, options: ReadOptions) -> pa.Table:
    statement = "SELECT table_schema, table_name, table_type FROM information_schema.tables ORDER BY ALL"
    places = {
        _duckdb_name(schema, name): (schema, name, kind)
        for schema, name, kind in connection.execute(statement).fetchall()
    }
    schema, name, kind = places[_chosen(list(places), options.table, content)]
    relation = connection.table(f"{quoted_identifier(schema)}.{quoted_identifier(name)}")
    relation = relation if options.rows is None else relation.limit(options.rows)
    if options.limits is None or kind != "VIEW":
        return relation.to_arrow_table()
    what = f"The view {shown(name)}"
    with options.limits.watching(connection, what):
        return options.limits.fetch(relation, what)


def _duckdb_name(schema: str, name: str) -> str:
    return name if schema == "main" else f"{schema}.{name}"


def _chosen(tables: list[str], wanted: str | None, content: Content) -> str:
    file = shown(str(content.path), 200)
    if not tables:
        raise SourceError(f"{file} holds no tables", remedy="Name another file")
    if wanted is not None:
        for table in tables:
            if table.casefold() == wanted.casefold():
                return table
        raise SourceError(
            f"{file} has no table {shown(wanted)}",
            found=f"it has {listed(tables, 10)}",
            remedy="Pass table as one of these",
        )
    if len(tables) > 1:
        raise SourceError(
            f"{file} holds several tables",
            found=listed(tables, 10),
            remedy="Pass table with the name of one, or sql that joins them",
        )
    return tables[0]


def _damaged(path: Path, kind: str, error: str) -> SourceError:
    return SourceError(
        f"Cannot read {shown(str(path), 200)} as a {kind} file",
        found=shown(error.split("\n", 1)[0], 200),
        remedy="Close other programs that hold it open, or check that it is whole",
    )
