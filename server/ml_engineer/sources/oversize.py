"""Tables that are larger than the memory: how much of them can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from ml_engineer.errors import SourceError
from ml_engineer.sources.formats import recognise_format
from ml_engineer.sources.packing import Content, open_content
from ml_engineer.sources.quoting import shown

__all__ = ["Sampling", "fitting_sample"]

_SHARE_OF_FREE = 0.7
"""Of the memory that is free, what a table may take while it is read and dealt."""
_COPIES = 3.0
"""Reading, settling and dealing a table takes about so many times its columns (measured: 2.6)."""
_LOOKED_AT = 10_000
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Sampling:
    """What is read of a table that is too large.

    Parameters
    ----------
    fraction : float
        Of the rows, drawn by chance.
    told : str
        What a person should know of it, in one sentence.
    """

    fraction: float
    told: str


def fitting_sample(files: Sequence[Path]) -> Sampling | None:
    """How much of these files fits into memory; None if all of it does.

    Raises
    ------
    SourceError
        If they are too large, and not all are Parquet, of which alone a sample can be drawn without reading the rest.
    """
    free = psutil.virtual_memory().available
    limit = _SHARE_OF_FREE * free
    # What is on disk is packed by no more than a few times: most tables need no closer look.
    if sum(file.stat().st_size for file in files) < limit / 100:
        return None
    contents = [open_content(file) for file in files]
    parquet = all(recognise_format(one) == "parquet" and one.compression is None for one in contents)
    if not parquet:
        _refuse_text(contents, free=free)
        return None
    needed, rows = _COPIES * sum(map(_parquet_bytes, contents)), sum(map(_parquet_rows, contents))
    if needed <= limit:
        return None
    fraction = float(f"{limit / needed:.3g}")
    return Sampling(
        fraction,
        f"About {fraction:.1%} of the {rows:,} rows were read, drawn by chance, because the whole table would take about "
        f"{needed / _GIGABYTE:,.1f} GB of memory, and {limit / _GIGABYTE:,.1f} GB may be used",
    )


def _parquet_rows(content: Content) -> int:
    try:
        return int(pq.read_metadata(content.path).num_rows)
    except (pa.ArrowException, OSError):
        return 0  # damaged: who reads it says so


def _parquet_bytes(content: Content) -> float:
    """Bytes of all columns in memory, by the first rows."""
    try:
        with pq.ParquetFile(content.path) as file:
            first = next(file.iter_batches(batch_size=_LOOKED_AT), None)
            if first is None or not len(first):
                return 0.0
            return float(first.nbytes) / len(first) * int(file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        return 0.0


def _refuse_text(contents: Sequence[Content], *, free: int) -> None:
    """Refuse what would certainly not fit: text takes at least what it takes on disk."""
    size = sum(one.path.stat().st_size for one in contents)
    if size > free:
        raise SourceError(
            f"{shown(str(contents[0].path), 200)} is larger than the memory",
            found=f"{size / _GIGABYTE:,.1f} GB on disk, {free / _GIGABYTE:,.1f} GB of memory free",
            remedy="Write it as Parquet, of which a sample is read, e.g. with DuckDB: "
            "COPY (FROM 'FILE.csv') TO 'FILE.parquet'; or bring a sample of its rows",
        )
