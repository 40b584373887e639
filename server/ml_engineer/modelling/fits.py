"""One fit: a candidate on some rows, an independent piece of work that can be done in any process."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.independent_fits import Clock, Failure, attempt
from ml_engineer.modelling.candidate import Candidate, headless, model_of, pipeline_of
from ml_engineer.modelling.growing import grow
from ml_engineer.modelling.pickling import stored_bytes
from ml_engineer.modelling.prepared_rows import prepared_rows, target_scale
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.label_sets import as_matrix
from ml_engineer.statistics.query_fit import fit_told
from ml_engineer.statistics.weighted_fit import takes_weights

__all__ = [
    "Clock",
    "Failure",
    "Fit",
    "FitTask",
    "Journal",
    "attempt",
    "fit_rows",
    "journal_key",
    "predict",
    "row_weights",
    "run_task",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Rows = npt.NDArray[np.integer]
_LIBRARIES = frozenset({"catboost", "lightgbm", "xgboost"})
_Found = tuple[dict[str, float], str, int]
"""What growing found, how, and the size of the model."""


class Journal(Protocol):
    """Finished pieces of work by key; survives the process."""

    def find(self, key: str) -> Arrays | None:
        """What was kept under `key`, or None."""

    def keep(self, key: str, arrays: Arrays) -> None:
        """Keep `arrays` under `key`, whole or not at all."""


@dataclass(frozen=True)
class FitTask:
    """A candidate to fit.

    Parameters
    ----------
    candidate : Candidate
        What to fit.
    train, test : numpy.ndarray of int
        Positions of the rows to fit on and to predict; no `test` rows, no predictions.
    place : str
        Name of these rows; candidates of one view share what was prepared under it.
    growing : bool
        Whether the number of trees is to be found by watching the test rows.
    seconds : float
        Time for growing; other fits are stopped from outside.
    model_path : str, optional
        Where to leave the fitted model.
    codes : bool
        Whether a classifier learns class codes instead of labels, as the parts of a vote do.
    sized : bool
        Whether to tell how large the model is.
    """

    candidate: Candidate
    train: Rows
    test: Rows
    place: str
    growing: bool = False
    seconds: float = float("inf")
    model_path: str | None = None
    codes: bool = False
    sized: bool = False

    @property
    def library(self) -> str | None:
        """The booster's library, which takes long to import."""
        return self.candidate.growing if self.candidate.growing in _LIBRARIES else None

    def run(self, rows: TrainingData, *, scratch: Path | None, clock: Clock = time.monotonic) -> Fit:
        """Do it; see `run_task`."""
        return run_task(self, rows, scratch=scratch, clock=clock)


@dataclass(frozen=True)
class Fit:
    """A finished fit.

    Parameters
    ----------
    predictions : numpy.ndarray of shape (m,) or (m, k)
        For the m rows that were left out.
    fit_seconds, predict_seconds : float
        What it took.
    prepare_seconds : float
        Of the fitting, what went into preparing rows; 0 if they were there already.
    notes : tuple of str
        Warnings that the libraries gave, one line each.
    parameters : dict
        What growing found: trees and learning rate.
    why : str
        How it was found.
    model_bytes : int
        Size of the model when stored, without what prepares its rows; 0 if it was not asked for.
    peak_bytes : int
        The most memory that its process took beside the rows; 0 if that is not known.
    """

    predictions: Predictions
    fit_seconds: float
    predict_seconds: float
    prepare_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    parameters: dict[str, float] = field(default_factory=dict)
    why: str = ""
    model_bytes: int = 0
    peak_bytes: int = 0

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a journal keeps."""
        return {
            "predictions": self.predictions,
            "fit_seconds": np.array(self.fit_seconds),
            "predict_seconds": np.array(self.predict_seconds),
            "prepare_seconds": np.array(self.prepare_seconds),
            "notes": np.array(self.notes, dtype=str),
            "parameter_names": np.array(list(self.parameters), dtype=str),
            "parameter_values": np.array(list(self.parameters.values()), dtype=float),
            "why": np.array(self.why),
            "model_bytes": np.array(self.model_bytes),
            "peak_bytes": np.array(self.peak_bytes),
        }

    @classmethod
    def from_arrays(cls, kept: Arrays) -> Fit:
        """What `arrays` gave."""
        parameters = {
            str(name): int(value) if float(value).is_integer() else float(value)
            for name, value in zip(kept["parameter_names"], kept["parameter_values"], strict=True)
        }
        notes = tuple(str(note) for note in kept["notes"])
        fit, predict, prepare = (float(kept[f"{name}_seconds"]) for name in ("fit", "predict", "prepare"))
        sizes = (int(kept.get(f"{name}_bytes", 0)) for name in ("model", "peak"))
        return cls(kept["predictions"], fit, predict, prepare, notes, parameters, str(kept["why"]), *sizes)


def journal_key(data: TrainingData, candidate: Candidate, part: str) -> str:
    """Name of a piece of work: changes with the data, the model and the part."""
    return hashlib.sha256("\0".join((data.fingerprint, candidate.identity, part)).encode()).hexdigest()


def run_task(task: FitTask, data: TrainingData, *, scratch: Path | None, clock: Clock = time.monotonic) -> Fit:
    """Do one piece of work.

    Parameters
    ----------
    task : FitTask
        The work.
    data : TrainingData
        Rows and targets.
    scratch : pathlib.Path, optional
        Folder for rows that were prepared; without it they are prepared anew each time.
    clock : callable
        Monotonic seconds.
    """
    notes: list[str] = []
    found: _Found = ({}, "", 0)
    if task.candidate.most_rows is not None:
        # Rows that were prepared for others under this name are more than these.
        place = f"{task.place} of {task.candidate.most_rows} rows" if task.place else ""
        task = replace(task, train=task.candidate.sample_of(task.train), place=place)
    if row_weights(task.candidate, data, task.train) is not None and not takes_weights(task.candidate.estimator):
        notes.append("It takes no row weights, so every row counts the same in it")
    with _noted(notes):
        start = prepared = clock()
        if task.model_path is not None:
            model = fit_rows(task.candidate, data, task.train, codes=task.codes)
            fitted = clock()
            with Path(task.model_path).open("wb") as stream:
                cloudpickle.dump(model, stream)
            predictions = predict(model, data, task.test, codes=task.codes)
        elif task.candidate.view:
            train, test, fresh = prepared_rows(
                task.candidate, data, task.train, task.test, place=task.place, folder=scratch
            )
            prepared = clock() if fresh else start
            predictions, found, fitted = _fit_prepared(task, data, train, test, clock=clock)
        else:
            model = fit_rows(task.candidate, data, task.train)
            fitted = clock()
            predictions = predict(model, data, task.test)
            found = ({}, "", stored_bytes(model) if task.sized else 0)
        seconds = fitted - start, clock() - fitted, prepared - start
        return Fit(predictions, *seconds, tuple(dict.fromkeys(notes)), *found)


def _fit_prepared(
    task: FitTask, data: TrainingData, train: Any, test: Any, *, clock: Clock
) -> tuple[Predictions, _Found, float]:
    """Fit the last step of a pipeline on rows prepared for all candidates of its view."""
    if data.task == "multilabel":
        return _fit_labels(task, data, train, test, clock=clock)
    classes: npt.NDArray[Any] | None = None
    target = data.actual[task.train]
    if data.task != "regression":
        classes, target = np.unique(target, return_inverse=True)
    head = headless(task.candidate.estimator)
    weights = row_weights(task.candidate, data, task.train)
    kind = task.candidate.growing
    found: _Found = ({}, "", 0)
    if task.growing and kind is not None:
        forward, backward = target_scale(head, target)
        watched = np.flatnonzero(np.isin(data.actual[task.test], classes)) if classes is not None else slice(None)
        watched_target = data.actual[task.test][watched]
        if classes is not None:
            watched_target = np.searchsorted(classes, watched_target)
        grown = grow(
            kind,
            pipeline_of(head),
            (train, forward(target)),
            (
                test[watched] if isinstance(watched, np.ndarray) and len(watched) < len(task.test) else test,
                forward(watched_target),
            ),
            weights=weights if takes_weights(head) else None,
            queries=None if data.queries is None else (data.queries[task.train], data.queries[task.test]),
            seconds=task.seconds,
            clock=clock,
        )
        fitted = clock()
        found = (grown.parameters, grown.why, 0)
        raw = backward(grown.model.predict(test)) if classes is None else grown.model.predict_proba(test)
    else:
        fit_told(head, train, target, weights=weights, queries=_queries(data, task.train))
        fitted = clock()
        raw = head.predict(test) if classes is None else head.predict_proba(test)
        found = ({}, "", stored_bytes(head) if task.sized else 0)
    return _in_full(raw, data, classes, rows=len(task.test)), found, fitted


def _fit_labels(
    task: FitTask, data: TrainingData, train: Any, test: Any, *, clock: Clock
) -> tuple[Predictions, _Found, float]:
    """The same for several labels a row; the number of trees is found on the label of middling frequency, for all."""
    candidate, target = task.candidate, data.actual[task.train]
    found: _Found = ({}, "", 0)
    kind = candidate.growing
    if task.growing and kind is not None:
        rows = data.actual[task.test]
        one, seconds = model_of(candidate.estimator), task.seconds
        learned, watched = (train, target), (test, rows)
        if kind != "forest":
            # Forests grow all labels together. The others grow each for itself, so that one may take its share alone.
            middle = int(np.argsort(target.sum(axis=0), kind="stable")[target.shape[1] // 2])
            learned, watched = (train, target[:, middle]), (test, rows[:, middle])
            seconds = 2 * task.seconds / (target.shape[1] + 2)
        grown = grow(kind, one, learned, watched, seconds=seconds, clock=clock)
        found = (grown.parameters, grown.why, 0)
        candidate = candidate.with_parameters("", **grown.parameters)
    head = headless(candidate.estimator)
    head.fit(train, target)
    fitted = clock()
    raw = as_matrix(head.predict_proba(test), head.classes_)
    if task.sized:
        found = (found[0], found[1], stored_bytes(head))
    return _finite(raw), found, fitted


def _finite(predictions: Predictions) -> Predictions:
    if not np.isfinite(predictions).all():
        msg = "it predicts values that are not finite"
        raise ValueError(msg)
    return predictions


def _in_full(raw: npt.NDArray[Any], data: TrainingData, classes: npt.NDArray[Any] | None, *, rows: int) -> Predictions:
    """Predictions in the shape of this task: a class without a training row gets probability 0."""
    if classes is None:
        predictions = np.asarray(raw, dtype=float).reshape(rows)
    else:
        predictions = np.zeros((rows, len(data.classes)))
        predictions[:, classes] = raw
    return _finite(predictions)


def fit_rows(candidate: Candidate, data: TrainingData, rows: Rows, *, codes: bool = False) -> Any:
    """The candidate fitted on the rows at these positions, or on its sample of them; on labels or on class codes."""
    rows = candidate.sample_of(rows)
    target = data.actual if codes else data.target
    with _noted([]):
        return fit_told(
            candidate.build(),
            data.features.iloc[rows],
            target[rows],
            weights=row_weights(candidate, data, rows),
            queries=_queries(data, rows),
        )


def _queries(data: TrainingData, rows: Rows) -> Rows | None:
    return None if data.queries is None else data.queries[rows]


def row_weights(candidate: Candidate, data: TrainingData, rows: Rows) -> npt.NDArray[np.float64] | None:
    """What the rows at these positions count for when `candidate` is fitted: the data's weights times its own."""
    given = [one for one in (data.weights, candidate.row_weights) if one is not None]
    return np.prod([one[rows] for one in given], axis=0) if given else None


def predict(model: Any, data: TrainingData, rows: Rows, *, codes: bool = False) -> Predictions:
    """Predictions of a fitted model for `rows`: numbers (m,), or probabilities (m, k) in the order of `data.classes`.

    Raises
    ------
    ValueError
        If the model gives no probabilities for a classification task, or anything that is not finite.
    """
    if not len(rows):
        return data.empty_predictions()[:0]
    features = data.features.iloc[rows]
    if data.task == "regression":
        return _in_full(model.predict(features), data, None, rows=len(rows))
    if not hasattr(model, "predict_proba"):
        msg = "it has no predict_proba; wrap it in CalibratedClassifierCV"
        raise ValueError(msg)
    if data.task == "multilabel":
        return _finite(as_matrix(model.predict_proba(features), model.classes_))
    known = model.classes_.astype(int) if codes else np.searchsorted(data.classes, model.classes_)
    return _in_full(model.predict_proba(features), data, known, rows=len(rows))


@contextlib.contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Collect warnings, keep what estimators print off standard output, and linear algebra on one core.

    Threads of linear algebra gain little at the sizes of a fold, and cost much on a machine that is busy otherwise.
    """
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(sys.stderr),
        threadpool_limits(limits=1, user_api="blas"),
    ):
        warnings.simplefilter("always")
        yield
    # Networks learn for as many rounds as they are given, and that is meant.
    caught = [item for item in caught if not str(item.message).startswith("Stochastic Optimizer: Maximum iterations")]
    notes += [f"{item.category.__name__}: {' '.join(str(item.message).split())[:160]}" for item in caught]
