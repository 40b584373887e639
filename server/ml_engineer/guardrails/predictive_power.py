"""How well columns predict the target, alone and together: the measure under the leakage, split and proxy checks.

Power is the area under the ROC curve for classes (macro average over one class against the rest) and
the explained share of variance of the target's *ranks* for numbers, always on rows that were not
used to learn. Ranks keep a heavy tail from deciding and see a monotone copy as a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.vocabulary.problem import TaskType

__all__ = ["SAMPLE_ROWS", "Probe", "Target", "bin_codes", "column_power", "power_alone"]

SAMPLE_ROWS: Final = 20_000
"""Probes look at no more rows than this: their errors are then far below any threshold in use."""
_BINS: Final = 64
_MOST_EXACT_VALUES: Final = 200
_PRIOR_ROWS: Final = 2.0
_PROBE_FOLDS: Final = 3
_TREES: Final = 60

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
        numbers = _as_numbers(column)
        known = ~np.isnan(numbers)
        if not known.any():
            return np.zeros(len(column), dtype=np.intp), 1
        bins = int(np.clip(known.sum() // 10, 2, _BINS))
        edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1]))
        codes = np.where(known, np.searchsorted(edges, numbers, side="right"), -1)
        count = len(edges) + 1
    else:
        count = len(values)
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
    areas = []
    for label in range(target.classes) if target.classes > 2 else (1,):
        hits = sums((target.values == label).astype(float))
        area = _area(hits.reshape(-1), (rows - hits).reshape(-1), _expected_elsewhere(hits, rows).reshape(-1))
        if area is not None:
            areas.append(area)
    return max(0.5, float(np.mean(areas))) if areas else 0.5


def column_power(column: pd.Series, target: Target, folds: Ints) -> float:
    """Power of one column by its place in sorted order, for text too; samples no rows."""
    ordered = pd.Series(_as_numbers(column))
    return power_alone(*bin_codes(ordered), target, folds)


def _expected_elsewhere(sums: Floats, rows: Floats) -> Floats:
    """Mean per fold (rows) and code (columns) over the *other* folds, shrunk towards their overall mean."""
    other_sums, other_rows = sums.sum(axis=0) - sums, rows.sum(axis=0) - rows
    overall = other_sums.sum(axis=1, keepdims=True) / np.maximum(other_rows.sum(axis=1, keepdims=True), 1)
    expected: Floats = (other_sums + _PRIOR_ROWS * overall) / (other_rows + _PRIOR_ROWS)
    return expected


def _area(positives: Floats, negatives: Floats, scores: Floats) -> float | None:
    """ROC AUC from counts of positives and negatives per score; None if one kind is missing."""
    total = positives.sum() * negatives.sum()
    if total == 0:
        return None
    _, ranks = np.unique(scores, return_inverse=True)
    hits, misses = np.bincount(ranks, weights=positives), np.bincount(ranks, weights=negatives)
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / total)


class Probe:
    """The power of a model's inputs, on a sample of development rows and their stored folds.

    Parameters
    ----------
    inputs : pandas.DataFrame of shape (n, d)
        What the model sees.
    target : Target
        Of the same rows.
    folds : numpy.ndarray of shape (n,)
        Fold of each row; rows of one group share a fold, so a group cannot stand in for its target.
    seed : int
        Random state of the sample and of the quick model.
    """

    def __init__(self, inputs: pd.DataFrame, target: Target, folds: npt.NDArray[Any], *, seed: int) -> None:
        positions = np.arange(len(inputs))
        if len(inputs) > SAMPLE_ROWS:
            positions = np.sort(np.random.default_rng(seed).choice(positions, SAMPLE_ROWS, replace=False))
        self.rows = len(positions)
        self.target = target.take(positions)
        self._positions = positions
        self._inputs = inputs.iloc[positions]
        self._folds = np.asarray(folds)[positions]
        self._seed = seed
        self._together: dict[frozenset[str], float] = {}

    @cached_property
    def alone(self) -> dict[str, float]:
        """Power of each input alone."""
        return {
            str(name): power_alone(*bin_codes(self._inputs[name]), self.target, self._folds)
            for name in self._inputs.columns
        }

    @cached_property
    def _matrix(self) -> Floats:
        return np.column_stack([_as_numbers(self._inputs[name]) for name in self._inputs.columns])

    def together(self, *, without: frozenset[str] = frozenset()) -> float:
        """Out-of-fold power of a quick boosted model on all inputs but some; remembered."""
        if without not in self._together:
            keep = [i for i, name in enumerate(self._inputs.columns) if name not in without]
            self._together[without] = self._boosted(self._matrix[:, keep], self._folds) if keep else self.target.chance
        return self._together[without]

    def together_on(self, folds: Ints) -> float:
        """Out-of-fold power of the quick model on all inputs, dealt into other folds of shape (n,)."""
        return self._boosted(self._matrix, np.asarray(folds)[self._positions])

    def near_copies(self, name: str, among: list[str]) -> frozenset[str]:
        """`name` and those of `among` that order the rows as it does (rank correlation of 0.99 or more)."""
        ranks = self._inputs[[name, *[other for other in among if other != name]]].apply(_ranks)
        correlation = ranks.corrwith(ranks[name]).abs()
        return frozenset({name, *(str(other) for other in correlation.index[correlation >= 0.99])})

    def _boosted(self, matrix: Floats, folds: Ints) -> float:
        """Power of LightGBM, averaged over three merged folds."""
        _, folds = np.unique(folds, return_inverse=True)
        merged = folds % _PROBE_FOLDS
        scores = [
            score
            for fold in np.unique(merged)
            if (score := self._score_fold(matrix, merged != fold, merged == fold)) is not None
        ]
        return float(np.mean(scores)) if scores else self.target.chance

    def _score_fold(self, matrix: Floats, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_]) -> float | None:
        # Imported here: LightGBM costs a second, and most tables never need it.
        import lightgbm

        classes, values = self.target.classes, self.target.values
        if len(np.unique(values[train])) < 2:
            return None
        parameters: dict[str, Any] = {
            "objective": {0: "regression", 2: "binary"}.get(classes, "multiclass"),
            "num_leaves": 15,
            "min_data_in_leaf": int(np.clip(train.sum() // 50, 2, 20)),
            "num_threads": 1,
            "deterministic": True,
            "seed": self._seed,
            "verbosity": -1,
        }
        if classes > 2:
            parameters["num_class"] = classes
        booster = lightgbm.train(parameters, lightgbm.Dataset(matrix[train], values[train]), num_boost_round=_TREES)
        predicted = np.asarray(booster.predict(matrix[test]))
        if not classes:
            spread = ((values[test] - values[test].mean()) ** 2).sum()
            return 1 - float(((values[test] - predicted) ** 2).sum() / spread) if spread > 0 else None
        columns = predicted if predicted.ndim == 2 else np.column_stack([1 - predicted, predicted])
        areas = []
        for label in range(classes) if classes > 2 else (1,):
            hits = (values[test] == label).astype(float)
            area = _area(hits, 1 - hits, columns[:, label])
            if area is not None:
                areas.append(area)
        return float(np.mean(areas)) if areas else None


def _as_numbers(column: pd.Series) -> Floats:
    """Numbers as they are, times as microseconds, text as codes in alphabetical order; missing and infinite is NaN."""
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        codes, _ = pd.factorize(column, sort=True)
        return np.where(codes < 0, np.nan, codes).astype(float)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return np.where(column.isna(), np.nan, column.to_numpy(dtype="datetime64[us]").astype(np.int64)).astype(float)
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isinf(numbers), np.nan, numbers)


def _ranks(column: pd.Series) -> pd.Series:
    return pd.Series(_as_numbers(column), index=column.index).rank().fillna(0)
