"""A fitted champion that answers faster, and the same: an average prepares rows once for all parts that agree on how.

Of a prediction by scikit-learn's own objects, most is spent around the arithmetic: each step of each part checks the
table, its names and its types, and prepares again what the part before has prepared. Here the structure that the
search and champion.py build (votes, transformed targets, pipelines, calibration) is walked once, when the model is
there. Rows or parts that are not known to come out the same are left to the model itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.modelling.fast_models import Ask, fast_model
from ml_engineer.modelling.fast_preparation import fast_preparation
from ml_engineer.modelling.fast_rows import NotFastError, Rows

__all__ = ["FastModel"]

_Answer = Callable[[Rows], npt.NDArray[Any]]


class FastModel:
    """A fitted model, and a faster way to its answers.

    Attributes that are not named here are the model's.

    Parameters
    ----------
    model : estimator
        Fitted on a frame; not changed.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        # Of several labels, forests and neighbours give a list with an array for each.
        listed = isinstance(getattr(model, "classes_", None), list)
        ask: Ask = "predict_proba" if hasattr(model, "predict_proba") and not listed else "predict"
        self._ask = ask
        self._answer = _walked(model, ask)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "model":
            raise AttributeError(name)
        return getattr(self.model, name)

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]  # ways are closures, which no file holds: they are found again

    @property
    def predict_proba(self) -> Callable[[Any], npt.NDArray[Any]]:
        """Probability of each class for a frame of n rows, shape (n, k); only if the model gives such."""
        asked = self.model.predict_proba
        return self._answered if self._ask == "predict_proba" else asked

    def predict(self, features: Any) -> npt.NDArray[Any]:
        """Labels or numbers for a frame of n rows, shape (n,)."""
        return self._answered(features) if self._ask == "predict" else np.asarray(self.model.predict(features))

    def _answered(self, features: Any) -> npt.NDArray[Any]:
        try:
            return self._answer(Rows(features))
        except NotFastError:
            return np.asarray(getattr(self.model, self._ask)(features))


def _walked(model: Any, ask: Ask) -> _Answer:
    """The way to the answers of `model` for feature rows."""
    if isinstance(model, VotingClassifier) and model.voting == "soft" and ask == "predict_proba":
        return _averaged(model, ask)
    if isinstance(model, VotingRegressor):
        return _averaged(model, ask)
    if isinstance(model, TransformedTargetRegressor):
        return _taken_back(model)
    if isinstance(model, Pipeline):
        return _through(model, ask) or _own(model, ask)
    return _own(model, ask)


def _own(model: Any, ask: Ask) -> _Answer:
    asked = getattr(model, ask)
    return lambda rows: np.asarray(asked(rows.frame))


def _averaged(vote: Any, ask: Ask) -> _Answer:
    parts = [_walked(one, ask) for one in vote.estimators_]
    kept = [one != "drop" for _, one in vote.estimators]
    weights = None if vote.weights is None else [one for one, keep in zip(vote.weights, kept, strict=True) if keep]

    def average(rows: Rows) -> npt.NDArray[Any]:
        said = np.asarray([part(rows) for part in parts])
        return np.asarray(np.average(said, axis=0, weights=weights))

    return average


def _taken_back(model: TransformedTargetRegressor) -> _Answer:
    inner = _walked(model.regressor_, "predict")
    back = model.transformer_.inverse_transform

    def take_back(rows: Rows) -> npt.NDArray[Any]:
        said = inner(rows)
        if said.ndim != 1:
            raise NotFastError
        with _quiet():
            return np.asarray(back(said[:, None]))[:, 0]

    return take_back


def _through(pipeline: Pipeline, ask: Ask) -> _Answer | None:
    """Through the steps of a pipeline; None if its first is neither a preparation nor a vote of one."""
    (_, first), *others = pipeline.steps
    if not others:
        return None
    begin: Callable[[Rows], Any] | None = None
    if isinstance(first, ColumnTransformer):
        begin = fast_preparation(first)
    elif isinstance(first, VotingClassifier) and first.voting == "soft" and len(first.estimators_) == 1:
        begin = _walked(first.estimators_[0], "predict_proba")
    if begin is None:
        return None
    middle = [_step(one) for _, one in others[:-1]]
    last = others[-1][1]
    end = fast_model(last.estimator if isinstance(last, FrozenEstimator) else last, ask)

    def through(rows: Rows) -> npt.NDArray[Any]:
        values = begin(rows)
        # What comes out of the steps before is known to be finite, or is meant to be missing.
        with _quiet():
            for each in middle:
                values = each(values)
            return np.asarray(end(values))

    return through


def _step(step: Any) -> Callable[[Any], Any]:
    if isinstance(step, FunctionTransformer) and step.func is not None and not step.validate:
        return lambda values: step.func(values, **(step.kw_args or {}))
    return step.transform


def _quiet() -> Any:
    """Without scikit-learn's checks of what it was given, and with matrices whatever the caller has set."""
    return config_context(assume_finite=True, skip_parameter_validation=True, transform_output="default")
