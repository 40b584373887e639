"""libsvm text: a target, perhaps a query, and sparse features by number."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ml_engineer.errors import SourceError
from ml_engineer.sources.packing import Content
from ml_engineer.sources.quoting import shown
from ml_engineer.sources.raw import FileFacts, RawTable, ReadOptions

__all__ = ["read_libsvm"]

_MOST_CELLS = 500_000_000


def read_libsvm(content: Content, options: ReadOptions) -> RawTable:
    """Read ``target``, ``query`` (if there is one) and one column ``f<number>`` per feature; absent features are 0.

    Features keep the numbers of the file, so that files of one origin agree whatever features each holds.

    Raises
    ------
    SourceError
        If a line is no libsvm, the table would be too large, or the query file does not fit.
    """
    # scikit-learn takes most of a second to import, and few files are libsvm.
    from sklearn.datasets import load_svmlight_file

    with content.open() as stream:
        try:
            features, target, query = load_svmlight_file(_head(stream, options.rows), zero_based=True, query_id=True)
        except (ValueError, OverflowError) as error:
            raise SourceError(
                f"{shown(str(content.path), 200)} is not valid libsvm text",
                found=shown(str(error), 200),
                remedy="Each line must be '<target> <number>:<value> ...'",
            ) from error
    if features.shape[0] * features.shape[1] > _MOST_CELLS:
        raise SourceError(
            f"{shown(str(content.path), 200)} is too large as a table",
            found=f"{features.shape[0]:,} rows and {features.shape[1]:,} features",
            remedy="Keep fewer features or rows",
        )
    queries, warnings = _queries(content, options, query, len(target))
    names, columns = _feature_columns(features, options)
    whole = bool(np.all(target == np.round(target)))
    named: dict[str, Any] = {"target": target.astype(np.int64) if whole else target}
    if queries is not None:
        named["query"] = queries
    facts = FileFacts("libsvm", compression=content.compression)
    first = tuple(pa.chunked_array([pa.array(values)]) for values in named.values())
    return RawTable((*named, *names), (*first, *columns), facts, tuple(warnings))


def _head(stream: BinaryIO, rows: int | None) -> BinaryIO:
    return stream if rows is None else io.BytesIO(b"".join(islice(stream, rows)))


def _feature_columns(features: Any, options: ReadOptions) -> tuple[list[str], list[pa.ChunkedArray]]:
    """One dense column per feature of this file, and of the earlier one that it must agree with."""
    by_column = features.tocsc()
    used = set(np.flatnonzero(np.diff(by_column.indptr)).tolist())
    # Numbering starts at 0 or at 1; a first column that nobody uses is none.
    numbers = set(range(0 if 0 in used else 1, features.shape[1]))
    if options.like is not None:
        known = [column.name for column in options.like.columns]
        numbers |= {int(name[1:]) for name in known if name[:1] == "f" and name[1:].isdecimal()}
    names, columns = [], []
    for number in sorted(numbers):
        inside = number < features.shape[1]
        values = by_column[:, [number]].toarray().ravel() if inside else np.zeros(features.shape[0])
        names.append(f"f{number}")
        columns.append(pa.chunked_array([pa.array(values, pa.float64())]))
    return names, columns


def _queries(content: Content, options: ReadOptions, query: Any, rows: int) -> tuple[Any, list[str]]:
    """Query number of each row, from the query file or from ``qid:`` in the lines; none if there is neither."""
    path, warnings = _query_path(content, options)
    if path is None:
        return (query.astype(np.int64) if np.any(query) else None), warnings
    try:
        sizes = np.array([int(line) for line in path.read_text(encoding="utf-8").split()], dtype=np.int64)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"Cannot read the query file {shown(str(path), 200)}",
            found=shown(str(error), 200),
            remedy="It must hold the number of rows of each query, one per line",
        ) from error
    if options.rows is None and sizes.sum() != rows:
        raise SourceError(
            f"The query file {shown(str(path), 200)} does not fit {shown(str(content.path), 200)}",
            found=f"its queries have {sizes.sum():,} rows together, the data {rows:,}",
            remedy="Pass the query_path that belongs to this file",
        )
    return np.repeat(np.arange(len(sizes)), sizes)[:rows], warnings


def _query_path(content: Content, options: ReadOptions) -> tuple[Path | None, list[str]]:
    if options.query_path is not None:
        return Path(options.query_path), []
    beside = content.path.with_name(content.path.name + ".query")
    if beside.is_file():
        return beside, [f"Rows per query were taken from {shown(beside.name)}, which lies beside the file"]
    return None, []
