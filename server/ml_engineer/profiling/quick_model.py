"""A model that answers within seconds whether there is anything to learn; never the model that is shipped.

Two quick learners are averaged, without choosing between them: small boosted trees, and a linear model
where rows are few or there is text. Encodings use no target, so that a fold cannot see another's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.profiling.boosted_trees import boosted_predictions
from ml_engineer.statistics.label_sets import called_labels
from ml_engineer.statistics.metrics import Outcomes, Task
from ml_engineer.vocabulary.problem import ProblemColumn
from ml_engineer.vocabulary.written_numbers import WrittenNumbers, written_among

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["FoldPairs", "Inputs", "QuickTarget", "encode_inputs", "out_of_fold"]

FoldPairs = Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]
"""Positions of training and of test rows, one pair a fold."""

_ROUNDS: Final = 50
_MOST_NATIVE_CATEGORIES: Final = 200
_MOST_LEVELS_LINEAR: Final = 20
_LINEAR_ROWS: Final = 5_000
_MOST_TREE_COLUMNS: Final = 300
_TEXT_BUCKETS: Final = 4096
_TEXT_BUCKETS_TREES: Final = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class QuickTarget:
    """The target as the quick model takes it.

    Parameters
    ----------
    task : Task
        Kind of task.
    values : numpy.ndarray of shape (n,)
        Class codes or numbers; of several labels a row 0 and 1, of shape (n, k).
    n_classes : int
        Number of classes or labels; 0 for regression.
    positive : int
        Code of the positive class.
    absolute : bool
        Whether absolute errors are judged (the median is learned), not squared ones.
    quantile : float, optional
        The quantile that is learned instead of the expected value.
    among : int
        How many such targets share the time.
    """

    task: Task
    values: npt.NDArray[Any]
    n_classes: int = 0
    positive: int = 1
    absolute: bool = False
    quantile: float | None = None
    among: int = 1

    def label(self, code: int) -> QuickTarget:
        """One of several labels: whether a row has it."""
        return QuickTarget("binary", self.values[:, code], 2, 1, among=self.values.shape[1])

    def take(self, positions: npt.NDArray[np.intp]) -> QuickTarget:
        """The target of some rows."""
        return replace(self, values=self.values[positions])


@dataclass(frozen=True)
class Inputs:
    """Encoded columns of n rows.

    Parameters
    ----------
    trees : numpy.ndarray of shape (n, columns)
        Numbers with NaN for missing, categories as codes.
    categorical : tuple of int
        Columns of `trees` that hold codes.
    names : tuple of str
        Column of the table that each column of `trees` comes from.
    linear : scipy.sparse.csr_matrix of shape (n, features) or None
        Scaled numbers, indicator columns and hashed words; None where the linear model is left out.
    """

    trees: npt.NDArray[np.float32]
    categorical: tuple[int, ...]
    names: tuple[str, ...]
    linear: sparse.csr_matrix | None

    def only(self, column: str) -> Inputs:
        """The trees' inputs from one column."""
        return self.without(frozenset(self.names) - {column})

    def without(self, columns: frozenset[str]) -> Inputs:
        """The trees' inputs without some columns; the linear part is left out."""
        keep = [index for index, name in enumerate(self.names) if name not in columns]
        place = {index: new for new, index in enumerate(keep)}
        return Inputs(
            trees=self.trees[:, keep],
            categorical=tuple(place[index] for index in self.categorical if index in place),
            names=tuple(self.names[index] for index in keep),
            linear=None,
        )


# --- encoding ----------------------------------------------------------------------------------------------------


def encode_inputs(frame: pd.DataFrame, columns: Sequence[ProblemColumn], *, linear: bool = True) -> Inputs:
    """Encode `columns` of `frame`, without looking at any target.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, at least the columns)
        Rows.
    columns : sequence of ProblemColumn
        What the model may see.
    linear : bool
        Whether to encode for the linear model too, where it is affordable or there is text.
    """
    trees: list[tuple[str, npt.NDArray[np.float32], bool]] = []
    flat: list[sparse.csr_matrix] = []
    has_text = any(column.role == "text" for column in columns)
    linear = linear and (has_text or (len(frame) <= _LINEAR_ROWS and len(columns) <= _MOST_TREE_COLUMNS))
    for column in columns:
        values = frame[column.name]
        if column.role == "text":
            trees += [(column.name, part, False) for part in _text_parts(values)]
            if linear:
                flat.append(_hashed(values, _TEXT_BUCKETS))
            continue
        for part, coded in _parts(values, column):
            trees.append((column.name, part, coded))
            if linear:
                flat.append(_indicators(part) if coded else _scaled(part))
    matrix = np.column_stack([part for _, part, _ in trees]) if trees else np.zeros((len(frame), 0), np.float32)
    return Inputs(
        trees=matrix,
        categorical=tuple(index for index, (_, _, coded) in enumerate(trees) if coded),
        names=tuple(name for name, _, _ in trees),
        linear=_side_by_side(flat) if flat else None,
    )


def _side_by_side(parts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    from scipy import sparse

    joined: sparse.csr_matrix = sparse.hstack(parts, format="csr")
    return joined


def _sparse(matrix: Floats) -> sparse.csr_matrix:
    # Imported where there is something to hold: of large tables the linear model is left out.
    from scipy import sparse

    return sparse.csr_matrix(matrix)


def _parts(values: pd.Series, column: ProblemColumn) -> list[tuple[npt.NDArray[np.float32], bool]]:
    """Columns for the trees, each with whether it holds codes."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        stamps = values.to_numpy().astype("datetime64[us]").astype(np.int64).astype(float)
        days = np.where(values.isna(), np.nan, stamps / 86_400e6)
        parts = (days, values.dt.month, values.dt.day_of_week, values.dt.hour)
        return [(np.asarray(part, dtype=np.float32), False) for part in parts]
    if isinstance(values.dtype, pd.StringDtype):
        written = written_among(values.dropna().unique())
        inside = [] if written is None else [(part, False) for part in _written(values, written)]
        return inside if inside and column.role == "numeric" else [_codes(values), *inside]
    numbers = values.to_numpy(dtype=float)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float32)
    if column.role == "categorical" and not pd.api.types.is_bool_dtype(values.dtype):
        return [_codes(values)]
    return [(numbers, False)]


def _written(values: pd.Series, written: WrittenNumbers) -> Iterator[npt.NDArray[np.float32]]:
    """The numbers that stand inside texts, as features.py reads them."""
    numbers = values.str.extract(written.pattern).astype("float64")
    for factors in written.parts.values():
        yield numbers.mul(list(factors)).sum(axis=1, min_count=1).to_numpy(dtype=np.float32)


def _codes(values: pd.Series) -> tuple[npt.NDArray[np.float32], bool]:
    """Codes in order of frequency; beyond what trees split natively, that order is all they see."""
    codes, levels = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    rank = np.empty(len(levels), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(levels))
    ranked = np.where(codes < 0, np.nan, rank[codes]) if len(levels) else np.full(len(codes), np.nan)
    return ranked.astype(np.float32), len(levels) <= _MOST_NATIVE_CATEGORIES


def _text_parts(values: pd.Series) -> list[npt.NDArray[np.float32]]:
    """Length, words, share of digits and capitals, and counts of hashed words."""
    texts = values.fillna("").astype(object)
    length = texts.map(len).to_numpy(dtype=np.float32)
    safe = np.maximum(length, 1)
    digits = texts.map(lambda text: sum(map(str.isdigit, text))).to_numpy(dtype=np.float32) / safe
    capitals = texts.map(lambda text: sum(map(str.isupper, text))).to_numpy(dtype=np.float32) / safe
    hashed = _hashed(values, _TEXT_BUCKETS_TREES).toarray().astype(np.float32)
    return [length, digits, capitals, *hashed.T]


def _hashed(values: pd.Series, buckets: int) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    # Hashing learns nothing, so that no fold can see another's words.
    vectorizer = HashingVectorizer(n_features=buckets, alternate_sign=False, norm="l2")
    hashed: sparse.csr_matrix = vectorizer.transform(str(text) for text in values.fillna(""))
    return hashed


def _scaled(values: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """Centred and scaled, clipped at three deviations, with an indicator of missing cells."""
    missing = np.isnan(values)
    present = values[~missing].astype(float)
    centre = float(np.median(present)) if len(present) else 0.0
    spread = float(np.std(np.clip(present, *np.percentile(present, [1, 99])))) if len(present) else 0.0
    scaled = np.where(missing, 0.0, np.clip((np.where(missing, 0.0, values) - centre) / (spread or 1.0), -3, 3))
    parts = [scaled, missing.astype(float)] if missing.any() else [scaled]
    return _sparse(np.column_stack(parts))


def _indicators(codes: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """One column for each of the most frequent values."""
    levels = np.arange(min(_MOST_LEVELS_LINEAR, int(np.nanmax(codes, initial=-1)) + 1))
    return _sparse((codes[:, None] == levels[None, :]).astype(float))


# --- learning ----------------------------------------------------------------------------------------------------


def out_of_fold(
    inputs: Inputs, target: QuickTarget, pairs: FoldPairs, *, seed: int, clusters: npt.NDArray[np.integer] | None = None
) -> tuple[Outcomes, npt.NDArray[np.intp]]:
    """Predictions of rows by models that did not learn from them.

    Parameters
    ----------
    inputs : Inputs
        n rows.
    target : QuickTarget
        n rows.
    pairs : FoldPairs
        Planned folds.
    seed : int
        Random state.
    clusters : numpy.ndarray of shape (n,), optional
        Rows that belong together, handed on to the outcomes.

    Returns
    -------
    outcomes : Outcomes
        m rows, those that some fold predicts, in row order.
    positions : numpy.ndarray of shape (m,)
        Which rows they are.
    """
    width = max(target.n_classes, 1)
    predicted = np.full((len(target.values), width), np.nan)
    usable = [(train, test) for train, test in pairs if len(train) and len(test)]
    # LightGBM lets go of the interpreter's lock, and a fold's model owes nothing to another's.
    with _rough_fits(inputs), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        parts = pool.map(lambda pair: _fit_predict(inputs, target, pair[0], pair[1], seed), usable)
        for (_, test), part in zip(usable, parts, strict=True):
            predicted[test] = part
    positions = np.flatnonzero(~np.isnan(predicted[:, 0]))
    values = predicted[positions]
    taken = None if clusters is None else clusters[positions]
    if target.task == "regression":
        numbers = Outcomes(
            "regression", target.values[positions], values[:, 0], clusters=taken, quantile=target.quantile
        )
        return numbers, positions
    labelled = target.task == "multilabel"
    outcomes = Outcomes(
        target.task,
        target.values[positions],
        called_labels(values, None) if labelled else values.argmax(axis=1),
        probabilities=values,
        n_classes=target.n_classes,
        positive=target.positive,
        clusters=taken,
    )
    return outcomes, positions


@contextmanager
def _rough_fits(inputs: Inputs) -> Iterator[None]:
    """Silence what is meant; around all threads, as the filters of warnings are one list for the whole process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without a single value
        if inputs.linear is not None:
            from sklearn.exceptions import ConvergenceWarning

            # Stopping early is meant: a rough fit is enough to see a signal.
            warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _fit_predict(
    inputs: Inputs, target: QuickTarget, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp], seed: int
) -> Floats:
    """Mean prediction of the learners for the test rows, shape (m, classes or 1)."""
    if target.task == "multilabel":
        codes = range(target.values.shape[1])
        return np.column_stack([_fit_predict(inputs, target.label(code), train, test, seed)[:, 1] for code in codes])
    values = target.values[train]
    if len(np.unique(values)) < 2:
        return _constant(target, values, len(test))
    learned = [_boosted(inputs, target, train, test, seed)]
    if inputs.linear is not None and not target.absolute and target.quantile is None:
        learned.append(_linear(inputs.linear, target, train, test))
    blend: Floats = np.mean(learned, axis=0)
    if target.task == "regression":
        return blend
    # A grain of the class shares keeps a class that was never predicted from costing an infinite log loss.
    return 0.98 * blend + 0.02 * _constant(target, values, len(test))


def _constant(target: QuickTarget, values: npt.NDArray[Any], rows: int) -> Floats:
    if target.quantile is not None:
        return np.full((rows, 1), float(np.quantile(values, target.quantile)))
    if target.task == "regression":
        return np.full((rows, 1), float(np.median(values) if target.absolute else np.mean(values)))
    shares: Floats = np.bincount(values, minlength=target.n_classes) / len(values)
    return np.tile(shares, (rows, 1))


def _boosted(
    inputs: Inputs, target: QuickTarget, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp], seed: int
) -> Floats:
    columns = _strongest(inputs.trees[train], target, train)
    place = {column: index for index, column in enumerate(columns)}
    rows = len(train)
    parameters: dict[str, Any] = {
        "objective": _objective(target),
        "learning_rate": 0.1,
        "num_leaves": 15 if rows >= 1000 else 7,
        "min_data_in_leaf": int(np.clip(rows // 50, 2, 20)),
        "min_data_per_group": int(np.clip(rows // 100, 2, 100)),
        "lambda_l2": 1.0,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    if target.quantile is not None:
        parameters["alpha"] = target.quantile
    if target.n_classes > 2:
        parameters["num_class"] = target.n_classes
    # The work of one round grows with the number of classes.
    rounds = max(8, min(_ROUNDS, 5 * _ROUNDS // max(target.n_classes, target.among)))
    predicted = boosted_predictions(
        inputs.trees[np.ix_(train, columns)],
        target.values[train],
        inputs.trees[np.ix_(test, columns)],
        categorical=tuple(place[index] for index in inputs.categorical if index in place),
        parameters=parameters,
        rounds=rounds,
    )
    if target.task == "binary":
        return np.column_stack([1 - predicted, predicted])
    return predicted if predicted.ndim == 2 else predicted[:, None]


def _objective(target: QuickTarget) -> str:
    if target.quantile is not None:
        return "quantile"
    if target.task == "regression":
        return "regression_l1" if target.absolute else "regression"
    return "binary" if target.n_classes == 2 else "multiclass"


def _strongest(
    matrix: npt.NDArray[np.float32], target: QuickTarget, train: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Columns to learn from: of very many, those that go with the target most, on the training rows alone."""
    if matrix.shape[1] <= _MOST_TREE_COLUMNS:
        return np.arange(matrix.shape[1])
    values = target.values[train].astype(float)
    wanted = (values[:, None] == np.arange(target.n_classes)) if target.n_classes > 2 else values[:, None]
    wanted = wanted - wanted.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = matrix - np.nanmean(matrix, axis=0)
        centred = np.nan_to_num(centred / np.nanstd(matrix, axis=0))
    strength = np.abs(centred.T @ wanted).max(axis=1)
    return np.sort(np.argsort(-strength, kind="stable")[:_MOST_TREE_COLUMNS])


def _linear(
    matrix: sparse.csr_matrix, target: QuickTarget, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]
) -> Floats:
    from sklearn.linear_model import LogisticRegression, Ridge

    values = target.values[train]
    if target.task == "regression":
        return np.asarray(Ridge(alpha=1.0, solver="lsqr").fit(matrix[train], values).predict(matrix[test]))[:, None]
    model = LogisticRegression(C=1.0, max_iter=60).fit(matrix[train], values)
    probabilities = np.zeros((len(test), target.n_classes))
    probabilities[:, model.classes_] = model.predict_proba(matrix[test])
    return probabilities
