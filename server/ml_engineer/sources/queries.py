"""One read-only SELECT over the data that the person named, in a DuckDB that can reach nothing else.

The files are read by us and handed to DuckDB as tables with the files' names; DuckDB itself is forbidden to touch
the file system, to load extensions and to change its settings before it sees the statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from ml_engineer.errors import SourceError
from ml_engineer.sources.databases import quoted_identifier, sqlite_arrow, sqlite_tables
from ml_engineer.sources.formats import recognise_format
from ml_engineer.sources.location import locate_files
from ml_engineer.sources.packing import open_content
from ml_engineer.sources.query_limits import QueryLimits
from ml_engineer.sources.quoting import listed, shown
from ml_engineer.sources.raw import FileFacts, RawTable
from ml_engineer.vocabulary.data import DataSource

__all__ = ["read_query"]

_NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def read_query(
    source: DataSource, read_clean: Callable[[Path], pd.DataFrame], *, rows: int | None = None
) -> tuple[RawTable, list[Path]]:
    """Run ``source.sql``.

    Parameters
    ----------
    source : DataSource
        The statement, and the file, folder, pattern or database file that it may read.
    read_clean : callable
        Reads one file into a frame.
    rows : int or None
        Rows after which to stop.

    Returns
    -------
    tuple
        The result, and the files that the statement names.

    Raises
    ------
    SourceError
        If it is not one SELECT, fails, or asks for anything but the data.
    """
    statement = _single_select(source.sql or "")
    files = locate_files(source.path) if source.path else []
    limits = QueryLimits.of(source)
    with duckdb.connect(":memory:", config=_NO_EXTENSIONS) as connection:
        # Without this, a name in the statement could pick up a variable of the running program.
        connection.execute("SET python_enable_replacements = false")
        limits.set_on(connection)
        provided = _Provided(connection, statement, limits, read_clean)
        used = [file for file in files if _provide(provided, file, alone=len(files) == 1)]
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        table = _run(connection, statement, files, limits, rows=rows)
    if not table.num_rows:
        raise SourceError("The SQL gives no rows", found=shown(statement, 120), remedy="Loosen its conditions")
    raw = RawTable(tuple(table.column_names), tuple(table.columns), FileFacts("sql"))
    return raw, used


def _single_select(sql: str) -> str:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _refused(sql, error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise SourceError(
            "sql must be exactly one SELECT",
            found=f"{kinds} in {shown(sql, 120)}",
            remedy="Pass one statement that only reads",
        )
    return str(statements[0].query)


@dataclass(frozen=True)
class _Provided:
    """A connection that is being told of the data, and what for."""

    connection: duckdb.DuckDBPyConnection
    statement: str
    limits: QueryLimits
    read_clean: Callable[[Path], pd.DataFrame]


def _provide(to: _Provided, file: Path, *, alone: bool) -> bool:
    """Make `file` known to the connection if the statement may mean it; tells whether it did."""
    connection, statement = to.connection, to.statement
    content = open_content(file)
    kind = recognise_format(content)
    if kind == "sqlite":
        with content.on_disk() as path:
            for name in sqlite_tables(path):
                if quoted_identifier(name)[1:-1].casefold() in statement.casefold():
                    connection.register(name, sqlite_arrow(path, name, limits=to.limits))
        return True
    if kind == "duckdb":
        if content.compression is not None:
            raise SourceError(f"{shown(str(file), 200)} is packed", remedy="Unpack the database file first")
        _attach(connection, file)
        return True
    names = {str(file), file.name, file.stem}
    if not any(name.casefold() in statement.casefold() for name in names):
        return False
    if kind == "parquet" and content.compression is None:
        data: object = pads.dataset(file)  # read as far as the statement needs it
    else:
        data = pa.Table.from_pandas(to.read_clean(file), preserve_index=False)
    for name in names if alone else names - {file.stem}:
        connection.register(name, data)
    return True


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    literal = "'" + str(file).replace("'", "''") + "'"
    try:
        connection.execute(f"ATTACH {literal} AS the_data (READ_ONLY)")
        connection.execute("USE the_data")
    except duckdb.Error as error:
        raise SourceError(
            f"Cannot read {shown(str(file), 200)} as a DuckDB file",
            found=shown(str(error).split("\n", 1)[0], 200),
            remedy="Close other programs that hold it open, or check that it is whole",
        ) from error


def _run(
    connection: duckdb.DuckDBPyConnection, statement: str, files: list[Path], limits: QueryLimits, *, rows: int | None
) -> pa.Table:
    what = f"The SQL {shown(statement, 120)}"
    try:
        with limits.watching(connection, what):
            relation = connection.sql(statement)
            if relation is not None:
                return limits.fetch(relation if rows is None else relation.limit(rows), what)
            raise SourceError("The SQL gives no table", found=shown(statement, 120), remedy="Pass a SELECT")
    except duckdb.PermissionException as error:
        named = listed([file.name for file in files]) if files else "none: pass data with the file or folder to read"
        raise SourceError(
            "The SQL asks for something that is locked",
            found=shown(str(error).split("\n", 1)[0], 200),
            remedy=f"It can read only the data that was named, as FROM 'file name' ({named})",
        ) from error
    except duckdb.Error as error:
        raise _refused(statement, error) from error


def _refused(sql: str, error: duckdb.Error) -> SourceError:
    return SourceError(
        "The SQL does not run",
        found=f"{shown(str(error).split(chr(10), 1)[0], 200)} in {shown(sql, 120)}",
        remedy="Mend the statement; the data is named in it as 'file name', or by the names of a database's tables",
    )
