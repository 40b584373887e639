"""A table as hashed cells, with what its columns can prove when tables are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ml_engineer.hashing import hash_cells, salt_cells
from ml_engineer.seal.time_order import time_values
from ml_engineer.threads import in_threads
from ml_engineer.vocabulary.split import DealColumn

__all__ = ["SKETCH_CELLS", "CellTable", "HashedFrame", "hash_frame"]

SKETCH_CELLS = 256
_COMPARED_COLUMNS = 256
_MOST_BITS = 8.0


@dataclass(frozen=True)
class CellTable:
    """Hashed cells.

    Parameters
    ----------
    columns : tuple of DealColumn
        The q columns.
    cells : list of numpy.ndarray
        One (rows,) uint32 a column: the upper half of the cell's hash.
    rows : int
        Number of rows.
    sketches : list of numpy.ndarray, optional
        What `sketch` gives, if it is known already.
    """

    columns: tuple[DealColumn, ...]
    cells: list[np.ndarray]
    rows: int
    sketches: list[np.ndarray] | None = None

    @cached_property
    def values(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Distinct cells of each column, sorted, and the share of rows of each."""
        counted = (np.unique(cells, return_counts=True) for cells in self.cells)
        return [(values, counts / max(self.rows, 1)) for values, counts in counted]

    @property
    def weights(self) -> np.ndarray:
        """What agreement in each column proves, (q,): its bits, eight at most, and none for columns that only count."""
        return np.array([0.0 if column.counter else min(column.bits, _MOST_BITS) for column in self.columns])

    def sketch(self) -> list[np.ndarray]:
        """The smallest distinct cells of each column; as hashes they are a sample that other tables sample alike."""
        return self.sketches or [values[:SKETCH_CELLS] for values, _ in self.values]

    def first(self, columns: int) -> CellTable:
        """The first `columns` columns; of a table from `hash_frame`, the most telling."""
        sketches = None if self.sketches is None else self.sketches[:columns]
        return CellTable(self.columns[:columns], self.cells[:columns], self.rows, sketches)


@dataclass(frozen=True)
class HashedFrame:
    """A table hashed, each cell once.

    Parameters
    ----------
    table : CellTable
        Cells of the columns that tell rows apart best, the most telling first.
    row_hashes : numpy.ndarray
        (n,) uint64, over all columns.
    """

    table: CellTable
    row_hashes: np.ndarray


def hash_frame(frame: pd.DataFrame) -> HashedFrame:
    """Hash a table of n rows.

    The cells of up to 256 columns are kept; no more than twice as many are in memory at a time.
    """
    kept: list[_Candidate] = []
    row_hashes = np.zeros(len(frame), dtype="uint64")
    columns = ((str(name), column) for name, column in frame.items())
    for name_cells, candidate in in_threads(lambda item: _hashed(*item), columns, rows=len(frame)):
        row_hashes += name_cells
        kept.append(candidate)
        if len(kept) >= 2 * _COMPARED_COLUMNS:
            kept = _most_telling(kept)
    kept = _most_telling(kept)
    table = CellTable(
        columns=tuple(candidate.column for candidate in kept),
        cells=[candidate.cells for candidate in kept],
        rows=len(frame),
        sketches=[candidate.sketch for candidate in kept],
    )
    return HashedFrame(table, row_hashes)


@dataclass(frozen=True)
class _Candidate:
    """A column that may be kept: what is told of it, its cells (n,) uint32, and the smallest of them, sorted."""

    column: DealColumn
    cells: np.ndarray
    sketch: np.ndarray


def _hashed(name: str, column: pd.Series) -> tuple[np.ndarray, _Candidate]:
    """What a column adds to the hash of each row, (n,) uint64, and the column as it may be kept."""
    hashes = hash_cells(column)
    cells = (hashes >> np.uint64(32)).astype("uint32")
    values, counts = np.unique(cells, return_counts=True)
    bits = _entropy(counts, rows=len(cells))
    described = DealColumn(
        name=name,
        distinct_values=len(values),
        bits=bits,
        counter=_only_counts(column, counts),
    )
    candidate = _Candidate(described, cells, values[:SKETCH_CELLS].copy())
    return salt_cells(name, hashes), candidate


def _entropy(counts: np.ndarray, *, rows: int) -> float:
    """Bits of a column whose values are met so often, (v,)."""
    shares = counts / max(rows, 1)
    logarithms = np.log2(shares)
    logarithms *= shares
    return max(0.0, float(-logarithms.sum()))


def _most_telling(candidates: list[_Candidate]) -> list[_Candidate]:
    def order(candidate: _Candidate) -> tuple[float, str]:
        return -round(candidate.column.bits, 6), candidate.column.name

    return sorted(candidates, key=order)[:_COMPARED_COLUMNS]


def _only_counts(column: pd.Series, counts: np.ndarray) -> bool:
    """Whether values follow one another in even steps and are met equally often: row numbers, a calendar.

    Unrelated tables share such values, so that they are no evidence of a table being another one's copy.
    """
    if len(counts) <= 50 or counts.std() > 0.1 * counts.mean():
        return False
    moments = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if not moments and (not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
        return False
    numbers = time_values(column)
    numbers = numbers[np.isfinite(numbers)]
    # Months and quarters are even steps too, though not of equally many days.
    tolerance = 0.15 if moments else 1e-9
    # Most columns show on their smallest values that they do not count.
    some = min(1_000, len(numbers) - 1)
    return len(numbers) > 1 and all(
        _even_steps(np.unique(part), tolerance=tolerance) for part in (np.partition(numbers, some)[:some], numbers)
    )


def _even_steps(values: np.ndarray, *, tolerance: float) -> bool:
    steps = np.diff(values)
    middle = np.median(steps) if len(steps) else 0.0
    return len(steps) > 0 and bool(np.mean(np.abs(steps - middle) <= tolerance * middle) >= 0.9)
