"""A table as hashed cells, with what its columns can prove when tables are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ml_engineer.hashing import combine_cells, hash_cells
from ml_engineer.seal.time_order import time_values
from ml_engineer.vocabulary.split import DealColumn

__all__ = ["SKETCH_CELLS", "CellTable", "describe_cells"]

SKETCH_CELLS = 256
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
    """

    columns: tuple[DealColumn, ...]
    cells: list[np.ndarray]
    rows: int

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
        return [values[:SKETCH_CELLS] for values, _ in self.values]


def describe_cells(frame: pd.DataFrame, *, columns: int) -> tuple[CellTable, np.ndarray]:
    """Hash a table, each cell once.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table, n rows.
    columns : int
        How many columns to keep at most, those that tell rows apart best; no more than twice as many are held in
        memory.

    Returns
    -------
    tuple of CellTable and numpy.ndarray
        The cells of the columns kept, and the hash of each row over all columns, (n,) uint64.
    """
    kept: list[_Candidate] = []
    rows = np.zeros(len(frame), dtype="uint64")
    for name, column in frame.items():
        cells = hash_cells(column)
        rows += combine_cells([(str(name), cells)], rows=len(frame))
        kept.append(_Candidate.of(str(name), (cells >> np.uint64(32)).astype("uint32")))
        if len(kept) >= 2 * columns:
            kept = _Candidate.most_telling(kept, columns)
    described = [
        (candidate.describe(frame[candidate.name]), candidate.cells)
        for candidate in _Candidate.most_telling(kept, columns)
    ]
    table = CellTable(tuple(column for column, _ in described), [cells for _, cells in described], rows=len(frame))
    return table, rows


@dataclass(frozen=True)
class _Candidate:
    """A column that may be kept: its name, cells (n,) uint32, how often each value is met, and their entropy."""

    name: str
    cells: np.ndarray
    counts: np.ndarray
    bits: float

    @classmethod
    def of(cls, name: str, cells: np.ndarray) -> _Candidate:
        counts = np.unique(cells, return_counts=True)[1]
        shares = counts / max(len(cells), 1)
        return cls(name, cells, counts, bits=max(0.0, float(-(shares * np.log2(shares)).sum())))

    @staticmethod
    def most_telling(candidates: list[_Candidate], columns: int) -> list[_Candidate]:
        return sorted(candidates, key=lambda candidate: (-round(candidate.bits, 6), candidate.name))[:columns]

    def describe(self, column: pd.Series) -> DealColumn:
        counter = _only_counts(column, self.counts)
        return DealColumn(name=self.name, distinct_values=len(self.counts), bits=self.bits, counter=counter)


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
