"""The models that are always tried, as data: a family, what it needs, its parameters, and why it is here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

from ml_engineer.modelling.candidate import Candidate, Growing
from ml_engineer.modelling.columns import Columns, sort_columns
from ml_engineer.modelling.preparation import View, prepare
from ml_engineer.modelling.training_data import ABSOLUTE, TrainingData
from ml_engineer.statistics.query_metrics import CUTOFF
from ml_engineer.vocabulary.training import Family

__all__ = ["COX", "PORTFOLIO", "RANKERS", "PortfolioEntry", "baseline_candidate", "build_candidate", "build_portfolio"]

_SKEWED_TARGET = 1.0
Engine = Literal[
    "linear",
    "bayes",
    "kernel",
    "neighbours",
    "network",
    "extra_trees",
    "random_forest",
    "lightgbm",
    "catboost",
    "xgboost",
    "levels_linear",
    "levels_boosting",
    "levels_trees",
    "counts_linear",
    "cox",
    "cox_trees",
    "cox_forest",
]


@dataclass(frozen=True)
class PortfolioEntry:
    """One configuration that does well on many tables.

    Parameters
    ----------
    name : str
        See `Candidate`.
    engine : Engine
        Which model.
    view : View
        The preparation it needs.
    why : str
        What speaks for it.
    parameters : mapping
        Those that differ from the engine's own.
    most_rows, most_cells : float
        Rows, and rows times columns, above which it takes too long to be worth a try.
    ranks : bool
        Whether it learns the order of each query's rows instead of the rows' own targets.
    """

    name: str
    engine: Engine
    view: View
    why: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    most_rows: float = np.inf
    most_cells: float = np.inf
    ranks: bool = False


COUNTS: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "counts_linear",
        "counts_linear",
        "scaled",
        "The logarithm of the expected count is a straight line: effects multiply, and nothing falls below zero.",
        {"alpha": 1e-3},
    ),
    PortfolioEntry(
        "counts_boosting",
        "lightgbm",
        "codes",
        "Boosted trees for counts: an error weighs by how much is expected.",
        {"objective": "poisson"},
    ),
    PortfolioEntry(
        "counts_ordered_boosting",
        "catboost",
        "levels",
        "CatBoost for counts.",
        {"loss_function": "Poisson"},
    ),
    PortfolioEntry(
        "counts_gradient_boosting",
        "xgboost",
        "shares",
        "XGBoost for counts.",
        {"objective": "count:poisson", "learning_rate": 0.05, "max_depth": 6, "colsample_bytree": 0.7},
    ),
    PortfolioEntry(
        "counts_tweedie",
        "lightgbm",
        "shares",
        "Boosted trees for amounts with many zeros and a long tail (Tweedie): between a count and a size.",
        {"objective": "tweedie", "tweedie_variance_power": 1.3},
    ),
)
"""For targets that count things, beside the others, which are cut off at zero."""

_QUANTILE_ENGINES: frozenset[Engine] = frozenset({"linear", "lightgbm", "catboost", "xgboost"})
_MOST_QUANTILE_ROWS = 5_000
"""Above this, the linear program of a straight line takes too long."""

LEVELS: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "levels_linear",
        "levels_linear",
        "scaled",
        "A line through the levels, and then the probability of each level by where a row lies on it.",
        {"C": 0.3},
    ),
    PortfolioEntry(
        "levels_boosting",
        "levels_boosting",
        "codes",
        "Boosted trees that predict the level as a number, and then the probability of each level by that number.",
        {"learning_rate": 0.05, "n_estimators": 200, "num_leaves": 15},
    ),
    PortfolioEntry(
        "levels_trees",
        "levels_trees",
        "shares",
        "A smooth forest that predicts the level as a number, and then the probability of each level by that number.",
        {"max_features": 0.75, "min_samples_leaf": 2},
    ),
)
"""For ordered levels, beside the others, which know no order."""

PORTFOLIO: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "linear", "linear", "scaled", "A straight line in every feature: the simplest model that learns.", {"C": 0.3}
    ),
    PortfolioEntry("boosting", "lightgbm", "codes", "Boosted trees of medium size: good on most tables."),
    PortfolioEntry(
        "words",
        "linear",
        "words",
        "A linear model on words, pairs of words and pieces of words: hard to beat on short texts.",
        {"C": 3.0},
    ),
    PortfolioEntry(
        "words_bayes",
        "bayes",
        "terms",
        "Naive Bayes on words and pairs of words, each class against the rest of the rows: quick, and good on few rows.",
        {"alpha": 0.3},
    ),
    PortfolioEntry(
        "extra_trees",
        "extra_trees",
        "shares",
        "Trees with random cut points, averaged: smooth, and strong where rows resemble each other.",
        {"max_features": 0.75},
    ),
    PortfolioEntry(
        "ordered_boosting",
        "catboost",
        "levels",
        "CatBoost: symmetric trees, and categories as target means of earlier rows; the best untuned model on average.",
    ),
    PortfolioEntry(
        "boosting_deep",
        "lightgbm",
        "codes",
        "Large boosted trees that see half of the features at a time, with a low learning rate.",
        {
            "learning_rate": 0.02,
            "num_leaves": 84,
            "min_child_samples": 3,
            "colsample_bytree": 0.53,
            "subsample": 0.98,
            "subsample_freq": 1,
            "reg_lambda": 0.84,
        },
    ),
    PortfolioEntry(
        "words_boosting",
        "lightgbm",
        "bags",
        "Boosted trees on the words themselves: finds words that only count together.",
        {"learning_rate": 0.1, "colsample_bytree": 0.5},
        most_rows=50_000,
    ),
    PortfolioEntry(
        "splines",
        "linear",
        "splines",
        "An additive model of smooth curves: nearly as plain as a line, and strong on few rows.",
        {"C": 0.1},
    ),
    PortfolioEntry(
        "network",
        "network",
        "scaled",
        "A small neural network: smooth where trees have steps, so it adds to them.",
        {"hidden_layer_sizes": (128, 64), "learning_rate_init": 2e-3, "alpha": 1e-4},
        most_cells=2e7,
    ),
    PortfolioEntry(
        "boosting_random",
        "lightgbm",
        "shares",
        "Boosted trees with random cut points, on target means instead of categories.",
        {
            "extra_trees": True,
            "learning_rate": 0.04,
            "num_leaves": 64,
            "min_child_samples": 12,
            "colsample_bytree": 0.55,
            "subsample": 0.9,
            "subsample_freq": 1,
            "reg_alpha": 0.5,
            "reg_lambda": 1.0,
        },
    ),
    PortfolioEntry(
        "kernel",
        "kernel",
        "scaled",
        "A linear model on 300 landmarks' similarities: smooth curves in all features at once.",
        {"C": 10.0, "gamma": 0.3},
        most_rows=15_000,
    ),
    PortfolioEntry(
        "ordered_boosting_deep",
        "catboost",
        "levels",
        "CatBoost with deep trees grown level by level.",
        {"depth": 8, "grow_policy": "Depthwise", "l2_leaf_reg": 2.8, "learning_rate": 0.06},
    ),
    PortfolioEntry(
        "gradient_boosting",
        "xgboost",
        "shares",
        "XGBoost with deep trees on target means: errs on other rows than the rest.",
        {"learning_rate": 0.03, "max_depth": 8, "min_child_weight": 0.6, "colsample_bytree": 0.69},
    ),
    PortfolioEntry(
        "random_forest",
        "random_forest",
        "shares",
        "Trees on resampled rows, averaged: robust with little tuning.",
    ),
    PortfolioEntry(
        "boosting_shallow",
        "lightgbm",
        "codes",
        "Boosted trees of five leaves: nearly additive, hard to overfit, good for few rows.",
        {
            "extra_trees": True,
            "learning_rate": 0.04,
            "num_leaves": 5,
            "min_child_samples": 12,
            "colsample_bytree": 0.73,
            "subsample": 0.85,
            "subsample_freq": 1,
        },
    ),
    PortfolioEntry(
        "ordered_boosting_shallow",
        "catboost",
        "levels",
        "CatBoost with shallow trees, held back strongly.",
        {"depth": 4, "l2_leaf_reg": 4.6},
    ),
    PortfolioEntry(
        "linear_strict",
        "linear",
        "scaled",
        "A linear model held back strongly, for few rows or many columns.",
        {"C": 0.02},
    ),
    PortfolioEntry(
        "neighbours",
        "neighbours",
        "scaled",
        "The rows most like this one decide: strong where near rows have near targets.",
        most_rows=50_000,
        most_cells=3e6,
    ),
    PortfolioEntry(
        "extra_trees_pruned",
        "extra_trees",
        "shares",
        "The same forest with fewer features a cut and two rows a leaf.",
        {"max_features": "sqrt", "min_samples_leaf": 2},
    ),
    PortfolioEntry(
        "boosting_wide",
        "lightgbm",
        "codes",
        "Very large boosted trees with random cut points.",
        {
            "extra_trees": True,
            "learning_rate": 0.03,
            "num_leaves": 180,
            "min_child_samples": 12,
            "colsample_bytree": 0.4,
            "subsample": 0.95,
            "subsample_freq": 1,
            "reg_alpha": 0.77,
            "reg_lambda": 1.6,
        },
    ),
    PortfolioEntry(
        "network_splines",
        "network",
        "splines",
        "A neural network on curves of the ranks: finds steps that a plain one smooths over.",
        {"hidden_layer_sizes": (192,), "learning_rate_init": 3e-3, "alpha": 1e-3},
        most_cells=3e6,
    ),
    PortfolioEntry(
        "gradient_boosting_shallow",
        "xgboost",
        "shares",
        "XGBoost with trees of depth five.",
        {"learning_rate": 0.088, "max_depth": 5, "min_child_weight": 0.63, "colsample_bytree": 0.66},
    ),
)
"""In the order in which they are raced: cheap ones and those that win most often first."""

RANKERS: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "lambda_boosting",
        "lightgbm",
        "codes",
        "LightGBM's LambdaMART: each tree mends the swaps of rows within a query that cost the most NDCG.",
        ranks=True,
    ),
    PortfolioEntry(
        "lambda_gradient_boosting",
        "xgboost",
        "shares",
        "XGBoost's LambdaMART, with deep trees on target means.",
        {"learning_rate": 0.05, "max_depth": 6, "min_child_weight": 0.6, "colsample_bytree": 0.7},
        ranks=True,
    ),
    PortfolioEntry(
        "lambda_boosting_shallow",
        "lightgbm",
        "codes",
        "LambdaMART with small trees and random cut points: hard to overfit, good for few queries.",
        {
            "extra_trees": True,
            "learning_rate": 0.04,
            "num_leaves": 7,
            "min_child_samples": 12,
            "colsample_bytree": 0.7,
            "subsample": 0.85,
            "subsample_freq": 1,
        },
        ranks=True,
    ),
    PortfolioEntry(
        "lambda_gradient_boosting_shallow",
        "xgboost",
        "shares",
        "XGBoost's LambdaMART with shallow trees.",
        {"learning_rate": 0.08, "max_depth": 3, "min_child_weight": 1.0, "colsample_bytree": 0.7, "subsample": 0.8},
        ranks=True,
    ),
)
"""Models that learn the order within a query; they are raced after the simplest of those that learn each row."""

COX: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "cox", "cox", "scaled", "Cox's proportional hazards: each feature multiplies the hazard.", {"reg_lambda": 0.003}
    ),
    PortfolioEntry(
        "cox_boosting",
        "cox_trees",
        "codes",
        "Boosted trees of depth three under Cox's likelihood: curves and interactions of features.",
        {"learning_rate": 0.05, "max_depth": 3, "min_child_weight": 1.0, "colsample_bytree": 0.7, "subsample": 0.8},
    ),
    PortfolioEntry(
        "cox_ridge", "cox", "scaled", "Cox's model held back: for few events or many columns.", {"reg_lambda": 0.05}
    ),
    PortfolioEntry(
        "cox_lasso",
        "cox",
        "scaled",
        "Cox's model that leaves out features which tell little.",
        {"reg_lambda": 0.001, "reg_alpha": 0.02},
    ),
    PortfolioEntry(
        "cox_splines", "cox", "splines", "Cox's model of smooth curves in each number.", {"reg_lambda": 0.02}
    ),
    PortfolioEntry(
        "survival_forest",
        "cox_forest",
        "codes",
        "Trees on resampled rows, each split by Cox's likelihood, averaged: robust with little tuning.",
        {"num_parallel_tree": 200, "max_depth": 6, "min_child_weight": 3.0, "colsample_bynode": 0.4, "subsample": 0.63},
    ),
    PortfolioEntry(
        "cox_boosting_shallow",
        "cox_trees",
        "codes",
        "Boosted stumps under Cox's likelihood: additive steps, hard to overfit.",
        {"learning_rate": 0.05, "max_depth": 1, "min_child_weight": 1.0, "subsample": 0.8},
    ),
    PortfolioEntry(
        "cox_boosting_deep",
        "cox_trees",
        "codes",
        "Deep boosted trees with a low learning rate under Cox's likelihood.",
        {"learning_rate": 0.02, "max_depth": 6, "min_child_weight": 3.0, "colsample_bytree": 0.5, "subsample": 0.7},
    ),
)
"""Models of survival, by XGBoost: linear ones are Cox's model, fitted by coordinate descent."""

_FAMILY: Mapping[Engine, Family] = {
    "linear": "linear",
    "bayes": "linear",
    "kernel": "kernel",
    "neighbours": "neighbours",
    "network": "network",
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
}
_GROWING: Mapping[Engine, Growing] = {
    "extra_trees": "forest",
    "random_forest": "forest",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "xgboost": "xgboost",
    "cox_trees": "xgboost",
}
_DENSE: frozenset[Engine] = frozenset({"kernel", "neighbours", "network"})
_OF_WORDS: frozenset[View] = frozenset({"words", "terms"})
_OPTIONAL: Mapping[Engine, str] = {
    "catboost": "catboost",
    "xgboost": "xgboost",
    "cox": "xgboost",
    "cox_trees": "xgboost",
    "cox_forest": "xgboost",
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
    if entry.engine == "bayes" and data.task == "regression":
        return None
    if data.quantile is not None and not _fits_quantile(entry, data, columns):
        return None
    # Hashed words are too many columns for models that keep a weight or a distance for each.
    view: View = "dense" if columns.text and entry.engine in _DENSE and entry.view == "scaled" else entry.view
    preparation = prepare(columns, view, rows=data.rows, seed=seed, target_type=data.target_type)
    if preparation is None:
        return None
    build = _BUILDERS[entry.engine]
    settings = _Settings(data, columns, seed, threads, preparation.category_positions, ranks=entry.ranks)
    pipeline = Pipeline([("prepare", preparation.transformer), *build(dict(entry.parameters), settings)])
    return Candidate(
        entry.name,
        _FAMILY[entry.engine],
        _around(pipeline, entry, data),
        entry.why,
        lists=preparation.lists,
        view=view,
        growing=_GROWING.get(entry.engine),
    )


def _around(pipeline: Pipeline, entry: PortfolioEntry, data: TrainingData) -> BaseEstimator:
    """What a pipeline needs around it to take this target."""
    engine = entry.engine
    if data.task != "regression":
        # XGBoost takes class codes from 0 on, and a vote makes them.
        return VotingClassifier([("model", pipeline)], voting="soft") if engine == "xgboost" else pipeline
    # A straight line beyond its training rows, taken back from a logarithm, explodes; curves over ranks end there.
    if data.quantile is not None:
        parts: list[tuple[str, Any]] = [("not_negative", _from_zero_on())] if data.counts else []
        parts += [("scale", StandardScaler())] if engine == "linear" else []
        return _on_scale(pipeline, parts)
    if "objective" in entry.parameters or "loss_function" in entry.parameters or engine == "counts_linear":
        return pipeline  # it has a logarithm of its own
    log = _log_pays(data) and not (engine == "linear" and entry.view != "splines")
    steps: list[tuple[str, Any]] = [("not_negative", _from_zero_on())] if data.counts else []
    if engine in _DENSE:
        steps += [("log", FunctionTransformer(np.log1p, np.expm1))] if log else []
        return _on_scale(pipeline, [*steps, ("scale", StandardScaler())])
    if steps:
        return _on_scale(pipeline, [*steps, ("log", FunctionTransformer(np.log1p, np.expm1))] if log else steps)
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1) if log else pipeline


def _on_scale(pipeline: Pipeline, steps: Sequence[tuple[str, Any]]) -> BaseEstimator:
    """A pipeline that learns its target after these steps, and is taken back through them."""
    if not steps:
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=steps[0][1] if len(steps) == 1 else Pipeline(list(steps)))


def _from_zero_on() -> FunctionTransformer:
    """A target as it is, and predictions not below zero."""
    return FunctionTransformer(inverse_func=np.clip, inv_kw_args={"a_min": 0.0, "a_max": None})


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


@dataclass(frozen=True)
class _Settings:
    data: TrainingData
    columns: Columns
    seed: int
    threads: int
    categories: tuple[int, ...]
    ranks: bool = False

    @property
    def regression(self) -> bool:
        return self.data.task == "regression"

    @property
    def absolute(self) -> bool:
        return self.data.metric in ABSOLUTE


_Steps = list[tuple[str, Any]]


def _linear(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    from sklearn.linear_model import LogisticRegression, Ridge

    strength = parameters.pop("C")
    if settings.data.quantile is not None:
        from sklearn.linear_model import QuantileRegressor

        alpha = round(0.0003 / strength, 6)
        return [("model", QuantileRegressor(quantile=settings.data.quantile, alpha=alpha))]
    if settings.regression:
        return [("model", Ridge(alpha=round(0.3 / strength, 6)))]
    return [("model", LogisticRegression(C=strength, max_iter=300))]


def _counts_linear(parameters: dict[str, Any], _: _Settings) -> _Steps:
    from sklearn.linear_model import PoissonRegressor

    return [("model", PoissonRegressor(max_iter=300, **parameters))]


def _bayes(parameters: dict[str, Any], _: _Settings) -> _Steps:
    from sklearn.naive_bayes import ComplementNB

    return [("model", ComplementNB(**parameters))]


def _kernel(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    from sklearn.kernel_approximation import Nystroem

    columns = max(1, len(settings.columns.numbers) + 2 * len(settings.columns.categories))
    landmarks = min(300, max(10, settings.data.rows // 3))
    gamma = round(parameters.pop("gamma") / columns, 6)
    near = Nystroem(gamma=gamma, n_components=landmarks, random_state=settings.seed)
    return [("near", near), *_linear(parameters, settings)]


def _neighbours(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsRegressor if settings.regression else KNeighborsClassifier
    number = int(np.clip(np.sqrt(settings.data.rows) / 3, 5, 25))
    return [("model", kind(number, weights="distance", **parameters))]


def _network(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if settings.regression else MLPClassifier
    batch = int(np.clip(2 ** round(np.log2(settings.data.rows / 30 + 1)), 16, 512))
    rules = {"early_stopping": True, "n_iter_no_change": 12, "max_iter": 120, "random_state": settings.seed}
    return [("model", kind(batch_size=batch, **parameters, **rules))]


def _forest(kind: str) -> Any:
    def build(parameters: dict[str, Any], settings: _Settings) -> _Steps:
        from sklearn import ensemble

        regression = settings.regression
        model = getattr(ensemble, f"{kind}{'Regressor' if regression else 'Classifier'}")
        usual: dict[str, Any] = {"n_estimators": 300, "max_leaf_nodes": 15_000}
        if regression and parameters.get("max_features", "sqrt") == "sqrt":
            usual["max_features"] = 0.5
            parameters.pop("max_features", None)
        return [("model", model(**usual, **parameters, random_state=settings.seed, n_jobs=settings.threads))]

    return build


def _lightgbm(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

    rules: dict[str, Any] = {"learning_rate": 0.05} | parameters
    rules |= {
        "random_state": settings.seed,
        "n_jobs": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if settings.data.quantile is not None:
        rules |= {"objective": "quantile", "alpha": settings.data.quantile}
    if settings.absolute:
        rules["objective"] = "regression_l1"
    if settings.categories:
        rules["categorical_column"] = list(settings.categories)
    if settings.ranks:
        # A grade gains what it is, as the metric has it; LightGBM's own gain is two to its power.
        rules["label_gain"] = list(range(int(settings.data.actual.max()) + 1))
        return [("model", LGBMRanker(**rules))]
    return [("model", (LGBMRegressor if settings.regression else LGBMClassifier)(**rules))]


def _catboost(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    catboost = importlib.import_module("catboost")
    rules: dict[str, Any] = {"learning_rate": 0.05} | parameters
    rules |= {
        "random_seed": settings.seed,
        "thread_count": settings.threads,
        "allow_writing_files": False,
        "verbose": 0,
    }
    if settings.data.quantile is not None:
        rules["loss_function"] = f"Quantile:alpha={settings.data.quantile:g}"
    if settings.absolute:
        rules["loss_function"] = "MAE"
    if settings.categories:
        rules |= {"cat_features": settings.categories, "one_hot_max_size": 3, "max_ctr_complexity": 2}
    return [("model", (catboost.CatBoostRegressor if settings.regression else catboost.CatBoostClassifier)(**rules))]


def _xgboost(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    xgboost = importlib.import_module("xgboost")
    rules = parameters | {"tree_method": "hist", "random_state": settings.seed, "n_jobs": settings.threads}
    if settings.data.quantile is not None:
        rules |= {"objective": "reg:quantileerror", "quantile_alpha": settings.data.quantile}
    if settings.absolute:
        rules["objective"] = "reg:absoluteerror"
    if settings.ranks:
        rules |= {"objective": "rank:ndcg", "ndcg_exp_gain": False, "eval_metric": f"ndcg@{CUTOFF}"}
        return [("model", xgboost.XGBRanker(**rules))]
    return [("model", (xgboost.XGBRegressor if settings.regression else xgboost.XGBClassifier)(**rules))]


def _levels(build: Any, engine_parameters: Mapping[str, Any] = {}) -> Any:
    """A model that predicts the level as a number, and one that turns that number into a probability of each level."""

    def build_levels(parameters: dict[str, Any], settings: _Settings) -> _Steps:
        from sklearn.ensemble import StackingClassifier
        from sklearn.linear_model import LogisticRegression

        numbers = replace(settings, data=replace(settings.data, task="regression", named=None, metric="rmse"))
        number = build(parameters | dict(engine_parameters), numbers)[-1][1]
        # The last step bends: near the ends of the scale a level is a smaller step of the number.
        bend = SplineTransformer(n_knots=4, degree=2, include_bias=False)
        levels = make_pipeline(bend, StandardScaler(), LogisticRegression(C=1.0, max_iter=300))
        folds = KFold(n_splits=5, shuffle=True, random_state=settings.seed)
        return [("model", StackingClassifier([("number", number)], levels, cv=folds))]

    return build_levels


def _cox(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    xgboost = importlib.import_module("xgboost")
    rules = {
        "objective": "survival:cox",
        "booster": "gblinear",
        # Cyclic descent on one thread comes to the same coefficients each time.
        "updater": "coord_descent",
        "n_estimators": 200,
        "learning_rate": 0.5,
        "n_jobs": 1,
        "random_state": settings.seed,
    }
    return [("model", xgboost.XGBRegressor(**(rules | parameters)))]


def _cox_trees(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    xgboost = importlib.import_module("xgboost")
    rules = {"objective": "survival:cox", "tree_method": "hist", "random_state": settings.seed}
    return [("model", xgboost.XGBRegressor(**(rules | parameters), n_jobs=settings.threads))]


def _cox_forest(parameters: dict[str, Any], settings: _Settings) -> _Steps:
    # One round of many trees at full rate: their average, and no boosting.
    return _cox_trees(parameters | {"n_estimators": 1, "learning_rate": 1.0}, settings)


_BUILDERS: Mapping[Engine, Any] = {
    "linear": _linear,
    "bayes": _bayes,
    "kernel": _kernel,
    "neighbours": _neighbours,
    "network": _network,
    "extra_trees": _forest("ExtraTrees"),
    "random_forest": _forest("RandomForest"),
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "xgboost": _xgboost,
    "counts_linear": _counts_linear,
    "levels_linear": _levels(_linear),
    "levels_boosting": _levels(_lightgbm),
    "levels_trees": _levels(_forest("ExtraTrees")),
    "cox": _cox,
    "cox_trees": _cox_trees,
    "cox_forest": _cox_forest,
}
