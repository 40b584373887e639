"""A table as hashed cells, with what its columns can prove when tables are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ml_engineer.seal.cells import combine_cells, hash_cells
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
    kept: list[tuple[DealColumn, np.ndarray]] = []
    rows = np.zeros(len(frame), dtype="uint64")
    for name in frame.columns:
        cells = hash_cells(frame[name])
        rows += combine_cells([(name, cells)], rows=len(frame))
        kept.append(_describe_column(frame[name], (cells >> np.uint64(32)).astype("uint32")))
        if len(kept) >= 2 * columns:
            kept = _most_telling(kept, columns)
    kept = _most_telling(kept, columns)
    table = CellTable(columns=tuple(column for column, _ in kept), cells=[cells for _, cells in kept], rows=len(frame))
    return table, rows


def _most_telling(kept: list[tuple[DealColumn, np.ndarray]], columns: int) -> list[tuple[DealColumn, np.ndarray]]:
    return sorted(kept, key=lambda pair: (pair[0].counter, -round(pair[0].bits, 6), pair[0].name))[:columns]


def _describe_column(column: pd.Series, cells: np.ndarray) -> tuple[DealColumn, np.ndarray]:
    counts = np.unique(cells, return_counts=True)[1]
    shares = counts / max(len(cells), 1)
    described = DealColumn(
        name=str(column.name),
        distinct_values=len(counts),
        bits=max(0.0, float(-(shares * np.log2(shares)).sum())),
        counter=_only_counts(column, counts),
    )
    return described, cells


def _only_counts(column: pd.Series, counts: np.ndarray) -> bool:
    """Whether values follow one another in even steps and are met equally often: row numbers, a calendar.

    Unrelated tables share such values, so that they are no evidence of a table being another one's copy.
    """
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    moments = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if len(counts) <= 50 or not (numeric or moments) or counts.std() > 0.1 * counts.mean():
        return False
    present = column.dropna()
    numbers = (present.astype("int64") if moments else present.astype("float64")).to_numpy()
    # Months and quarters are even steps too, though not of equally many days.
    tolerance = 0.15 if moments else 1e-9
    # Most columns show on their smallest values that they do not count.
    some = min(1_000, len(numbers) - 1)
    return all(
        _even_steps(np.unique(part), tolerance=tolerance) for part in (np.partition(numbers, some)[:some], numbers)
    )


def _even_steps(values: np.ndarray, *, tolerance: float) -> bool:
    steps = np.diff(values)
    return len(steps) > 0 and bool(np.mean(np.isclose(steps, np.median(steps), rtol=tolerance)) >= 0.9)
