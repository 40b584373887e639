"""Which models are tried for a table and a task: the entries that fit, built as candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml_engineer.modelling.candidate import Candidate, Growing
from ml_engineer.modelling.columns import Columns, sort_columns
from ml_engineer.modelling.engines import BUILDERS, EngineSettings
from ml_engineer.modelling.portfolio_entries import (
    COUNTS,
    COX,
    FOUNDATION,
    LEVELS,
    PORTFOLIO,
    RANKERS,
    Engine,
    PortfolioEntry,
)
from ml_engineer.modelling.preparation import TargetType, View, prepare
from ml_engineer.modelling.training_data import ABSOLUTE, TrainingData
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.training import Family

__all__ = ["baseline_candidate", "build_candidate", "build_portfolio"]

_SKEWED_TARGET = 1.0
_BEYOND = 0.1
"""How far beyond the targets that were seen a model of their logarithm may predict, as a share of their range."""
_QUANTILE_ENGINES: frozenset[Engine] = frozenset({"linear", "lightgbm", "catboost", "xgboost"})
_MOST_QUANTILE_ROWS = 5_000
"""Above this, the linear program of a straight line takes too long."""
_FAMILY: Mapping[Engine, Family] = {
    "linear": "linear",
    "selecting": "linear",
    "margins": "linear",
    "bayes": "linear",
    "kernel": "kernel",
    "neighbours": "neighbours",
    "network": "network",
    "support": "kernel",
    "extra_trees": "forest",
    "random_forest": "forest",
    "lightgbm": "boosting",
    "catboost": "boosting",
    "xgboost": "boosting",
    "levels_linear": "linear",
    "levels_boosting": "boosting",
    "levels_trees": "forest",
    "counts_linear": "linear",
    "cox": "linear",
    "cox_trees": "boosting",
    "cox_forest": "forest",
    "foundation": "network",
}
_GROWING: Mapping[Engine, Growing] = {
    "extra_trees": "forest",
    "random_forest": "forest",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "cox_trees": "xgboost",
}
_DENSE: frozenset[Engine] = frozenset({"selecting", "kernel", "neighbours", "network", "support"})
_MOST_BORDERS, _MOST_TOLD_APART, _FEWEST_TRIED = 20, 30_000, 6
"""Of support vector machines with a border for each class: the most classes, rows times classes, and the least training rows
of one in any fold, as probabilities are tried on fifths of them."""
_LINES: frozenset[Engine] = frozenset({"linear", "margins"})
_OF_WORDS: frozenset[View] = frozenset({"words", "terms", "vectors"})
_SEVERAL_AT_ONCE: frozenset[Engine] = frozenset({"extra_trees", "random_forest", "neighbours", "network"})
"""Models that learn several labels together: shared trees, neighbours and layers, at the price of one."""
_UNFIT: Mapping[Engine, frozenset[Task]] = {
    "bayes": frozenset({"regression"}),
    "foundation": frozenset({"multilabel"}),  # once a label would be too slow
}
_OPTIONAL: Mapping[Engine, str] = {
    "catboost": "catboost",
    "xgboost": "xgboost",
    "cox": "xgboost",
    "cox_trees": "xgboost",
    "cox_forest": "xgboost",
    "foundation": "tabicl",
}


def build_portfolio(data: TrainingData, *, seed: int, threads: int) -> tuple[Candidate, ...]:
    """The portfolio for these columns and this task; empty if no column can be used.

    Parameters
    ----------
    data : TrainingData
        Development rows.
    seed : int
        Random state of every model.
    threads : int
        Threads that one fit may use.
    """
    columns = sort_columns(data.features, text_columns=data.text_columns)
    entries: Sequence[PortfolioEntry] = PORTFOLIO
    if data.queries is not None:
        entries = (PORTFOLIO[0], *RANKERS, *PORTFOLIO[1:])
    elif data.named == "survival":
        entries = COX
    if data.named == "ordinal":
        # After the first of each family, so that a short race has tried those too.
        entries = (*PORTFOLIO[:2], *LEVELS, *PORTFOLIO[2:])
    if data.counts and data.quantile is None:
        entries = (*PORTFOLIO[:2], *COUNTS, *PORTFOLIO[2:])
    if data.foundation_model and data.named != "survival":
        entries = (*entries[:2], *FOUNDATION, *entries[2:])
    if 2 * len(columns.text) >= columns.usable > 0:
        # Rows that are mostly text: what reads words comes first.
        entries = sorted(entries, key=lambda entry: entry.view not in _OF_WORDS)
    built = (build_candidate(entry, data, columns, seed=seed, threads=threads) for entry in entries)
    return tuple(candidate for candidate in built if candidate is not None)


def baseline_candidate(data: TrainingData) -> Candidate:
    """The naive rule as an estimator, so that it can be a champion too."""
    if data.named == "survival":
        constant = DummyRegressor(strategy="constant", constant=1.0)
        return Candidate("baseline", "baseline", constant, "Gives every row the same score.")
    if data.task == "regression":
        if data.quantile is not None:
            constant = DummyRegressor(strategy="quantile", quantile=data.quantile)
            why = f"Always predicts the {data.quantile:g} quantile of its training rows."
            return Candidate("baseline", "baseline", constant, why)
        strategy = "median" if data.metric in ABSOLUTE else "mean"
        return Candidate(
            "baseline",
            "baseline",
            DummyRegressor(strategy=strategy),
            f"Always predicts the {strategy} of its training rows.",
        )
    if data.task == "multilabel":
        shares = OneVsRestClassifier(DummyClassifier(strategy="prior"))
        return Candidate("baseline", "baseline", shares, "Always predicts the share of training rows with each label.")
    why = "Always predicts the class shares of its training rows."
    return Candidate("baseline", "baseline", DummyClassifier(strategy="prior"), why)


def build_candidate(
    entry: PortfolioEntry, data: TrainingData, columns: Columns, *, seed: int, threads: int
) -> Candidate | None:
    """The candidate of an entry; None where it does not fit the table or its library is not installed."""
    library = _OPTIONAL.get(entry.engine)
    cells = data.rows * columns.usable
    if data.rows > entry.most_rows or cells > entry.most_cells or (library and find_spec(library) is None):
        return None
    if data.task in _UNFIT.get(entry.engine, ()) or (entry.engine == "support" and not _has_borders(data)):
        return None
    if data.quantile is not None and not _fits_quantile(entry, data, columns):
        return None
    view = _view(entry, columns)
    target_type: TargetType = "survival" if data.named == "survival" else data.target_type
    preparation = prepare(columns, view, rows=data.rows, seed=seed, target_type=target_type, text_model=data.text_model)
    if preparation is None:
        return None
    build = BUILDERS[entry.engine]
    settings = EngineSettings(data, columns, seed, threads, preparation.category_positions, ranks=entry.ranks)
    steps = build(dict(entry.parameters), settings)
    if data.task == "multilabel" and entry.engine not in _SEVERAL_AT_ONCE:
        steps = [*steps[:-1], ("model", OneVsRestClassifier(steps[-1][1]))]
    pipeline = Pipeline([("prepare", preparation.transformer), *steps])
    return Candidate(
        entry.name,
        _FAMILY[entry.engine],
        _around(pipeline, entry, data),
        entry.why,
        lists=preparation.lists,
        view=view,
        growing=_GROWING.get(entry.engine),
    )


def _has_borders(data: TrainingData) -> bool:
    """Whether support vector machines fit the task: of several classes, one machine each, and rows of each to try it on."""
    if data.task != "multiclass":
        return data.task in {"binary", "regression"}
    several = len(data.classes)
    if several > _MOST_BORDERS or data.rows * several > _MOST_TOLD_APART:
        return False
    learned = (data.actual[np.asarray(train)].astype(int) for train, _ in data.all_pairs)
    return all(np.bincount(codes, minlength=several).min() >= _FEWEST_TRIED for codes in learned)


def _view(entry: PortfolioEntry, columns: Columns) -> View:
    """How an entry's rows are prepared where there is text."""
    # Hashed words are too many columns for models that keep a weight or a distance for each.
    if columns.text and entry.engine in _DENSE and entry.view == "scaled":
        return "dense"
    # With no column beside the text both views are the same, and are prepared once.
    return "words" if entry.view == "terms" and columns.usable == len(columns.text) else entry.view


def _around(pipeline: Pipeline, entry: PortfolioEntry, data: TrainingData) -> BaseEstimator:
    """What a pipeline needs around it to take this target."""
    engine = entry.engine
    if data.task != "regression":
        # XGBoost takes class codes from 0 on, and a vote makes them.
        codes = engine == "xgboost" and data.task != "multilabel"
        return VotingClassifier([("model", pipeline)], voting="soft") if codes else pipeline
    # A straight line beyond its training rows, taken back from a logarithm, explodes; curves over ranks end there.
    if data.quantile is not None:
        parts: list[tuple[str, Any]] = [("not_negative", _from_zero_on())] if data.counts else []
        parts += [("scale", StandardScaler())] if engine == "linear" else []
        return _on_scale(pipeline, parts)
    if "objective" in entry.parameters or "loss_function" in entry.parameters or engine == "counts_linear":
        return pipeline  # it has a logarithm of its own
    log = _log_pays(data) and not (engine in _LINES and entry.view != "splines")
    ends_by_itself = engine in _GROWING
    if log and ends_by_itself and not data.counts:
        return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1)
    steps: list[tuple[str, Any]] = []
    if log and not ends_by_itself:
        steps = [("limits", _in_sight(data))]
    elif data.counts:
        steps = [("not_negative", _from_zero_on())]
    steps += [("log", FunctionTransformer(np.log1p, np.expm1))] if log else []
    steps += [("scale", StandardScaler())] if engine in _DENSE else []
    return _on_scale(pipeline, steps)


def _on_scale(pipeline: Pipeline, steps: Sequence[tuple[str, Any]]) -> BaseEstimator:
    """A pipeline that learns its target after these steps, and is taken back through them."""
    if not steps:
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=steps[0][1] if len(steps) == 1 else Pipeline(list(steps)))


def _from_zero_on() -> FunctionTransformer:
    """A target as it is, and predictions not below zero."""
    return FunctionTransformer(inverse_func=np.clip, inv_kw_args={"a_min": 0.0, "a_max": None})


def _in_sight(data: TrainingData) -> FunctionTransformer:
    """A target as it is, and predictions from zero to a tenth beyond the largest that was seen.

    What grows without end over the features, taken back from a logarithm, is many times too large on a row unlike the others.
    Trees end by themselves. The limit is one number for all folds, a tenth beyond what any of them knows, so that champion.py
    can say it.
    """
    largest, smallest = float(data.actual.max()), float(data.actual.min())
    limit = float(f"{largest + _BEYOND * (largest - smallest):.6g}")
    return FunctionTransformer(inverse_func=np.clip, inv_kw_args={"a_min": 0.0, "a_max": limit})


def _fits_quantile(entry: PortfolioEntry, data: TrainingData, columns: Columns) -> bool:
    """Whether a model can learn a quantile, and can in time."""
    if entry.engine == "linear":
        return data.rows <= _MOST_QUANTILE_ROWS and not columns.text and entry.view == "scaled"
    return entry.engine in _QUANTILE_ENGINES


def _log_pays(data: TrainingData) -> bool:
    """Whether the target is a skewed amount, which is learned better as a logarithm."""
    target = data.actual.astype(float)
    if data.metric in ABSOLUTE or data.by_order or target.min() < 0 or len(np.unique(target)) < 20:
        return False
    return _skewness(target) > _SKEWED_TARGET and abs(_skewness(np.log1p(target))) < _skewness(target) / 2


def _skewness(values: np.ndarray) -> float:
    spread = values.std()
    return float(np.mean((values - values.mean()) ** 3) / spread**3) if spread > 0 else 0.0
