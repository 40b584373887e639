"""How well columns predict the target together: the measure under the leakage, split and proxy checks."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_text
from ml_engineer.statistics.predictive_power import Target, area, as_numbers, best_power

__all__ = ["SAMPLE_ROWS", "Probe"]

SAMPLE_ROWS: Final = 20_000
"""Probes look at no more rows than this: their errors are then far below any threshold in use."""
_PROBE_FOLDS: Final = 3
_TREES: Final = 60
_MOST_COLUMNS: Final = 300
_SHORTEST_TEXT: Final = 20
_BUCKETS: Final = 64

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
        return {str(name): best_power(self._inputs[name], self.target, self._folds) for name in self._inputs.columns}

    @cached_property
    def _matrix(self) -> Floats:
        return np.column_stack([part for _, part in self._parts]) if self._parts else np.zeros((self.rows, 0))

    @cached_property
    def _parts(self) -> list[tuple[str, Floats]]:
        """Columns of the matrix, each with the input that it comes from; a text gives several, of very many the best stay."""
        names = list(self._inputs.columns)
        if len(names) > _MOST_COLUMNS:
            best = set(sorted(names, key=lambda name: -self.alone[str(name)])[:_MOST_COLUMNS])
            names = [name for name in names if name in best]
        return [(str(name), part) for name in names for part in _parts_of(self._inputs[name])]

    @property
    def positions(self) -> Ints:
        """Which rows of the inputs are looked at, shape (rows,)."""
        return self._positions

    def together(self, *, without: frozenset[str] = frozenset()) -> float:
        """Out-of-fold power of a quick boosted model on all inputs but some; remembered."""
        if without not in self._together:
            keep = [place for place, (name, _) in enumerate(self._parts) if name not in without]
            self._together[without] = _boosted(self._matrix[:, keep], self.target, self._folds, seed=self._seed)
        return self._together[without]

    def together_on(self, folds: Ints) -> float:
        """Out-of-fold power of the quick model on all inputs, dealt into other folds of shape (n,)."""
        return _boosted(self._matrix, self.target, np.asarray(folds)[self._positions], seed=self._seed)

    def together_for(self, target: Target, *, without: frozenset[str] = frozenset()) -> float:
        """Out-of-fold power of the quick model for another target of shape (n,), on the stored folds."""
        keep = [place for place, (name, _) in enumerate(self._parts) if name not in without]
        return _boosted(self._matrix[:, keep], target.take(self._positions), self._folds, seed=self._seed)

    def learned_from(self, learned: Bools, judged: Bools) -> float | None:
        """Power on the rows `judged` after learning from the rows `learned` (both of shape (n,)); None if undefined."""
        train, test = learned[self._positions], judged[self._positions]
        predicted = _predicted(self._matrix, self.target, train, test, seed=self._seed)
        return None if predicted is None else _power(predicted, self.target, test)

    @cached_property
    def predictions(self) -> Floats:
        """What the quick model says of each row out of fold: shape (rows, classes), or (rows, 1) with ranks; NaN if nothing."""
        merged = _merged(self._folds)
        answers = np.full((self.rows, max(self.target.classes, 1)), np.nan)
        for fold in np.unique(merged):
            predicted = _predicted(self._matrix, self.target, merged != fold, merged == fold, seed=self._seed)
            if predicted is not None:
                answers[merged == fold] = predicted
        return answers

    def near_copies(self, name: str, among: list[str]) -> frozenset[str]:
        """`name` and those of `among` that order the rows as it does (rank correlation of 0.99 or more)."""
        ranks = self._inputs[[name, *[other for other in among if other != name]]].apply(_ranks)
        correlation = ranks.corrwith(ranks[name]).abs()
        return frozenset({name, *(str(other) for other in correlation.index[correlation >= 0.99])})


def _merged(folds: npt.NDArray[Any]) -> Ints:
    """Three folds made of those stored: the quick model is fitted three times, not five."""
    merged: Ints = np.unique(folds, return_inverse=True)[1] % _PROBE_FOLDS
    return merged


def _boosted(matrix: Floats, target: Target, folds: npt.NDArray[Any], *, seed: int) -> float:
    """Power of LightGBM, averaged over three merged folds; chance where there is nothing to learn from."""
    merged, scores = _merged(folds), []
    for fold in np.unique(merged) if matrix.shape[1] else ():
        predicted = _predicted(matrix, target, merged != fold, merged == fold, seed=seed)
        score = None if predicted is None else _power(predicted, target, merged == fold)
        if score is not None:
            scores.append(score)
    return float(np.mean(scores)) if scores else target.chance


def _predicted(matrix: Floats, target: Target, train: Bools, test: Bools, *, seed: int) -> Floats | None:
    """Predictions for the test rows, shape (m, classes or 1); None where there is nothing to learn from."""
    # Imported here: LightGBM costs a second, and most tables never need it.
    import lightgbm

    classes, values = target.classes, target.values
    if not matrix.shape[1] or not test.any() or len(np.unique(values[train])) < 2:
        return None
    parameters: dict[str, Any] = {
        "objective": {0: "regression", 2: "binary"}.get(classes, "multiclass"),
        "num_leaves": 15,
        "min_data_in_leaf": int(np.clip(train.sum() // 50, 2, 20)),
        "num_threads": 1,
        "deterministic": True,
        "seed": seed,
        "verbosity": -1,
    }
    if classes > 2:
        parameters["num_class"] = classes
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix[train], values[train]), num_boost_round=_TREES)
    predicted = np.asarray(booster.predict(matrix[test], num_threads=1))
    if classes == 2:
        return np.column_stack([1 - predicted, predicted])
    return predicted if predicted.ndim == 2 else predicted[:, None]


def _power(predicted: Floats, target: Target, test: Bools) -> float | None:
    """Power of predictions for the test rows; None where it is undefined."""
    values = target.values[test]
    if not target.classes:
        spread = ((values - values.mean()) ** 2).sum()
        return 1 - float(((values - predicted[:, 0]) ** 2).sum() / spread) if spread > 0 else None
    areas = []
    for label in target.judged:
        hits = (values == label).astype(float)
        areas.append(area(hits, 1 - hits, predicted[:, label]))
    known = [value for value in areas if value is not None]
    return float(np.mean(known)) if known else None


def _parts_of(column: pd.Series) -> list[Floats]:
    """The column as numbers; texts as their length and counts of hashed words, which learn nothing from other rows."""
    if not is_text(column) or column.str.len().mean() <= _SHORTEST_TEXT or column.nunique() < len(column) / 2:
        return [as_numbers(column)]
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = column.fillna("").astype("str")
    hashed = HashingVectorizer(n_features=_BUCKETS, alternate_sign=False).transform(texts)
    return [texts.str.len().to_numpy(dtype=float), *hashed.toarray().T]


def _ranks(column: pd.Series) -> pd.Series:
    return pd.Series(as_numbers(column), index=column.index).rank().fillna(0)
