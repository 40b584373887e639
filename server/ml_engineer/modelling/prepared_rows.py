"""Rows as a view prepares them, worked out once a fold for all candidates that share the view."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor

from ml_engineer.modelling.candidate import Candidate, pipeline_of
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["prepared_rows", "target_scale"]

_MAPPED_FROM_BYTES = 2**26
"""Larger files are mapped instead of read, so that two fits at once hold one copy."""


def prepared_rows(
    candidate: Candidate,
    data: TrainingData,
    train: npt.NDArray[np.integer],
    test: npt.NDArray[np.integer],
    *,
    place: str,
    folder: Path | None,
) -> tuple[Any, Any, bool]:
    """Training and test rows as the first step of the candidate's pipeline gives them to the others.

    Parameters
    ----------
    candidate : Candidate
        One of a view.
    data : TrainingData
        Features and target.
    train, test : numpy.ndarray of int
        Positions.
    place : str
        Name of these rows.
    folder : pathlib.Path, optional
        Where prepared rows are kept for the next candidate.

    Returns
    -------
    train, test : matrix
        Prepared rows.
    fresh : bool
        Whether they were worked out now.
    """
    if folder is None:
        return *_prepare(candidate, data, train, test), True
    path = folder / f"{candidate.view}_{_target_name(candidate)}_{place}.joblib"
    if path.exists():
        mapped = path.stat().st_size > _MAPPED_FROM_BYTES
        first, second = joblib.load(path, mmap_mode="r" if mapped else None)
        return first, second, False
    pair = _prepare(candidate, data, train, test)
    handle, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as stream:
        joblib.dump(pair, stream)
    Path(temporary).replace(path)  # whole or not at all: another process may look for it now
    return *pair, True


def _target_name(candidate: Candidate) -> str:
    """Tells apart candidates of one view that learn the target on different scales."""
    estimator = candidate.estimator
    if not isinstance(estimator, TransformedTargetRegressor):
        return "plain"
    if estimator.func is not None:
        return "log"
    steps = getattr(estimator.transformer, "steps", [("only", estimator.transformer)])
    return "_".join(f"{name}_{type(step).__name__}" for name, step in steps)


def target_scale(
    estimator: Any, target: npt.NDArray[Any]
) -> tuple[Callable[[npt.NDArray[Any]], npt.NDArray[Any]], Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]:
    """What a transformed-target regressor does to its target of shape (n,), there and back."""
    if not isinstance(estimator, TransformedTargetRegressor):
        return (lambda values: values), (lambda values: values)
    if estimator.func is not None:
        return estimator.func, estimator.inverse_func
    scale = clone(estimator.transformer).fit(target[:, None])
    return (lambda values: np.asarray(scale.transform(values[:, None])[:, 0])), (
        lambda values: np.asarray(scale.inverse_transform(values[:, None])[:, 0])
    )


def _prepare(
    candidate: Candidate, data: TrainingData, train: npt.NDArray[np.integer], test: npt.NDArray[np.integer]
) -> tuple[Any, Any]:
    preparation = pipeline_of(candidate.build())[0]
    target = data.actual[train]
    if data.task not in {"regression", "multilabel"}:
        target = np.unique(target, return_inverse=True)[1]
    # Means of a target that is learned on another scale are means on that scale.
    target = target_scale(candidate.estimator, target)[0](target)
    first = preparation.fit_transform(data.features.iloc[train], target)
    return first, preparation.transform(data.features.iloc[test])
