"""A model that answers within seconds whether there is anything to learn; never the model that is shipped.

Two quick learners are averaged, without choosing between them: small boosted trees, and a linear model
where rows are few or there is text.
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

from ml_engineer.profiling.boosted_trees import boosted_predictions
from ml_engineer.profiling.quick_inputs import MOST_TREE_COLUMNS, Inputs
from ml_engineer.statistics.label_sets import called_labels
from ml_engineer.statistics.metrics import Outcomes, Task

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["FoldPairs", "QuickTarget", "out_of_fold"]

FoldPairs = Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]
"""Positions of training and of test rows, one pair a fold."""

_ROUNDS: Final = 50

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
    if matrix.shape[1] <= MOST_TREE_COLUMNS:
        return np.arange(matrix.shape[1])
    values = target.values[train].astype(float)
    wanted = (values[:, None] == np.arange(target.n_classes)) if target.n_classes > 2 else values[:, None]
    wanted = wanted - wanted.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = matrix - np.nanmean(matrix, axis=0)
        centred = np.nan_to_num(centred / np.nanstd(matrix, axis=0))
    strength = np.abs(centred.T @ wanted).max(axis=1)
    return np.sort(np.argsort(-strength, kind="stable")[:MOST_TREE_COLUMNS])


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
