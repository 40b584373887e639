"""The models that are always tried, as data: a family, what it needs, its parameters, and why it is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from ml_engineer.modelling.candidate import Candidate, Family
from ml_engineer.modelling.columns import Columns, sort_columns
from ml_engineer.modelling.preparation import View, prepare
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["PORTFOLIO", "PortfolioEntry", "baseline_candidate", "build_portfolio"]

_ABSOLUTE = frozenset({"mae", "median_absolute_error"})
_ONE_THREAD_ROWS = 20_000


@dataclass(frozen=True)
class PortfolioEntry:
    """One configuration that does well on many tables.

    Parameters
    ----------
    name, family : str
        See `Candidate`.
    view : {'scaled', 'codes'}
        The preparation it needs.
    classifier, regressor : type
        Classes of the model.
    why : str
        What speaks for it.
    both, classification, regression : mapping
        Parameters of either class, of the classifier, of the regressor.
    """

    name: str
    family: Family
    view: View
    classifier: type[BaseEstimator]
    regressor: type[BaseEstimator]
    why: str
    both: Mapping[str, Any] = field(default_factory=dict)
    classification: Mapping[str, Any] = field(default_factory=dict)
    regression: Mapping[str, Any] = field(default_factory=dict)


def _linear(name: str, why: str, *, penalty_inverse: float, alpha: float) -> PortfolioEntry:
    return PortfolioEntry(
        name,
        "linear",
        "scaled",
        LogisticRegression,
        Ridge,
        why,
        classification={"C": penalty_inverse, "max_iter": 1000},
        regression={"alpha": alpha},
    )


def _boosting(name: str, why: str, **parameters: Any) -> PortfolioEntry:
    return PortfolioEntry(name, "boosting", "codes", LGBMClassifier, LGBMRegressor, why, both=parameters)


PORTFOLIO: tuple[PortfolioEntry, ...] = (
    _linear(
        "linear", "A straight line in every feature: the simplest model that learns.", penalty_inverse=0.3, alpha=1.0
    ),
    _linear(
        "linear_strict",
        "A linear model held back strongly, for few rows or many columns.",
        penalty_inverse=0.02,
        alpha=30.0,
    ),
    _boosting("boosting", "Boosted trees of medium size: the best single model on most tables.", learning_rate=0.05),
    _boosting(
        "boosting_shallow",
        "Boosted trees of five leaves: nearly additive, hard to overfit, good for few rows.",
        learning_rate=0.05,
        num_leaves=5,
        min_child_samples=5,
        colsample_bytree=0.7,
    ),
    PortfolioEntry(
        "extra_trees",
        "forest",
        "codes",
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        "Trees with random cut points, averaged: smooth, and strong where rows resemble each other.",
        both={"n_estimators": 200, "max_features": 0.75, "min_samples_leaf": 2, "max_leaf_nodes": 15_000},
    ),
    PortfolioEntry(
        "random_forest",
        "forest",
        "codes",
        RandomForestClassifier,
        RandomForestRegressor,
        "Trees on resampled rows, averaged: robust with little tuning.",
        both={"n_estimators": 200, "min_samples_leaf": 2, "max_leaf_nodes": 15_000},
        classification={"max_features": "sqrt"},
        regression={"max_features": 0.5},
    ),
    _boosting(
        "boosting_deep",
        "Large boosted trees that see half of the features at a time, with a low learning rate.",
        learning_rate=0.02,
        num_leaves=84,
        min_child_samples=3,
        colsample_bytree=0.53,
        subsample=0.98,
        subsample_freq=1,
        reg_lambda=0.84,
    ),
)
"""In the order in which they are raced: cheap ones first."""


def build_portfolio(data: TrainingData, *, seed: int, threads: int) -> tuple[Candidate, ...]:
    """The portfolio for these columns and this task; empty if no column can be used.

    Parameters
    ----------
    data : TrainingData
        Development rows.
    seed : int
        Random state of every model.
    threads : int
        Threads that one fit may use; small tables are fitted with one, which is faster and the same everywhere.
    """
    columns = sort_columns(data.features, text_columns=data.text_columns)
    used = threads if data.rows >= _ONE_THREAD_ROWS else 1
    built = (_build(entry, data, columns, seed=seed, threads=used) for entry in PORTFOLIO)
    return tuple(candidate for candidate in built if candidate is not None)


def baseline_candidate(data: TrainingData) -> Candidate:
    """The naive rule as an estimator, so that it can be a champion too."""
    if data.task == "regression":
        strategy = "median" if data.metric in _ABSOLUTE else "mean"
        return Candidate(
            "baseline",
            "baseline",
            DummyRegressor(strategy=strategy),
            f"Always predicts the {strategy} of its training rows.",
        )
    why = "Always predicts the class shares of its training rows."
    return Candidate("baseline", "baseline", DummyClassifier(strategy="prior"), why)


def _build(entry: PortfolioEntry, data: TrainingData, columns: Columns, *, seed: int, threads: int) -> Candidate | None:
    preparation = prepare(columns, entry.view, rows=data.rows, seed=seed)
    if preparation is None:
        return None
    regression = data.task == "regression"
    kind = entry.regressor if regression else entry.classifier
    parameters = {**entry.both, **(entry.regression if regression else entry.classification)}
    model = kind(**parameters, **_house_rules(entry.family, data, seed=seed, threads=threads))
    return Candidate(
        entry.name,
        entry.family,
        Pipeline([("prepare", preparation.transformer), ("model", model)]),
        entry.why,
        lists=preparation.lists,
        early_stopping=entry.family == "boosting",
    )


def _house_rules(family: Family, data: TrainingData, *, seed: int, threads: int) -> dict[str, Any]:
    """What makes a fit come out the same twice, and judged by what the problem is judged by."""
    if family == "boosting":
        rules = {
            "random_state": seed,
            "n_jobs": threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        return {**rules, "objective": "regression_l1"} if data.metric in _ABSOLUTE else rules
    if family == "forest":
        return {"random_state": seed, "n_jobs": threads}
    return {}
