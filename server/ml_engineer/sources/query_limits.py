"""How long a query may run and how much memory it may take: a person's SQL, or a view, may never end."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil
import pyarrow as pa

from ml_engineer.errors import SourceError
from ml_engineer.vocabulary.data import DataSource

if TYPE_CHECKING:
    import duckdb

__all__ = ["QueryLimits"]

_DEFAULT_SECONDS: Final = 120.0
_GIGABYTE: Final = 1e9
_SMALLEST_DEFAULT: Final = 0.25
_SHARE_OF_FREE: Final = 0.5  # the result is held a second time while its columns are settled
_STEPS_BETWEEN_GLANCES: Final = 100_000


@dataclass(frozen=True)
class QueryLimits:
    """What one query may take.

    Parameters
    ----------
    seconds : float
        Wall time.
    memory_gb : float
        Memory in gigabytes, for the computation and again for its result.
    """

    seconds: float
    memory_gb: float

    @classmethod
    def of(cls, source: DataSource) -> QueryLimits:
        """What the person set, else two minutes, and half of the memory that is free now."""
        free = psutil.virtual_memory().available / _GIGABYTE
        memory = source.sql_memory_gb or max(_SMALLEST_DEFAULT, _SHARE_OF_FREE * free)
        return cls(source.sql_seconds or _DEFAULT_SECONDS, memory)

    def set_on(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bind DuckDB to the memory; nothing is put on disk instead, where it could fill that."""
        connection.execute("SET temp_directory = ''")
        connection.execute(f"SET memory_limit = '{max(1, round(self.memory_gb * 1000))}MB'")

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
        """Stop what runs on `connection` when its time is over.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Runs the query inside the block.
        what : str
            The query as errors call it.

        Raises
        ------
        SourceError
            If a limit was reached; names it and how to raise it.
        """
        import duckdb  # limits are made for every table, and few are read by queries

        timer = threading.Timer(self.seconds, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        # Arrow gives DuckDB's errors as its own when they come while rows are fetched.
        except (duckdb.InterruptException, duckdb.OutOfMemoryException, OSError) as error:
            text = str(error)
            if "INTERRUPT Error" in text:
                raise self.out_of_time(what) from error
            if "Out of Memory Error" in text:
                raise self.out_of_memory(what) from error
            raise
        finally:
            timer.cancel()

    def fetch(self, relation: duckdb.DuckDBPyRelation, what: str) -> pa.Table:
        """The result, fetched in pieces so that an endless one is stopped."""
        reader = pa.RecordBatchReader.from_stream(relation)
        return pa.Table.from_batches(self.within_memory(reader, what), schema=reader.schema)

    def within_memory(self, batches: Iterable[pa.RecordBatch], what: str) -> Iterator[pa.RecordBatch]:
        """The same batches, as long as they fit together."""
        held = 0
        for batch in batches:
            held += batch.nbytes
            if held > self.memory_gb * _GIGABYTE:
                raise self.out_of_memory(what)
            yield batch

    @contextmanager
    def watching_sqlite(self, connection: sqlite3.Connection, what: str) -> Iterator[None]:
        """As `watching`, for SQLite, which asks between its steps whether to go on."""
        end = time.monotonic() + self.seconds
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_GLANCES)
        try:
            yield
        except sqlite3.OperationalError as error:
            if time.monotonic() > end and "interrupted" in str(error):
                raise self.out_of_time(what) from error
            raise

    def out_of_time(self, what: str) -> SourceError:
        """The error of a query that ran too long."""
        return SourceError(
            f"{what} did not end within {self.seconds:g} seconds",
            remedy="Look for a recursion without end or a join without condition; if it just takes long, "
            f"pass sql_seconds, e.g. {10 * self.seconds:g}",
        )

    def out_of_memory(self, what: str) -> SourceError:
        """The error of a query that took too much memory."""
        return SourceError(
            f"{what} needs more than the {self.memory_gb:.3g} GB of memory that it may use",
            remedy="Look for a join without condition, select fewer columns or rows, or aggregate; if this machine has "
            "more to give, pass sql_memory_gb",
        )
