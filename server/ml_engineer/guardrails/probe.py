"""How well columns predict the target together: the measure under the leakage, split and proxy checks."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.statistics.predictive_power import Target, area, as_numbers, bin_codes, power_alone

__all__ = ["SAMPLE_ROWS", "Probe"]

SAMPLE_ROWS: Final = 20_000
"""Probes look at no more rows than this: their errors are then far below any threshold in use."""
_PROBE_FOLDS: Final = 3
_TREES: Final = 60

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


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
        return np.column_stack([as_numbers(self._inputs[name]) for name in self._inputs.columns])

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
        for label in self.target.judged:
            hits = (values[test] == label).astype(float)
            areas.append(area(hits, 1 - hits, columns[:, label]))
        known = [value for value in areas if value is not None]
        return float(np.mean(known)) if known else None


def _ranks(column: pd.Series) -> pd.Series:
    return pd.Series(as_numbers(column), index=column.index).rank().fillna(0)
