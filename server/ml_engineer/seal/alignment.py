"""Which column of one table is which of another, by the values they hold."""

from __future__ import annotations

import numpy as np

from ml_engineer.seal.cell_tables import CellTable

__all__ = ["align_columns", "may_share_rows"]

_SAMPLE = 1_000
_FEW_VALUES = 1_000
_ALIKE = 0.3
_SAME_NAME = 0.05


def align_columns(earlier: CellTable, table: CellTable) -> list[tuple[int, int]]:
    """Pairs of places of columns that hold the same values, one to one.

    Columns of one name whose values nearly all agree are taken first; the others are paired so that the sum of
    their similarities is largest. Columns less similar than 0.3 stay alone.
    """
    names = {column.name: place for place, column in enumerate(table.columns)}
    pairs: list[tuple[int, int]] = []
    for first, column in enumerate(earlier.columns):
        second = names.get(column.name)
        if second is not None and _similarity(earlier, first, table, second) >= 0.8:
            pairs.append((first, second))
    left = sorted(set(range(len(earlier.columns))) - {first for first, _ in pairs})
    right = sorted(set(range(len(table.columns))) - {second for _, second in pairs})
    if not left or not right:
        return sorted(pairs)
    # Imported here: it costs more than sealing a table that was never seen, which needs none of it.
    from scipy.optimize import linear_sum_assignment

    scores = np.array([[_similarity(earlier, i, table, j) for j in right] for i in left]).reshape(len(left), len(right))
    same_name = np.array([[earlier.columns[i].name == table.columns[j].name for j in right] for i in left])
    rows, places = linear_sum_assignment(scores + _SAME_NAME * same_name.reshape(scores.shape), maximize=True)
    chosen = zip(rows.tolist(), places.tolist(), strict=True)
    return sorted([*pairs, *((left[i], right[j]) for i, j in chosen if scores[i, j] >= _ALIKE)])


def _similarity(earlier: CellTable, first: int, table: CellTable, second: int) -> float:
    """Share of the shorter table's values (a sample of them) that the longer one holds, 0 to 1.

    Where values are few, it is also judged how alike their shares of the rows are: yes-and-no columns all hold
    the same two values.
    """
    values, shares = earlier.values[first]
    other, other_shares = table.values[second]
    if earlier.rows > table.rows:
        values, shares, other, other_shares = other, other_shares, values, shares
    # Cells are hashes, so the smallest are a random sample.
    sample = values[:_SAMPLE]
    places = np.minimum(np.searchsorted(other, sample), len(other) - 1)
    there = other[places] == sample
    if len(values) > _FEW_VALUES or len(other) > _FEW_VALUES:
        return float(there.mean())
    return float(there.mean()) / 2 + float(np.minimum(shares[: len(sample)], other_shares[places])[there].sum()) / 2


def may_share_rows(sketch: list[np.ndarray], weights: np.ndarray, rows: int, table: CellTable) -> bool:
    """Whether a dealt table of which only a sketch is at hand may have rows in common with `table`.

    Parameters
    ----------
    sketch : list of numpy.ndarray
        The smallest distinct cells of each column, sorted (k,) uint32.
    weights : numpy.ndarray
        Evidence of each of those columns, bits.
    rows : int
        Rows of the dealt table.
    table : CellTable
        The table at hand.
    """
    if table.rows * 16 < rows:
        # So small a part of a table may miss all cells of a sketch.
        return True
    found = sum(
        weight
        for cells, weight in zip(sketch, weights, strict=True)
        if any(_overlaps(cells, values) for values, _ in table.values)
    )
    return bool(found >= 0.8 * min(weights.sum(), table.weights.sum()) / 2)


def _overlaps(cells: np.ndarray, values: np.ndarray) -> bool:
    """Whether a quarter of the shorter of two equally made samples is in the other."""
    if not len(cells) or not len(values):
        return False
    other = values[: np.searchsorted(values, cells[-1], side="right")]
    if len(other) < 8 < len(cells):
        return True
    if not len(other):
        return False
    shared = int(np.sum(other[np.minimum(np.searchsorted(other, cells), len(other) - 1)] == cells))
    return shared >= 0.25 * min(len(cells), len(other))
