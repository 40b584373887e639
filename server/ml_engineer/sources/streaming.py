"""A table larger than the memory, a part at a time: the rows of its sample and all the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml_engineer.errors import SourceError
from ml_engineer.sources.columns import settle_columns, to_frame
from ml_engineer.sources.location import locate_files
from ml_engineer.sources.names import unique_names
from ml_engineer.sources.parquet import drawn_batches
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts
from ml_engineer.vocabulary.data import DataSource, ReadReport

__all__ = ["TablePart", "count_rows", "stream_table"]

_CELLS_AT_A_TIME = 2_000_000
_FEWEST_ROWS, _MOST_ROWS = 1_000, 65_536


@dataclass(frozen=True)
class TablePart:
    """Some rows of a table, as they follow one another in it.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows, read as the sample was read.
    sampled : numpy.ndarray of shape (n,), bool
        Which of them are in the sample.
    """

    frame: pd.DataFrame
    sampled: npt.NDArray[np.bool_]


def count_rows(source: DataSource) -> int:
    """Rows of the whole table, by what its Parquet files say of themselves.

    Raises
    ------
    SourceError
        If a file is not there or is no Parquet file.
    """
    rows = 0
    for file in locate_files(source.path):
        try:
            rows += int(pq.read_metadata(file).num_rows)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(file, error) from error
    return rows


def stream_table(source: DataSource, *, like: ReadReport) -> Iterator[TablePart]:
    """All rows of a table of which a sample was read, in their order, never many in memory.

    Parameters
    ----------
    source : DataSource
        Parquet files with the share that the sample is of them.
    like : ReadReport
        How the sample was read; the same cell gives the same value again.

    Raises
    ------
    SourceError
        If a file cannot be read, or has other columns than the sample.
    """
    fraction = source.sample_fraction or 1.0
    names = [column.name for column in like.columns]
    rows = int(np.clip(_CELLS_AT_A_TIME // max(len(names), 1), _FEWEST_ROWS, _MOST_ROWS))
    for path in locate_files(source.path):
        try:
            with pq.ParquetFile(path) as file:
                for batch, drawn in drawn_batches(file, fraction, rows_at_a_time=rows):
                    yield TablePart(_settled(batch, like, names, path), drawn)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error


def _settled(batch: pa.RecordBatch, like: ReadReport, names: list[str], path: Path) -> pd.DataFrame:
    columns = [pa.chunked_array([column]) for column in batch.columns]
    if sorted(unique_names(batch.schema.names)) != sorted(names):
        raise SourceError(
            f"{shown(str(path), 200)} has other columns than the rows that were framed",
            found=f"{len(columns)} columns against {len(names)}",
            remedy="Call frame_problem with the data as it is now",
        )
    settled = settle_columns(batch.schema.names, columns, FileFacts("parquet"), {}, like)
    return to_frame(settled, len(batch))[names]


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{shown(str(path), 200)} cannot be read as a Parquet file",
        found=shown(str(error), 200),
        remedy="Put the file back as it was when the problem was framed, or call frame_problem again",
    )
