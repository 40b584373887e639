"""Parquet files."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from ml_engineer.errors import SourceError
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["read_parquet"]


def read_parquet(content: Content, options: ReadOptions) -> RawTable:
    """Read a Parquet file, or the first `options.rows` rows of it.

    Raises
    ------
    SourceError
        If the file is damaged or holds no columns.
    """
    with content.on_disk() as path:
        try:
            with pq.ParquetFile(path) as file:
                table = file.read() if options.rows is None else _head(file, options.rows)
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


def _head(file: pq.ParquetFile, rows: int) -> pa.Table:
    batches = []
    left = rows
    for batch in file.iter_batches(batch_size=min(rows, 65_536)):
        batches.append(batch.slice(0, left))
        left -= len(batches[-1])
        if left <= 0:
            break
    return pa.Table.from_batches(batches, schema=file.schema_arrow)
