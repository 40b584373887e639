"""One fit: a candidate on one fold, an independent piece of work that is journalled when it is done."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.errors import JobCancelledError
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.training_data import Predictions, TrainingData

__all__ = ["Failure", "FoldFit", "Journal", "attempt", "fit_fold", "fit_rows", "journal_key", "predict", "refit"]

Clock = Callable[[], float]
Arrays = Mapping[str, npt.NDArray[Any]]


class Journal(Protocol):
    """Finished pieces of work by key; survives the process."""

    def find(self, key: str) -> Arrays | None:
        """What was kept under `key`, or None."""

    def keep(self, key: str, arrays: Arrays) -> None:
        """Keep `arrays` under `key`, whole or not at all."""


@dataclass(frozen=True)
class FoldFit:
    """A finished fit.

    Parameters
    ----------
    predictions : numpy.ndarray of shape (m,) or (m, k)
        For the m rows that were left out.
    fit_seconds, predict_seconds : float
        What it took.
    notes : tuple of str
        Warnings that the libraries gave, one line each.
    """

    predictions: Predictions
    fit_seconds: float
    predict_seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a fit could not be done."""

    reason: str


def journal_key(data: TrainingData, candidate: Candidate, part: str) -> str:
    """Name of a piece of work: changes with the data, the model and the part."""
    return hashlib.sha256("\0".join((data.fingerprint, candidate.identity, part)).encode()).hexdigest()


def fit_fold(candidate: Candidate, data: TrainingData, fold: int, *, clock: Clock, journal: Journal) -> FoldFit:
    """Fit on a fold's training rows and predict its test rows, unless the journal has it already."""
    key = journal_key(data, candidate, f"fold {fold}")
    kept = journal.find(key)
    if kept is not None:
        return FoldFit(
            kept["predictions"], float(kept["fit_seconds"]), float(kept["predict_seconds"]), tuple(kept["notes"])
        )
    train, test = data.pairs[fold]
    notes: list[str] = []
    with _noted(notes):
        start = clock()
        model = candidate.build().fit(data.features.iloc[train], data.target[train])
        fitted = clock()
        predictions = predict(model, data, test)
        done = FoldFit(predictions, fitted - start, clock() - fitted, tuple(dict.fromkeys(notes)))
    journal.keep(
        key,
        {
            "predictions": done.predictions,
            "fit_seconds": np.array(done.fit_seconds),
            "predict_seconds": np.array(done.predict_seconds),
            "notes": np.array(done.notes, dtype=str),
        },
    )
    return done


def refit(candidate: Candidate, data: TrainingData) -> Any:
    """The candidate fitted on all development rows."""
    return fit_rows(candidate, data, np.arange(data.rows))


def fit_rows(candidate: Candidate, data: TrainingData, rows: npt.NDArray[np.integer]) -> Any:
    """The candidate fitted on the rows at these positions."""
    with _noted([]):
        return candidate.build().fit(data.features.iloc[rows], data.target[rows])


def predict(model: Any, data: TrainingData, rows: npt.NDArray[np.integer]) -> Predictions:
    """Predictions of a fitted model for `rows`: numbers (m,), or probabilities (m, k) in the order of `data.classes`.

    Raises
    ------
    ValueError
        If the model gives no probabilities for a classification task, or anything that is not finite.
    """
    features = data.features.iloc[rows]
    if data.task == "regression":
        predictions = np.asarray(model.predict(features), dtype=float).reshape(len(rows))
    else:
        if not hasattr(model, "predict_proba"):
            msg = "it has no predict_proba; wrap it in CalibratedClassifierCV"
            raise ValueError(msg)
        known = np.searchsorted(data.classes, model.classes_)
        # A class without a training row in this fold gets probability 0.
        predictions = np.zeros((len(rows), len(data.classes)))
        predictions[:, known] = model.predict_proba(features)
    if not np.isfinite(predictions).all():
        msg = "it predicts values that are not finite"
        raise ValueError(msg)
    return predictions


def attempt(work: Callable[[], Any]) -> Any | Failure:
    """Do `work`; whatever it raises becomes a `Failure`, because a candidate that fails costs only itself."""
    try:
        return work()
    except JobCancelledError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  (estimators are anybody's code)
        text = " ".join(str(error).split())
        return Failure(f"{type(error).__name__}: {text[:240]}" if text else type(error).__name__)


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
    notes += [f"{item.category.__name__}: {' '.join(str(item.message).split())[:160]}" for item in caught]
