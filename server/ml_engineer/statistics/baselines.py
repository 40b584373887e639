"""The naive rule every model is compared with: what one would say without looking at any column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.label_sets import called_labels
from ml_engineer.statistics.metrics import Outcomes, Task
from ml_engineer.statistics.ordinal import called_level
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import Costs

__all__ = ["baseline_outcomes", "baseline_rule"]

_LEVEL_METRICS: frozenset[Metric] = frozenset({"ranked_probability_score", "quadratic_kappa", "level_mae"})
_MEDIAN_METRICS: frozenset[Metric] = frozenset({"mae", "median_absolute_error"})

_RANDOM_ORDER = "gives every row the same score, worth what a random order of each query's rows is worth on average"
_ONE_CURVE = "tells every row the same survival: Kaplan and Meier's curve of the training rows"
_OWN_RULES: dict[Metric | None, str] = {
    "ndcg_at_10": _RANDOM_ORDER,
    "mean_average_precision": _RANDOM_ORDER,
    "pinball": "always predicts the wanted quantile of the training rows",
    "concordance": _ONE_CURVE,
    "integrated_brier": _ONE_CURVE,
}


def baseline_rule(task: Task, *, metric: Metric | None = None) -> str:
    """The rule of `baseline_outcomes` in words."""
    if metric in _OWN_RULES:
        return _OWN_RULES[metric]
    if task == "regression":
        return f"always predicts the {'median' if metric in _MEDIAN_METRICS else 'mean'} of the training rows"
    if metric == "expected_cost":
        return "always predicts the class that costs least over the training rows"
    if task == "multilabel":
        return (
            "tells every row the share of training rows with each label, and gives it the labels that half of them have"
        )
    if metric in _LEVEL_METRICS:
        return f"always predicts the shares of the levels, and their {'mean' if metric == 'quadratic_kappa' else 'median'} as level"
    return "always predicts the class shares of the training rows, and the most frequent class as label"


def baseline_outcomes(
    task: Task,
    train_actual: npt.NDArray[np.generic],
    test_actual: npt.NDArray[np.generic],
    *,
    n_classes: int = 0,
    positive: int = 1,
    metric: Metric | None = None,
    quantile: float | None = None,
    costs: Costs | None = None,
    clusters: npt.NDArray[np.integer] | None = None,
    blocks: bool = False,
) -> Outcomes:
    """What the naive rule, learned from `train_actual`, predicts for the rows of `test_actual`.

    Parameters
    ----------
    task : {'binary', 'multiclass', 'multilabel', 'regression'}
        Kind of task.
    train_actual : numpy.ndarray of shape (m,)
        Class codes or numbers to learn from, or which row has which label, (m, k); not empty.
    test_actual : numpy.ndarray of shape (n,)
        What came true in the rows to predict.
    n_classes : int
        Number of classes k; classification.
    positive : int
        Code of the positive class; binary tasks.
    metric : Metric, optional
        What it will be judged by: the constant that is best for it is predicted (the median for absolute errors,
        the cheaper class for costs).
    quantile : float, optional
        What is predicted of numbers, where that is not the middle.
    costs, clusters, blocks
        As in `Outcomes`.

    Returns
    -------
    Outcomes
        n rows, all with the same prediction.
    """
    rows = len(test_actual)
    if task == "regression":
        numbers = train_actual.astype(float)
        constant = float(np.median(numbers) if metric in _MEDIAN_METRICS else np.mean(numbers))
        if quantile is not None:
            constant = float(np.quantile(numbers, quantile))
        predicted = np.full(rows, constant)
        return Outcomes(task, test_actual, predicted, clusters=clusters, blocks=blocks, quantile=quantile)
    if task == "multilabel":
        told = np.tile(train_actual.mean(axis=0), (rows, 1))
        return Outcomes(
            task,
            test_actual,
            called_labels(told, None),
            probabilities=told,
            n_classes=n_classes,
            clusters=clusters,
            blocks=blocks,
        )
    shares = np.bincount(train_actual.astype(int), minlength=n_classes) / len(train_actual)
    label = int(called_level(shares[None, :], metric)[0]) if metric in _LEVEL_METRICS else int(np.argmax(shares))
    if metric == "expected_cost" and costs is not None:
        misses = shares[positive] * costs.false_negative
        alarms = (1 - shares[positive]) * costs.false_positive
        label = positive if alarms < misses else 1 - positive
    return Outcomes(
        task,
        test_actual,
        np.full(rows, label),
        probabilities=np.tile(shares, (rows, 1)),
        n_classes=n_classes,
        positive=positive,
        costs=costs,
        clusters=clusters,
        blocks=blocks,
    )
