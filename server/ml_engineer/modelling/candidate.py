"""One model to try, and the source text that it is built from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from ml_engineer.modelling.preparation import ColumnList
from ml_engineer.modelling.source_code import NotWritable, SourceCode, build_from_source, write_source
from ml_engineer.statistics.resampling import sample_rows
from ml_engineer.vocabulary.training import Family

__all__ = ["ON_SAMPLE", "SIMPLICITY", "Candidate", "Growing", "headless", "model_of", "pipeline_of", "with_seed"]

SIMPLICITY: dict[Family, int] = {
    "baseline": 0,
    "linear": 1,
    "kernel": 2,
    "neighbours": 2,
    "forest": 3,
    "boosting": 4,
    "network": 5,
    "user": 6,
    "ensemble": 7,
}
"""Which family is preferred if two score the same: how hard it is to say why it predicts what it predicts."""

ON_SAMPLE = "_on_sample"
"""What the name of a candidate ends with that learns from a sample of the rows."""
_AROUND = (OneVsRestClassifier, BaggingClassifier, BaggingRegressor)
"""What holds several of one model: the settings that matter are the model's."""

Growing = Literal["lightgbm", "catboost", "xgboost", "forest"]
"""Models that grow tree by tree, whose number of trees is found before the folds."""


@dataclass(frozen=True)
class Candidate:
    """One model to try.

    Parameters
    ----------
    name : str
        For people; unique in a search.
    family : Family
        Kind of model.
    estimator : sklearn.base.BaseEstimator
        Unfitted; takes the feature frame as it is.
    why : str
        What speaks for it, as champion.py says it.
    lists : tuple of ColumnList
        Column lists that its source names.
    view : str
        Name of its preparation: candidates with the same one share what was prepared for a fold. Empty if the
        estimator is not one of the portfolio's pipelines.
    growing : Growing, optional
        The library whose trees are to be counted before the folds.
    origin : str
        Hash of the file that built it, for a candidate of the user's; tells two versions of it apart.
    seed : int
        What random states that it left open were set to, for a candidate of the user's.
    members : tuple of (Candidate, float)
        Parts of an ensemble, with their weights.
    row_weights : numpy.ndarray of shape (n,), optional
        What each development row counts for in fitting this candidate, beside the weights that the data has.
    mitigates : str
        Sensitive column whose groups it is weighted for; it is priced beside the leader, and never chosen.
    most_rows : int, optional
        It learns from so many of the rows that it is given, where these are more; from all without it.
    """

    name: str
    family: Family
    estimator: BaseEstimator
    why: str = ""
    lists: tuple[ColumnList, ...] = ()
    view: str = ""
    growing: Growing | None = None
    origin: str = ""
    seed: int = 0
    members: tuple[tuple[Candidate, float], ...] = ()
    row_weights: npt.NDArray[np.float64] | None = field(default=None, compare=False)
    mitigates: str = ""
    most_rows: int | None = None

    @property
    def entry(self) -> str:
        """Its name where it was built, which in the search may be another one."""
        return self.name if self.most_rows is None else self.name.removesuffix(ON_SAMPLE)

    @property
    def constants(self) -> dict[str, tuple[str, ...]]:
        """Column lists by the name they have in the source."""
        return {part.constant: part.columns for part in self.lists}

    @cached_property
    def source(self) -> SourceCode | NotWritable:
        """The estimator as source, or why there is none."""
        return write_source(self.estimator, constants=self.constants)

    def build(self) -> Any:
        """A fresh unfitted estimator: what the source builds, so that champion.py gives what was scored."""
        if isinstance(self.source, NotWritable):
            return clone(self.estimator)
        return build_from_source(self.source, constants=self.constants)

    @cached_property
    def identity(self) -> str:
        """Text that changes whenever the model would."""
        own = "" if self.row_weights is None else hashlib.sha256(self.row_weights.tobytes()).hexdigest()
        own += "" if self.most_rows is None else f" of {self.most_rows} rows"
        if isinstance(self.source, NotWritable):
            return f"{self.origin}:{self.seed}:{self.name}{own}"
        return repr((self.source.imports, self.source.body(), self.lists)) + own

    def with_parameters(self, why: str, **parameters: Any) -> Candidate:
        """The same candidate with other parameters of its model and one more reason; its trees count as found."""
        estimator = clone(self.estimator)
        model_of(estimator).set_params(**parameters)
        return replace(self, estimator=estimator, why=f"{self.why} {why}".strip(), growing=None)

    def sample_of(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Those of the rows at these positions, (n,), that it learns from: the same whenever it is given the same."""
        return rows if self.most_rows is None else sample_rows(rows, self.most_rows)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Parameters of the model (the last step) that differ from their defaults, as text."""
        if self.members:
            return {member.name: f"weight {weight:.3g}" for member, weight in self.members}
        model = pipeline_of(self.estimator)
        while hasattr(model, "steps"):
            model = model.steps[-1][1]
        model = model.estimator if isinstance(model, _AROUND) else model
        if not isinstance(model, BaseEstimator):
            return {}
        usual = _usual(type(model))
        shown = {"model": type(model).__name__}
        for name, value in model.get_params(deep=False).items():
            if name not in usual or repr(usual[name]) != repr(value):
                shown[name] = repr(value)[:200]
        return shown


def pipeline_of(estimator: Any) -> Any:
    """The pipeline inside of a transformed target or a vote of one, or the estimator itself."""
    if isinstance(estimator, TransformedTargetRegressor):
        return pipeline_of(estimator.regressor)
    if isinstance(estimator, VotingClassifier | VotingRegressor) and len(estimator.estimators) == 1:
        return pipeline_of(estimator.estimators[0][1])
    return estimator


def model_of(estimator: Any) -> Any:
    """The model at the end of a pipeline, from inside of one label against the rest, an average of its kind, or what calibrates it."""
    model = pipeline_of(estimator)[-1]
    while isinstance(model, (*_AROUND, CalibratedClassifierCV)):
        model = model.estimator
    return model


def headless(estimator: Any) -> Any:
    """The same unfitted estimator for rows that are prepared already: a pipeline loses its first step."""
    if isinstance(estimator, TransformedTargetRegressor):
        return clone(estimator).set_params(regressor=headless(estimator.regressor))
    if isinstance(estimator, VotingClassifier | VotingRegressor):
        return clone(estimator).set_params(estimators=[(name, headless(one)) for name, one in estimator.estimators])
    if not isinstance(estimator, Pipeline):
        return clone(estimator)
    return clone(estimator[-1] if len(estimator.steps) == 2 else estimator[1:])


def _usual(kind: type) -> dict[str, Any]:
    try:
        return dict(kind().get_params(deep=False))
    except TypeError:  # a meta-estimator needs an argument
        return {}


def with_seed(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """A copy whose random states that were left open are `seed`, so that the same search gives the same model."""
    copy = clone(estimator)
    parameters = copy.get_params(deep=True)
    open_states = {
        name: seed for name, value in parameters.items() if name.split("__")[-1] == "random_state" and value is None
    }
    return copy.set_params(**open_states) if open_states else copy
