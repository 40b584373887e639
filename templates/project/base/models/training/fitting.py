"""Fit a model so that a row counts by its weight, where rows have one."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch
from sklearn.utils.validation import has_fit_parameter


def fit(model: Any, features: pd.DataFrame, target: np.ndarray, weights: np.ndarray | None) -> Any:
    """Fit `model`; a model that takes no weights counts every row once, and so does such a member of a vote.

    The weights go to the last step of a pipeline: what prepares rows describes the table, and counts each once.
    """
    if weights is None:
        return model.fit(features, target)
    if isinstance(model, Pipeline) and isinstance(model.steps[-1][1], FrozenEstimator):
        # A calibrated model: the first step learns, the others do not, the last is fixed.
        fit(model.steps[0][1], features, target, weights)
        return model
    if isinstance(model, VotingClassifier | VotingRegressor):
        return _fit_members(model, features, target, weights)
    if not takes_weights(model):
        return model.fit(features, target)
    return model.fit(features, target, **{_argument(model): weights})


def takes_weights(model: Any) -> bool:
    """Tell whether a model that is no vote lets rows count by a weight."""
    if isinstance(model, TransformedTargetRegressor):
        return takes_weights(model.regressor)
    if isinstance(model, Pipeline):
        return takes_weights(model.steps[-1][1])
    if isinstance(model, BaggingClassifier | BaggingRegressor) and not model.bootstrap:
        return False  # it draws rows by their weights, and without repeats draws all of them
    return has_fit_parameter(model, "sample_weight")


def _fit_members(vote: Any, features: pd.DataFrame, target: np.ndarray, weights: np.ndarray) -> Any:
    """Fit the members of a vote one by one: scikit-learn does not hand a vote's weights into pipelines."""
    learned = target
    if isinstance(vote, VotingClassifier):
        vote.le_ = LabelEncoder().fit(target)
        vote.classes_ = vote.le_.classes_
        learned = vote.le_.transform(target)
    members = [(name, member) for name, member in vote.estimators if member != "drop"]
    vote.estimators_ = [fit(clone(member), features, learned, weights) for _, member in members]
    vote.named_estimators_ = Bunch(**dict(zip([name for name, _ in members], vote.estimators_, strict=True)))
    vote.feature_names_in_ = features.columns.to_numpy(dtype=object)
    return vote


def _argument(model: Any) -> str:
    """Name what `fit` calls the weights: a pipeline puts the names of its steps before."""
    if isinstance(model, TransformedTargetRegressor):
        return _argument(model.regressor)
    if isinstance(model, Pipeline):
        name, step = model.steps[-1]
        return f"{name}__{_argument(step)}"
    return "sample_weight"
