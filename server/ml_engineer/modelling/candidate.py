"""One model to try, and the source text that it is built from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from sklearn.base import BaseEstimator, clone

from ml_engineer.modelling.preparation import ColumnList
from ml_engineer.modelling.source_code import NotWritable, SourceCode, build_from_source, write_source

__all__ = ["SIMPLICITY", "Candidate", "Family", "with_seed"]

Family = Literal["baseline", "linear", "boosting", "forest", "user"]
SIMPLICITY: dict[Family, int] = {"baseline": 0, "linear": 1, "forest": 2, "boosting": 3, "user": 4}
"""Which family is preferred if two score exactly the same."""


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
    early_stopping : bool
        Whether its last step is a LightGBM model whose rounds are to be found first.
    origin : str
        Hash of the file that built it, for a candidate of the user's; tells two versions of it apart.
    seed : int
        What random states that it left open were set to, for a candidate of the user's.
    """

    name: str
    family: Family
    estimator: BaseEstimator
    why: str = ""
    lists: tuple[ColumnList, ...] = ()
    early_stopping: bool = False
    origin: str = ""
    seed: int = 0

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
        if isinstance(self.source, NotWritable):
            return f"{self.origin}:{self.seed}:{self.name}"
        return repr((self.source.imports, self.source.body(), self.lists))

    def with_parameters(self, why: str, **parameters: Any) -> Candidate:
        """The same candidate with other parameters and one more reason."""
        estimator = clone(self.estimator).set_params(**parameters)
        return replace(self, estimator=estimator, why=f"{self.why} {why}".strip(), early_stopping=False)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Parameters of the model (the last step) that differ from their defaults, as text."""
        model = self.estimator
        while hasattr(model, "steps"):
            model = model.steps[-1][1]
        if not isinstance(model, BaseEstimator):
            return {}
        usual = _usual(type(model))
        shown = {"model": type(model).__name__}
        for name, value in model.get_params(deep=False).items():
            if name not in usual or repr(usual[name]) != repr(value):
                shown[name] = repr(value)[:200]
        return shown


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
