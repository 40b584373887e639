"""Parquet files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml_engineer.errors import SourceError
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["read_parquet"]

_ROWS_AT_A_TIME = 65_536


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
    rng = np.random.default_rng(0)
    batches = [
        batch.filter(pa.array(rng.random(len(batch)) < fraction))
        for batch in file.iter_batches(batch_size=_ROWS_AT_A_TIME)
    ]
    return pa.Table.from_batches(batches, schema=file.schema_arrow)


def _head(file: pq.ParquetFile, rows: int) -> pa.Table:
    batches = []
    left = rows
    for batch in file.iter_batches(batch_size=min(rows, _ROWS_AT_A_TIME)):
        batches.append(batch.slice(0, left))
        left -= len(batches[-1])
        if left <= 0:
            break
    return pa.Table.from_batches(batches, schema=file.schema_arrow)
