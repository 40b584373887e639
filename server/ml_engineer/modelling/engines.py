"""Each kind of model of the portfolio as the last steps of a pipeline, with what it always needs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from ml_engineer.modelling.columns import Columns
from ml_engineer.modelling.foundation import FoundationClassifier, FoundationRegressor
from ml_engineer.modelling.portfolio_entries import Engine
from ml_engineer.modelling.race_rows import race_rows
from ml_engineer.modelling.training_data import ABSOLUTE, FEW_ROWS, TrainingData
from ml_engineer.statistics.query_metrics import CUTOFF

__all__ = ["BUILDERS", "EngineSettings"]


_FEWEST_TO_CALIBRATE = 9
"""Rows of a class: three for each of the three parts that probabilities are learned from."""


@dataclass(frozen=True)
class EngineSettings:
    """What a model is built for.

    Parameters
    ----------
    data : TrainingData
        Development rows.
    columns : Columns
        Its columns by kind.
    seed : int
        Random state.
    threads : int
        Threads that one fit may use.
    categories : tuple of int
        Positions of category codes among the prepared columns.
    ranks : bool
        Whether whole queries are learned.
    """

    data: TrainingData
    columns: Columns
    seed: int
    threads: int
    categories: tuple[int, ...]
    ranks: bool = False

    @property
    def regression(self) -> bool:
        """Whether numbers are learned."""
        return self.data.task == "regression"

    @property
    def absolute(self) -> bool:
        """Whether they are judged by absolute error."""
        return self.data.metric in ABSOLUTE


_Steps = list[tuple[str, Any]]
_FEW_FOR_CATBOOST, _MOST_PAIRED = 5_000, 5
"""Rows below which CatBoost takes categories of a few levels as they are: on seven splits of small tables as good as target
means of pairs, in a tenth to a quarter of the time. And the most categories that are paired."""
_STEEP_BORDERS = 10.0
"""Penalty of errors where each class has a border of its own (log loss of digits .060 against .068 with 1)."""
_NETWORK_ROWS = 30_000
_MOST_NETWORKS = 8
"""Networks that begin from other weights and stop by other rows end elsewhere, on few rows above all: their average errs
less than any of them. The more rows, the fewer are needed, and the dearer each is."""


def _linear(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.linear_model import LogisticRegression, Ridge

    strength = parameters.pop("C")
    if settings.data.quantile is not None:
        from sklearn.linear_model import QuantileRegressor

        alpha = round(0.0003 / strength, 6)
        return [("model", QuantileRegressor(quantile=settings.data.quantile, alpha=alpha))]
    if settings.regression:
        return [("model", Ridge(alpha=round(0.3 / strength, 6)))]
    return [("model", LogisticRegression(C=strength, max_iter=300))]


def _selecting(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    """A line that leaves features out; how many is found by folds of its own."""
    from sklearn.linear_model import LassoCV, LogisticRegression, LogisticRegressionCV

    if settings.regression:
        return [("model", LassoCV(**parameters, random_state=settings.seed))]
    rules: dict[str, Any] = {"random_state": settings.seed, "max_iter": 300}
    if len(settings.data.classes) > 2 and settings.data.task != "multilabel":
        return [("model", LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", tol=0.01, **rules))]
    rules |= {"solver": "liblinear", "scoring": "neg_log_loss", "use_legacy_attributes": False}
    strengths = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    return [("model", LogisticRegressionCV(Cs=strengths, l1_ratios=(1.0,), **parameters, **rules))]


def _margins(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    """A line with the widest margin, and probabilities by how far from it rows lie that it was not fitted on.

    Of words there are more than rows: coordinate descent over the rows (Hsieh et al. 2008) then takes a fraction of what
    descent over the words takes. Probabilities are Platt's (1999), because a line held back enough for words is far too
    unsure of itself.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.svm import LinearSVC

    strength = parameters.pop("C")
    if settings.regression:
        return [("model", Ridge(alpha=round(0.05 / strength, 6)))]
    if _calibrates(settings):
        return [("model", _calibrated(LinearSVC(C=strength, random_state=settings.seed), settings))]
    parameters |= {"solver": "liblinear", "dual": True, "random_state": settings.seed}
    unsure = LogisticRegression(C=60 * strength, **parameters)
    return [("model", OneVsRestClassifier(unsure) if settings.data.target_type == "multiclass" else unsure)]


def _calibrated(model: Any, settings: EngineSettings) -> Any:
    """The model with probabilities by what it said of rows that it was not fitted on, where rows are enough."""
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(model, cv=3, ensemble=False) if _calibrates(settings) else model


def _calibrates(settings: EngineSettings) -> bool:
    """Whether every class has rows in each of the parts that probabilities are learned from, whatever fit it is."""
    return _rarest_class(settings) >= _FEWEST_TO_CALIBRATE


def _rarest_class(settings: EngineSettings) -> int:
    """Rows of the rarest class among those that some fit learns from; where a fit has none of a class, it does not count."""
    data = settings.data
    learned = [np.asarray(train) for train, _ in data.all_pairs]
    learned += [race_rows(data, seed=settings.seed)[0]] if learned else [np.arange(data.rows)]
    if data.task == "multilabel":
        labels = [np.asarray(data.actual[rows]).astype(int).sum(axis=0) for rows in learned]
        counts = np.concatenate([np.r_[ones, len(rows) - ones] for rows, ones in zip(learned, labels, strict=True)])
    else:
        counts = np.concatenate([np.bincount(data.actual[rows].astype(int)) for rows in learned])
    return int(counts[counts > 0].min(initial=data.rows))


def _counts_linear(parameters: dict[str, Any], _: EngineSettings) -> _Steps:
    from sklearn.linear_model import PoissonRegressor

    return [("model", PoissonRegressor(max_iter=300, **parameters))]


def _bayes(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.naive_bayes import ComplementNB

    return [("model", _calibrated(ComplementNB(**parameters), settings))]


def _kernel(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.kernel_approximation import Nystroem

    columns = max(1, len(settings.columns.numbers) + 2 * len(settings.columns.categories))
    landmarks = min(300, max(10, settings.data.rows // 3))
    gamma = round(parameters.pop("gamma") / columns, 6)
    near = Nystroem(gamma=gamma, n_components=landmarks, random_state=settings.seed)
    return [("near", near), *_linear(parameters, settings)]


def _neighbours(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsRegressor if settings.regression else KNeighborsClassifier
    number = int(np.clip(np.sqrt(settings.data.rows) / 3, 5, 25))
    return [("model", kind(number, weights="distance", **parameters))]


def _network(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if settings.regression else MLPClassifier
    batch = int(np.clip(2 ** round(np.log2(settings.data.rows / 30 + 1)), 16, 512))
    rules = {"early_stopping": True, "n_iter_no_change": 12, "max_iter": 120, "random_state": settings.seed}
    model = kind(**({"batch_size": batch} | rules | parameters))
    several = int(np.clip(_NETWORK_ROWS // settings.data.rows, 1, _MOST_NETWORKS))
    # An average of networks cannot count rows by their weights, nor learn several labels at a time.
    if several == 1 or settings.data.weights is not None or settings.data.task == "multilabel":
        return [("model", model)]
    from sklearn.ensemble import BaggingClassifier, BaggingRegressor

    together = BaggingRegressor if settings.regression else BaggingClassifier
    return [("model", together(model, n_estimators=several, bootstrap=False, random_state=settings.seed))]


def _support(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    from sklearn.svm import SVC, SVR

    if settings.regression:
        return [("model", SVR(**parameters))]
    if len(settings.data.classes) == 2:
        from sklearn.calibration import CalibratedClassifierCV

        return [("model", CalibratedClassifierCV(SVC(**parameters), ensemble=False))]
    # Votes of each pair of classes make poor probabilities; a logistic regression on distances from one border a class
    # makes good ones.
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    borders = OneVsRestClassifier(SVC(**parameters | {"C": _STEEP_BORDERS}))
    probabilities = LogisticRegression(C=5.0, max_iter=500)
    return [("model", StackingClassifier([("borders", borders)], probabilities, stack_method="decision_function"))]


def _forest(kind: str) -> Any:
    def build(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
        from sklearn import ensemble

        regression = settings.regression
        model = getattr(ensemble, f"{kind}{'Regressor' if regression else 'Classifier'}")
        usual: dict[str, Any] = {"n_estimators": 300, "max_leaf_nodes": 15_000}
        if regression and parameters.get("max_features", "sqrt") == "sqrt":
            usual["max_features"] = 0.5
            parameters.pop("max_features", None)
        return [("model", model(**usual, **parameters, random_state=settings.seed, n_jobs=settings.threads))]

    return build


def _lightgbm(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
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


def _catboost(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    catboost = importlib.import_module("catboost")
    few = settings.data.rows < _FEW_FOR_CATBOOST
    rules: dict[str, Any] = {"learning_rate": 0.025 if settings.data.rows < FEW_ROWS else 0.05} | parameters
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
        # Target means of few rows are rough, and those of pairs of many categories take most of the time.
        pairs = not few and len(settings.categories) <= _MOST_PAIRED
        rules |= {
            "cat_features": settings.categories,
            "one_hot_max_size": 12 if few else 3,
            "max_ctr_complexity": 2 if pairs else 1,
        }
    return [("model", (catboost.CatBoostRegressor if settings.regression else catboost.CatBoostClassifier)(**rules))]


def _xgboost(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
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

    def build_levels(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
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


def _cox(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
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


def _cox_trees(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    xgboost = importlib.import_module("xgboost")
    rules = {"objective": "survival:cox", "tree_method": "hist", "random_state": settings.seed}
    return [("model", xgboost.XGBRegressor(**(rules | parameters), n_jobs=settings.threads))]


def _cox_forest(parameters: dict[str, Any], settings: EngineSettings) -> _Steps:
    # One round of many trees at full rate: their average, and no boosting.
    return _cox_trees(parameters | {"n_estimators": 1, "learning_rate": 1.0}, settings)


def _foundation(_: dict[str, Any], settings: EngineSettings) -> _Steps:
    kind = FoundationRegressor if settings.regression else FoundationClassifier
    return [("model", kind(settings.data.foundation_model, n_jobs=settings.threads, random_state=settings.seed))]


BUILDERS: Mapping[Engine, Any] = {
    "linear": _linear,
    "selecting": _selecting,
    "margins": _margins,
    "bayes": _bayes,
    "kernel": _kernel,
    "neighbours": _neighbours,
    "network": _network,
    "support": _support,
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
    "foundation": _foundation,
}
