"""The models that are always tried, as data: a family, what it needs, its parameters, and why it is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_engineer.modelling.preparation import View

__all__ = ["COUNTS", "COX", "FOUNDATION", "LEVELS", "PORTFOLIO", "RANKERS", "Engine", "PortfolioEntry"]

Engine = Literal[
    "linear",
    "selecting",
    "margins",
    "bayes",
    "kernel",
    "neighbours",
    "network",
    "support",
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
    "foundation",
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
    most_rows: float = float("inf")
    most_cells: float = float("inf")
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
        "words",
        "margins",
        "words",
        "A linear model on words, pairs of words and pieces of words: hard to beat on short texts.",
        {"C": 0.5},
    ),
    PortfolioEntry(
        "words_strict",
        "margins",
        "words",
        "The same held back strongly: for texts that tell little.",
        {"C": 0.05},
    ),
    PortfolioEntry(
        "vectors",
        "linear",
        "vectors",
        "A linear model on the vectors of a text model: knows words that training never saw by what they mean.",
        {"C": 0.03},
        most_rows=200_000,
    ),
    PortfolioEntry(
        "words_bayes",
        "bayes",
        "terms",
        "Naive Bayes on words and pieces of words, each class against the rest of the rows: quick, and good on few rows.",
        {"alpha": 0.1},
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
        "selecting",
        "selecting",
        "scaled",
        "A straight line in a few of the features (lasso): strong where there are many and most tell nothing.",
        {"cv": 4},
        most_cells=2e6,
    ),
    PortfolioEntry(
        "network",
        "network",
        "scaled",
        "Small neural networks, of few rows several: smooth where trees have steps, so they add to them.",
        {"hidden_layer_sizes": (128, 64), "learning_rate_init": 2e-3, "alpha": 1e-4},
        most_cells=2e7,
    ),
    PortfolioEntry(
        "boosting_random",
        "lightgbm",
        "crossed",
        "Boosted trees with random cut points, on target means instead of categories and on sums and ratios of numbers.",
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
        "support",
        "support",
        "scaled",
        "A support vector machine: a smooth border or curve that the nearest rows decide, strong on few rows.",
        {"C": 1.0},
        most_rows=5_000,
    ),
    PortfolioEntry(
        "network_held",
        "network",
        "scaled",
        "Neural networks that learn from all rows they are given, held back by small weights instead of an early stop.",
        {
            "hidden_layer_sizes": (128, 64),
            "learning_rate_init": 2e-3,
            "alpha": 0.3,
            "early_stopping": False,
            "max_iter": 30,
        },
        most_rows=5_000,
        most_cells=1e5,
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

FOUNDATION: tuple[PortfolioEntry, ...] = (
    PortfolioEntry(
        "foundation",
        "foundation",
        "codes",
        "A pretrained transformer (TabICL) that reads the training rows with each question: slow, and strong on few rows.",
        most_rows=50_000,
        # A call takes 27 kB and 0.7 to 1.2 ms of a processor for each cell of the rows that it reads: 5 GB and four minutes.
        most_cells=2e5,
    ),
)
"""What is tried if the person has weights for it."""

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
        "shares",
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
        "shares",
        "Trees on resampled rows, each split by Cox's likelihood, averaged: robust with little tuning.",
        {"num_parallel_tree": 200, "max_depth": 6, "min_child_weight": 3.0, "colsample_bynode": 0.4, "subsample": 0.63},
    ),
    PortfolioEntry(
        "cox_boosting_shallow",
        "cox_trees",
        "shares",
        "Boosted stumps under Cox's likelihood: additive steps, hard to overfit.",
        {"learning_rate": 0.05, "max_depth": 1, "min_child_weight": 1.0, "subsample": 0.8},
    ),
    PortfolioEntry(
        "cox_boosting_deep",
        "cox_trees",
        "shares",
        "Deep boosted trees with a low learning rate under Cox's likelihood.",
        {"learning_rate": 0.02, "max_depth": 6, "min_child_weight": 3.0, "colsample_bytree": 0.5, "subsample": 0.7},
    ),
)
"""Models of survival, by XGBoost: linear ones are Cox's model, fitted by coordinate descent."""
