"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml_engineer.errors import SourceError
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["drawn_batches", "read_parquet"]

_ROWS_AT_A_TIME = 65_536
_SEED = 7_309_401_226_615
"""Not 0, nor another seed that people use: a column that was drawn with it would be the same for all sampled rows."""


def read_parquet(content: Content, options: ReadOptions) -> RawTable:
    """Read a Parquet file, the first `options.rows` rows of it, or a sample that never holds the whole in memory.

    Raises
    ------
    SourceError
        If the file is damaged or holds no columns.
    """
    with content.on_disk() as path:
        try:
            with pq.ParquetFile(path) as file:
                table = _read(file, options)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(
                f"{shown(str(content.path), 200)} is a damaged Parquet file",
                found=shown(str(error), 200),
                remedy="Write or fetch it again",
            ) from error
    if not table.num_columns:
        raise SourceError(f"{shown(str(content.path), 200)} holds no columns", remedy="Name a file that holds a table")
    facts = FileFacts("parquet", compression=content.compression)
    return RawTable(tuple(table.column_names), tuple(table.columns), facts)


def _read(file: pq.ParquetFile, options: ReadOptions) -> pa.Table:
    if options.rows is not None:
        return _head(file, options.rows)
    return file.read() if options.fraction >= 1 else _sample(file, options.fraction)


def _sample(file: pq.ParquetFile, fraction: float) -> pa.Table:
    """Rows drawn by chance, in their order; the same each time."""
    batches = [batch.filter(pa.array(drawn)) for batch, drawn in drawn_batches(file, fraction)]
    return pa.Table.from_batches(batches, schema=file.schema_arrow)


def drawn_batches(
    file: pq.ParquetFile, fraction: float, *, rows_at_a_time: int = _ROWS_AT_A_TIME
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.bool_]]]:
    """All rows of a file in batches, each with the rows that are in the sample, (n,) bool; the same however many at a time."""
    rng = np.random.default_rng(_SEED)
    for batch in file.iter_batches(batch_size=rows_at_a_time):
        yield batch, rng.random(len(batch)) < fraction


def _head(file: pq.ParquetFile, rows: int) -> pa.Table:
    batches = []
    left = rows
    for batch in file.iter_batches(batch_size=min(rows, _ROWS_AT_A_TIME)):
        batches.append(batch.slice(0, left))
        left -= len(batches[-1])
        if left <= 0:
            break
    return pa.Table.from_batches(batches, schema=file.schema_arrow)
