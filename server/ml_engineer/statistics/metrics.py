"""What a prediction is worth: every metric as a function of row weights.

A metric is computed in one way only, as a function of non-negative weights per row. With all weights one
it gives the value that scikit-learn gives; with resampled counts it gives bootstrap replicates, many at a
time, without copying rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.amounts import pinball_losses, poisson_deviances
from ml_engineer.statistics.label_metrics import LABEL_METRICS, label_metric
from ml_engineer.statistics.ordinal import ORDINAL_METRICS, quadratic_kappa, ranked_losses
from ml_engineer.statistics.query_metrics import average_precision_by_query, mean_over_queries, ndcg_by_query
from ml_engineer.statistics.ranking import average_precision, roc_auc, weighted_median
from ml_engineer.statistics.survival_metrics import brier_by_row, concordance
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.forecasting import FORECAST_METRICS
from ml_engineer.vocabulary.problem import Costs, OutcomeForm, TaskType

__all__ = [
    "Outcomes",
    "Task",
    "Weighted",
    "metric_value",
    "metrics_for",
    "metrics_without_target",
    "primary_metrics_for",
    "weighted_metric",
]

Task = OutcomeForm
Floats = npt.NDArray[np.float64]
Weighted = Callable[[Floats], Floats]
"""Weights of shape (r, n) to metric values of shape (r,), NaN where the metric is undefined."""

_BINARY: tuple[Metric, ...] = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
)
_OF_ROWS: frozenset[Metric] = frozenset({"silhouette", "planted_roc_auc"})
"""Means of one value a row, which stands in the place of the prediction."""
_REGRESSION: tuple[Metric, ...] = ("mae", "rmse", "r2", "median_absolute_error", "poisson_deviance", "pinball")
_MEANS_OF_NUMBERS: frozenset[Metric] = frozenset({"mae", "poisson_deviance", "pinball", *_OF_ROWS})
_RANKING: tuple[Metric, ...] = ("ndcg_at_10", "mean_average_precision")
_SURVIVAL: tuple[Metric, ...] = ("concordance", "integrated_brier")
_ONLY_REPORTED: frozenset[Metric] = frozenset({"integrated_brier"})
"""Judge chances in time, which only a champion has: candidates are compared by scores, whose order alone means something."""
_MEANS: frozenset[Metric] = frozenset(
    {"accuracy", "expected_cost", "level_mae", "log_loss", "brier", "ranked_probability_score"}
)
_OWN: dict[TaskType, tuple[Metric, ...]] = {
    "ranking": _RANKING,
    "ordinal": ORDINAL_METRICS,
    "survival": _SURVIVAL,
    "multilabel": LABEL_METRICS,
    "clustering": ("silhouette",),
    "anomaly_detection": ("planted_roc_auc",),
    "forecasting": FORECAST_METRICS,
}
"""Metrics of tasks that are not judged as their outcomes look."""


@dataclass(frozen=True)
class Outcomes:
    """What was predicted for n rows, and what came true.

    Parameters
    ----------
    task : {'binary', 'multiclass', 'multilabel', 'regression'}
        Kind of task.
    actual, predicted : numpy.ndarray of shape (n,)
        Class codes (from 0) or numbers; of several labels a row 0 and 1, of shape (n, k).
    probabilities : numpy.ndarray of shape (n, k), optional
        Probability of each class; without it the metrics that need it are NaN.
    n_classes : int
        Number of classes k; 0 for regression.
    positive : int
        Code of the class that 'positive' means; binary tasks.
    costs : Costs, optional
        What errors cost; binary tasks.
    clusters : numpy.ndarray of shape (n,), optional
        Integer per row; rows of one cluster belong together and are resampled together.
    blocks : bool
        Whether the rows stand in time order and neighbours depend on each other.
    named : TaskType, optional
        What the task is judged as, where that is not how its outcomes look. The clusters of a ranking are its queries.
    quantile : float, optional
        Share of outcomes that should lie at or below the prediction; only pinball loss asks for it.
        Of survival, `actual` holds signed times and `predicted` scores; both are told in `survival_metrics`.
    horizons : tuple of float
        Survival: times at which `probabilities` tells the chance of no event yet.
    """

    task: Task
    actual: npt.NDArray[np.generic]
    predicted: npt.NDArray[np.generic]
    probabilities: npt.NDArray[np.floating] | None = None
    n_classes: int = 0
    positive: int = 1
    costs: Costs | None = None
    clusters: npt.NDArray[np.integer] | None = None
    blocks: bool = False
    named: TaskType | None = None
    quantile: float | None = None
    horizons: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        rows = len(self.actual)
        for name in ("predicted", "probabilities", "clusters"):
            values = getattr(self, name)
            if values is not None and len(values) != rows:
                msg = f"{name} has {len(values)} rows, actual has {rows}"
                raise ValueError(msg)

    @property
    def rows(self) -> int:
        """Number of rows n."""
        return len(self.actual)

    @property
    def judged_as(self) -> TaskType:
        """The kind of task whose metrics apply."""
        return self.named or self.task

    def take(self, rows: npt.NDArray[np.generic]) -> Outcomes:
        """The outcomes of some rows only.

        Parameters
        ----------
        rows : numpy.ndarray
            Boolean mask of shape (n,) or positions.
        """
        return replace(
            self,
            actual=self.actual[rows],
            predicted=self.predicted[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
            clusters=None if self.clusters is None else self.clusters[rows],
        )


def metrics_for(task: TaskType, *, has_costs: bool) -> tuple[Metric, ...]:
    """Every metric that makes sense for what a task is judged as, in the order of reports."""
    if task in _OWN:
        return _OWN[task]
    if task == "regression":
        return _REGRESSION
    return (*_BINARY, "expected_cost") if task == "binary" and has_costs else _BINARY


def primary_metrics_for(task: TaskType, *, has_costs: bool) -> tuple[Metric, ...]:
    """Those of `metrics_for` that candidates can be compared by, so that they may decide."""
    return tuple(metric for metric in metrics_for(task, has_costs=has_costs) if metric not in _ONLY_REPORTED)


def metrics_without_target(task_type: TaskType, *, labelled: bool) -> tuple[Metric, ...]:
    """Every metric that makes sense where nothing is predicted; `labelled` says whether known anomalies judge."""
    own = _OWN[task_type]
    return ("average_precision", "roc_auc", *own) if labelled else own


def metric_value(metric: Metric, outcomes: Outcomes) -> float:
    """Value of `metric` on `outcomes`; NaN where it is undefined.

    Notes
    -----
    Equal to scikit-learn's, with these answers where scikit-learn warns: binary precision without a predicted
    positive, recall without a positive, ROC AUC and average precision with one class only, and R2 of a constant
    target are NaN; macro averages go over the classes that occur (for ROC AUC: those with rows inside and outside
    the class), a class without predictions counting with precision 0.
    """
    if outcomes.rows == 0:
        return float("nan")
    return float(weighted_metric(metric, outcomes)(np.ones((1, outcomes.rows)))[0])


def weighted_metric(metric: Metric, outcomes: Outcomes) -> Weighted:
    """`metric` on `outcomes` as a function of row weights.

    Sorting and whatever else does not depend on the weights is done once, here.

    Parameters
    ----------
    metric : Metric
        What to compute.
    outcomes : Outcomes
        n rows.

    Returns
    -------
    callable
        Weights of shape (r, n) to values of shape (r,).
    """
    if outcomes.task == "multilabel":
        return label_metric(metric, outcomes.actual, outcomes.predicted, outcomes.probabilities)
    if metric in {*_REGRESSION, *_RANKING, *_SURVIVAL, *_OF_ROWS}:
        return _of_numbers(metric, outcomes)
    if metric == "quadratic_kappa":
        actual, predicted = outcomes.actual.astype(float), outcomes.predicted.astype(float)
        return lambda weights: quadratic_kappa(actual, predicted, weights)
    if metric in {"roc_auc", "average_precision"}:
        return _ranked(metric, outcomes)
    if metric in _MEANS:
        return _mean(_of_rows(metric, outcomes))
    return _by_class(metric, outcomes)


def _of_rows(metric: Metric, outcomes: Outcomes) -> Floats:
    """What each row is worth, (n,), under a metric that is a mean over rows."""
    if metric == "accuracy":
        return np.asarray(outcomes.actual == outcomes.predicted, dtype=float)
    if metric == "expected_cost":
        return _cost(outcomes)
    if metric == "level_mae":
        return np.asarray(np.abs(outcomes.actual.astype(float) - outcomes.predicted.astype(float)))
    return _probability_loss(metric, outcomes)


def _mean(values: Floats) -> Weighted:
    """Weighted mean of `values` (n,)."""
    return lambda weights: _ratio(weights @ values, weights.sum(axis=1))


def _ratio(numerator: Floats, denominator: Floats, empty: float = np.nan) -> Floats:
    """Quotient, `empty` where the denominator is 0."""
    result = np.full(np.broadcast(numerator, denominator).shape, empty)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _probability_loss(metric: Metric, outcomes: Outcomes) -> Floats:
    """Log loss, Brier or ranked probability score of each row, (n,)."""
    if outcomes.probabilities is None:
        return np.full(outcomes.rows, np.nan)
    probabilities = np.asarray(outcomes.probabilities, dtype=float)
    actual = outcomes.actual.astype(int)
    if metric == "ranked_probability_score":
        return ranked_losses(probabilities, actual)
    if metric == "log_loss":
        of_actual = probabilities[np.arange(len(actual)), actual]
        # scikit-learn's bound: a probability of 0 for what came true costs 36, not infinity.
        tiny = np.finfo(float).eps
        return np.asarray(-np.log(np.clip(of_actual, tiny, 1 - tiny)))
    if outcomes.task == "binary":
        return np.asarray((probabilities[:, outcomes.positive] - (actual == outcomes.positive)) ** 2)
    hits = np.zeros_like(probabilities)
    hits[np.arange(len(actual)), actual] = 1
    return np.asarray(((probabilities - hits) ** 2).sum(axis=1))


def _cost(outcomes: Outcomes) -> Floats:
    """Cost of each row, (n,); NaN without costs."""
    if outcomes.costs is None:
        return np.full(outcomes.rows, np.nan)
    positive = outcomes.actual == outcomes.positive
    called = outcomes.predicted == outcomes.positive
    return np.asarray(
        (~positive & called) * outcomes.costs.false_positive + (positive & ~called) * outcomes.costs.false_negative,
        dtype=float,
    )


def _by_class(metric: Metric, outcomes: Outcomes) -> Weighted:
    """Precision, recall, F1 or balanced accuracy from weighted counts per class."""
    binary = outcomes.task == "binary" and metric != "balanced_accuracy"
    seen = np.union1d(outcomes.actual, outcomes.predicted)
    codes = np.array([outcomes.positive]) if binary else seen
    is_actual = (outcomes.actual[:, None] == codes).astype(float)
    is_predicted = (outcomes.predicted[:, None] == codes).astype(float)
    is_hit = is_actual * is_predicted

    def compute(weights: Floats) -> Floats:
        actual, predicted, hits = weights @ is_actual, weights @ is_predicted, weights @ is_hit
        if binary:
            return _one_class(metric, actual[:, 0], predicted[:, 0], hits[:, 0])
        if metric == "balanced_accuracy":
            return _ratio(_ratio(hits, actual, empty=0.0).sum(axis=1), (actual > 0).sum(axis=1).astype(float))
        per_class = np.nan_to_num(_one_class(metric, actual, predicted, hits), nan=0.0)
        occurs = (actual + predicted > 0).astype(float)
        return _ratio((per_class * occurs).sum(axis=1), occurs.sum(axis=1))

    return compute


def _one_class(metric: Metric, actual: Floats, predicted: Floats, hits: Floats) -> Floats:
    if metric == "precision":
        return _ratio(hits, predicted)
    if metric == "recall":
        return _ratio(hits, actual)
    return _ratio(2 * hits, actual + predicted)


def _ranked(metric: Metric, outcomes: Outcomes) -> Weighted:
    """ROC AUC or average precision; one against the rest and the mean for several classes."""
    if outcomes.probabilities is None:
        return lambda weights: np.full(len(weights), np.nan)
    probabilities = np.asarray(outcomes.probabilities, dtype=float)
    make = roc_auc if metric == "roc_auc" else average_precision
    codes = [outcomes.positive] if outcomes.task == "binary" else [int(code) for code in np.unique(outcomes.actual)]
    parts = [make(outcomes.actual == code, probabilities[:, code]) for code in codes]
    if len(parts) == 1:
        return parts[0]

    def compute(weights: Floats) -> Floats:
        values = np.stack([part(weights) for part in parts])
        defined = np.isfinite(values)
        return _ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))

    return compute


def _of_numbers(metric: Metric, outcomes: Outcomes) -> Weighted:
    if metric in {*_REGRESSION, *_OF_ROWS}:
        return _regression(metric, outcomes)
    if metric in _RANKING:
        return _by_query(metric, outcomes)
    if metric == "concordance":
        return concordance(outcomes.actual, outcomes.predicted.astype(float))
    if outcomes.probabilities is None or not outcomes.horizons:
        return lambda weights: np.full(len(weights), np.nan)
    survival = np.asarray(outcomes.probabilities, dtype=float)
    return _mean(brier_by_row(outcomes.actual, survival, np.array(outcomes.horizons)))


def _by_query(metric: Metric, outcomes: Outcomes) -> Weighted:
    measure = ndcg_by_query if metric == "ndcg_at_10" else average_precision_by_query
    actual, scores = outcomes.actual.astype(float), outcomes.predicted.astype(float)
    return mean_over_queries(measure, actual, scores, outcomes.clusters)


def _worth_of_numbers(metric: Metric, outcomes: Outcomes) -> Floats:
    """What each row is worth, (n,), under a metric of numbers that is a mean over rows."""
    predicted = outcomes.predicted.astype(float)
    if metric in _OF_ROWS:
        return predicted
    actual = outcomes.actual.astype(float)
    if metric == "poisson_deviance":
        return poisson_deviances(actual, predicted)
    if metric == "pinball":
        return pinball_losses(actual, predicted, np.nan if outcomes.quantile is None else outcomes.quantile)
    return np.asarray(np.abs(actual - predicted))


def _regression(metric: Metric, outcomes: Outcomes) -> Weighted:
    if metric in _MEANS_OF_NUMBERS:
        return _mean(_worth_of_numbers(metric, outcomes))
    actual = outcomes.actual.astype(float)
    error = actual - outcomes.predicted.astype(float)
    if metric == "median_absolute_error":
        return weighted_median(np.abs(error))
    mean_square = _mean(error**2)
    if metric == "rmse":
        return lambda weights: np.sqrt(mean_square(weights))
    # Centred once, so that the variance below does not cancel for targets far from 0.
    centred = actual - actual.mean()
    mean_of, mean_square_of = _mean(centred), _mean(centred**2)

    def r_squared(weights: Floats) -> Floats:
        variance = mean_square_of(weights) - mean_of(weights) ** 2
        # Below this, what is left is rounding: the target is constant under these weights.
        variance = np.where(variance > 1e-12 * mean_square_of(weights), variance, 0.0)
        return 1.0 - _ratio(mean_square(weights), variance)

    return r_squared
