"""Fitting with a weight per row, whatever stands around the model that takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch
from sklearn.utils.validation import has_fit_parameter

__all__ = ["fit_weighted", "put_together", "takes_weights"]

Weights = npt.NDArray[np.floating]


def fit_weighted(model: Any, features: Any, target: npt.NDArray[Any], weights: Weights | None) -> Any:
    """Fit `model` so that a row counts by its weight.

    A pipeline hands the weights to its last step alone: what prepares rows describes the table, and counts each once.
    The members of a vote are fitted one by one, because scikit-learn does not hand a vote's weights into pipelines; a
    member that takes no weights counts every row once, and the others still count by them.
    Of a calibrated model the weights go to the model, for its last step is fixed.

    Parameters
    ----------
    model : estimator
        Unfitted; fitted in place, as by its own ``fit``.
    features : frame or matrix of n rows
        What it learns from.
    target : numpy.ndarray of shape (n,)
        Labels or numbers.
    weights : numpy.ndarray of shape (n,) or None
        Not negative; None is plain ``model.fit``, and so it is for what takes no weights (`takes_weights`).

    Returns
    -------
    estimator
        `model`.
    """
    if weights is None:
        return model.fit(features, target)
    if _ends_fixed(model):
        # Steps between the first, which learns, and the last, which is fixed, learn nothing.
        fit_weighted(model.steps[0][1], features, target, weights)
        return model
    if isinstance(model, VotingClassifier | VotingRegressor):
        # Members of a vote over classes learn codes from 0 on, as scikit-learn has it.
        codes = LabelEncoder().fit_transform(target) if isinstance(model, VotingClassifier) else target
        members = [fit_weighted(clone(member), features, codes, weights) for _, member in _voting(model)]
        return put_together(model, members, target)
    if not takes_weights(model):
        return model.fit(features, target)
    return model.fit(features, target, **{_argument(model): weights})


def takes_weights(model: Any) -> bool:
    """Whether the model, or each member of a vote, lets rows count by a weight.

    A vote of which only some members do is fitted with weights all the same (`fit_weighted`): what is asked here is whether
    weights reach all of it.
    """
    if _ends_fixed(model):
        return takes_weights(model.steps[0][1])
    if isinstance(model, VotingClassifier | VotingRegressor):
        return all(takes_weights(member) for _, member in _voting(model))
    last = _last(model)
    if isinstance(last, BaggingClassifier | BaggingRegressor) and not last.bootstrap:
        return False  # it draws rows by their weights, and without repeats draws all of them
    return bool(has_fit_parameter(last, "sample_weight"))


def put_together(vote: Any, models: Sequence[Any], target: npt.NDArray[Any]) -> Any:
    """The fitted vote of members that were fitted apart: what fitting `vote` on `target` (n,) would give."""
    vote.estimators_ = list(models)
    vote.named_estimators_ = Bunch(**dict(zip((name for name, _ in _voting(vote)), models, strict=True)))
    if isinstance(vote, VotingClassifier):
        vote.le_ = LabelEncoder().fit(target)
        vote.classes_ = vote.le_.classes_
    if hasattr(models[0], "feature_names_in_"):
        vote.feature_names_in_ = models[0].feature_names_in_
    return vote


def _voting(vote: Any) -> list[tuple[str, Any]]:
    """Members of a vote by name, without those that were dropped."""
    return [(name, member) for name, member in vote.estimators if not isinstance(member, str)]


def _ends_fixed(model: Any) -> bool:
    """Whether it is a calibrated model: a vote, and behind it a map that was learned before."""
    return isinstance(model, Pipeline) and isinstance(model.steps[-1][1], FrozenEstimator)


def _last(model: Any) -> Any:
    """The estimator that the weights go to."""
    if isinstance(model, TransformedTargetRegressor):
        return _last(model.regressor)
    return _last(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def _argument(model: Any) -> str:
    """What ``fit`` calls the weights: a pipeline puts the names of its steps before."""
    if isinstance(model, TransformedTargetRegressor):
        return _argument(model.regressor)
    if isinstance(model, Pipeline):
        name, step = model.steps[-1]
        return f"{name}__{_argument(step)}"
    return "sample_weight"
