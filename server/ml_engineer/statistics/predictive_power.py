"""How well one column alone predicts the target, on rows that it was not learned from.

Power is the area under the ROC curve for classes (macro average over one class against the rest) and
the explained share of variance of the target's *ranks* for numbers, always on rows that were not
used to learn. Ranks keep a heavy tail from deciding and see a monotone copy as a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.vocabulary.problem import TaskType

__all__ = ["Target", "area", "as_numbers", "best_power", "bin_codes", "codings", "column_power", "power_alone"]

_BINS: Final = 64
_MOST_EXACT_VALUES: Final = 200
_PRIOR_ROWS: Final = 2.0
_MOST_CLASSES: Final = 20

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The target as the probes take it.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Class codes, or ranks between 0 and 1.
    classes : int
        Number of classes; 0 for numbers.
    """

    values: npt.NDArray[Any]
    classes: int

    @classmethod
    def of(cls, column: pd.Series, *, task: TaskType) -> Target:
        """Codes of the classes in sorted order, or ranks of the numbers."""
        if task == "regression":
            return cls(values=((column.rank() - 0.5) / len(column)).to_numpy(dtype=float), classes=0)
        codes, classes = pd.factorize(column, sort=True)
        return cls(values=codes.astype(np.intp), classes=len(classes))

    @property
    def chance(self) -> float:
        """Power of knowing nothing."""
        return 0.5 if self.classes else 0.0

    @property
    def judged(self) -> tuple[int, ...]:
        """Classes whose areas are averaged: the second of two, else the (at most 20) commonest."""
        if self.classes <= 2:
            return (1,)
        counts = np.bincount(self.values, minlength=self.classes)
        return tuple(int(label) for label in np.argsort(-counts, kind="stable")[:_MOST_CLASSES])

    @property
    def measure(self) -> str:
        """What power is called in findings."""
        return "ROC AUC" if self.classes else "share of rank variance explained"

    def take(self, positions: Ints) -> Target:
        """The target of some rows."""
        return Target(values=self.values[positions], classes=self.classes)


def bin_codes(column: pd.Series) -> tuple[Ints, int]:
    """Codes of a column's values and how many there are; missing cells are a value of their own.

    Text, booleans and columns with few different numbers keep their values; other numbers and time stamps
    are cut at quantiles, at most 64 and with no fewer than ten rows between two of them.

    Returns
    -------
    codes : numpy.ndarray of shape (n,)
        From 0.
    count : int
        Number of codes.
    """
    codes, values = pd.factorize(column)
    few = min(_MOST_EXACT_VALUES, len(column) // 5)
    if len(values) > few and not isinstance(column.dtype, pd.StringDtype):
        return _quantile_codes(column)
    return _with_missing(codes, len(values))


def codings(column: pd.Series) -> tuple[tuple[Ints, int], ...]:
    """Every way in which a column's values may tell the target: by what they are, and numbers by how large they are.

    A number of, say, a hundred and fifty values has few rows of each: taken one by one, even a rounded copy of the target
    would seem to know little of it.

    Returns
    -------
    tuple of (codes, count)
        As `bin_codes` gives them, and cut at quantiles where that is something else.
    """
    coded = bin_codes(column)
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object or coded[1] <= _BINS + 1:
        return (coded,)
    return coded, _quantile_codes(column)


def _quantile_codes(column: pd.Series) -> tuple[Ints, int]:
    numbers = as_numbers(column)
    known = ~np.isnan(numbers)
    if not known.any():
        return np.zeros(len(column), dtype=np.intp), 1
    bins = int(np.clip(known.sum() // 10, 2, _BINS))
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1]))
    return _with_missing(np.where(known, np.searchsorted(edges, numbers, side="right"), -1), len(edges) + 1)


def _with_missing(codes: Ints, count: int) -> tuple[Ints, int]:
    missing = codes < 0
    if missing.any():
        codes = np.where(missing, count, codes)
        count += 1
    return codes.astype(np.intp), count


def power_alone(codes: Ints, count: int, target: Target, folds: Ints) -> float:
    """Power of one coded column, out of fold: each row is scored by the mean of its value on the other folds.

    Parameters
    ----------
    codes : numpy.ndarray of shape (n,)
        From `bin_codes`.
    count : int
        Number of codes.
    target : Target
        Of the same rows.
    folds : numpy.ndarray of shape (n,)
        Fold of each row.
    """
    _, folds = np.unique(folds, return_inverse=True)
    cells = folds * count + codes
    shape = (int(folds.max()) + 1, count)
    rows = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(float)

    def sums(values: Floats) -> Floats:
        totals = np.bincount(cells, weights=values, minlength=shape[0] * shape[1])
        return totals.reshape(shape).astype(float)

    if not target.classes:
        values = target.values
        expected = _expected_elsewhere(sums(values), rows)
        residual = values - expected.reshape(-1)[cells]
        spread = ((values - values.mean()) ** 2).sum()
        return max(0.0, 1 - float((residual**2).sum() / spread)) if spread > 0 else 0.0
    hits = [sums((target.values == label).astype(float)) for label in target.judged]
    areas = [
        area(hit.reshape(-1), (rows - hit).reshape(-1), _expected_elsewhere(hit, rows).reshape(-1)) for hit in hits
    ]
    known = [value for value in areas if value is not None]
    return max(0.5, float(np.mean(known))) if known else 0.5


def column_power(column: pd.Series, target: Target, folds: Ints) -> float:
    """Power of one column by its place in sorted order, for text too; samples no rows."""
    return best_power(pd.Series(as_numbers(column)), target, folds)


def best_power(column: pd.Series, target: Target, folds: Ints) -> float:
    """Power of one column in the coding that tells most; samples no rows."""
    return max(power_alone(*coded, target, folds) for coded in codings(column))


def _expected_elsewhere(sums: Floats, rows: Floats) -> Floats:
    """Mean per fold (rows) and code (columns) over the *other* folds, shrunk towards their overall mean."""
    other_sums, other_rows = sums.sum(axis=0) - sums, rows.sum(axis=0) - rows
    overall = other_sums.sum(axis=1, keepdims=True) / np.maximum(other_rows.sum(axis=1, keepdims=True), 1)
    expected: Floats = (other_sums + _PRIOR_ROWS * overall) / (other_rows + _PRIOR_ROWS)
    return expected


def area(positives: Floats, negatives: Floats, scores: Floats) -> float | None:
    """ROC AUC from counts of positives and negatives per score; None if one kind is missing.

    Parameters
    ----------
    positives, negatives : numpy.ndarray of shape (k,)
        Rows of each kind.
    scores : numpy.ndarray of shape (k,)
        Their score; equal scores are ties, which count half.
    """
    total = positives.sum() * negatives.sum()
    if total == 0:
        return None
    _, ranks = np.unique(scores, return_inverse=True)
    hits, misses = np.bincount(ranks, weights=positives), np.bincount(ranks, weights=negatives)
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / total)


def as_numbers(column: pd.Series) -> Floats:
    """Numbers as they are, times as microseconds, text as codes in alphabetical order; missing and infinite is NaN."""
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        codes, _ = pd.factorize(column, sort=True)
        return np.where(codes < 0, np.nan, codes).astype(float)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return np.where(column.isna(), np.nan, column.to_numpy(dtype="datetime64[us]").astype(np.int64)).astype(float)
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isinf(numbers), np.nan, numbers)
