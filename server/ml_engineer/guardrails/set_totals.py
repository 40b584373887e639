"""What the outcomes of rows that share a value add up to, held against what chance makes of strangers' outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.evidence import Evidence

__all__ = ["RowSets", "outcome_columns", "repeated_values", "spread_of_totals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_FEWEST_SETS: Final = 20
"""Sets of two rows at least, with fewer of which nothing is too regular to be chance."""
_FEWEST_ROWS_PER_VALUE: Final = 1.2
_MOST_ROWS: Final = 50_000
"""Rows looked at; of more, whole sets are left out."""
_GLANCE_PAIRS: Final = 200
_MOST_CLASSES: Final = 20


@dataclass(frozen=True)
class RowSets:
    """Rows that share a value of one column.

    Parameters
    ----------
    rows : numpy.ndarray of shape (m,)
        Positions of the rows that are looked at.
    codes : numpy.ndarray of shape (m,)
        Set of each of them, counted from 0.
    """

    rows: Ints
    codes: Ints

    @cached_property
    def sizes(self) -> Floats:
        """Rows of each set."""
        return np.bincount(self.codes).astype(np.float64)

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints]:
        """Positions of two rows each of a few hundred sets."""
        order = np.argsort(self.codes[: 20 * _GLANCE_PAIRS], kind="stable")
        codes = self.codes[order]
        same = np.flatnonzero(codes[1:] == codes[:-1])[:_GLANCE_PAIRS]
        return self.rows[order[same]], self.rows[order[same + 1]]

    def totals(self, values: Floats) -> Floats:
        """Sum of `values`, one a row looked at, over each set."""
        return np.bincount(self.codes, weights=values).astype(np.float64)

    def value_of_each(self, column: Floats) -> Floats | None:
        """The value that a column (of all rows) has in each set; None if it is not one and the same throughout."""
        first, second = self._pairs
        if not len(first) or not _equal(column[first], column[second]).all():
            return None
        values = column[self.rows]
        each = np.full(len(self.sizes), np.nan)
        each[self.codes] = values
        return each if _equal(each[self.codes], values).all() else None

    def spread_within(self, values: Floats) -> float:
        """Variance of `values` about the means of their sets."""
        left = len(values) - len(self.sizes)
        means = self.totals(values) / self.sizes
        return float(((values - means[self.codes]) ** 2).sum() / left) if left > 0 else 0.0


def _equal(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)), dtype=bool)


def repeated_values(evidence: Evidence) -> Iterator[tuple[str, RowSets]]:
    """Each column whose values put the rows into sets, with the sets of two rows and more."""
    for name in map(str, evidence.frame.columns):
        if name == evidence.problem.target:
            continue
        codes, values = pd.factorize(evidence.frame[name])
        if len(values) < _FEWEST_SETS or len(codes) < _FEWEST_ROWS_PER_VALUE * len(values):
            continue
        sizes = np.bincount(codes[codes >= 0], minlength=len(values))
        step = max(1, int(np.ceil(len(codes) / _MOST_ROWS)))
        kept = (sizes >= 2) & (np.arange(len(values)) % step == 0)
        if kept.sum() < _FEWEST_SETS:
            continue
        rows = np.flatnonzero((codes >= 0) & kept[codes])
        yield name, RowSets(rows, np.unique(codes[rows], return_inverse=True)[1].astype(np.intp))


def outcome_columns(evidence: Evidence) -> list[Floats]:
    """The number itself, or one 0/1 column per class and, of several, the numbers of the classes."""
    target = evidence.target
    if not target.classes:
        return [evidence.frame[evidence.problem.target].to_numpy(dtype=np.float64)]
    single = [(target.values == label).astype(np.float64) for label in target.judged]
    return [*single, target.values.astype(np.float64)] if 2 < target.classes <= _MOST_CLASSES else single


def spread_of_totals(sets: RowSets, values: Floats, *known: Floats) -> float:
    """Variance of the sets' totals of `values` about what their sizes and something known of each say, per row.

    For rows that have nothing to do with each other's outcomes this is the variance of one outcome, or more. A weighted
    least-squares line is fitted through the origin.

    Parameters
    ----------
    sets : RowSets
        k sets.
    values : numpy.ndarray of shape (m,)
        Outcome of each row of the sets.
    *known : numpy.ndarray of shape (k,)
        Numbers known of each set, besides its size.
    """
    weight = 1 / np.sqrt(sets.sizes)
    matrix = np.column_stack([sets.sizes, *known]) * weight[:, None]
    # Columns of one size, so that a total of millions does not drown the counts.
    matrix /= np.maximum(np.abs(matrix).max(axis=0), np.finfo(float).tiny)
    wanted = sets.totals(values) * weight
    left = wanted - matrix @ np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    return float((left**2).sum() / max(len(wanted) - matrix.shape[1], 1))
