"""How sure a number is: bootstrap and Wilson intervals of metrics and of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from ml_engineer.errors import InputError
from ml_engineer.statistics.metrics import Outcomes, Weighted, metric_value, weighted_metric
from ml_engineer.statistics.resampling import ResamplingPlan, plan_resampling, replicate_weights
from ml_engineer.vocabulary.estimates import Estimate, Metric, MetricEstimate, direction_of

__all__ = ["compare", "estimate", "estimate_difference", "gain", "share_of_rows", "wilson"]

Floats = npt.NDArray[np.float64]

_BETWEEN_0_AND_1: frozenset[Metric] = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "average_precision",
        "ndcg_at_10",
        "mean_average_precision",
        "concordance",
        "micro_f1",
        "jaccard",
        "label_ranking_average_precision",
        "subset_accuracy",
        "hamming_loss",
    }
)


def wilson(successes: int, rows: int, *, level: float = 0.95) -> Estimate:
    """Wilson's score interval for a share of independent rows.

    Parameters
    ----------
    successes, rows : int
        Counts, 0 <= successes <= rows and rows >= 1.
    level : float
        Nominal coverage.

    Raises
    ------
    InputError
        If there is no row.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if rows < 1:
        raise InputError("A share needs at least one row", found="no row", remedy="Leave the share out")
    share = successes / rows
    low, high = _wilson_bounds(share, rows, level)
    return Estimate(value=share, low=low, high=high, level=level, method="Wilson", rows=rows)


def share_of_rows(hits: npt.NDArray[np.bool_], outcomes: Outcomes, *, seed: int = 0) -> Estimate:
    """Share of rows with a property, with its interval.

    Parameters
    ----------
    hits : numpy.ndarray of shape (n,)
        Which of the rows of `outcomes` have it; n is at least 1.
    outcomes : Outcomes
        Tells clusters and order in time.
    seed : int
        Random state of the bootstrap, which is used where rows depend on each other.
    """
    ones = np.ones(len(hits), dtype=int)
    rows = Outcomes("binary", hits.astype(int), ones, n_classes=2, clusters=outcomes.clusters, blocks=outcomes.blocks)
    return estimate("accuracy", rows, seed=seed)


def estimate(
    metric: Metric, outcomes: Outcomes, *, level: float = 0.95, replicates: int = 1000, seed: int = 0
) -> Estimate:
    """`metric` on `outcomes` with its interval.

    Shares of independent rows (accuracy; precision and recall of binary tasks) get Wilson's interval, everything
    else a percentile bootstrap of rows, of whole clusters or of blocks of time. The percentiles are widened for
    few units (Hesterberg 2015, "expanded percentile"). Replicates in which the metric is undefined, such as those
    that drew one class only, are left out, and the method says how many. Where all replicates agree on 0 or 1, as
    when every row is right, Wilson's interval of the rarest class is given.

    Parameters
    ----------
    metric : Metric
        What to measure.
    outcomes : Outcomes
        n rows, at least one.
    level : float
        Nominal coverage of the interval.
    replicates : int
        Bootstrap replicates; fewer are drawn for very large n, and the method says how many.
    seed : int
        Random state.

    Raises
    ------
    InputError
        If the metric is undefined on these rows; `metric_value` is NaN then.
    """
    plan = plan_resampling(outcomes, replicates=replicates)
    _refuse_undefined(metric, metric_value(metric, outcomes), outcomes)
    drawn = _draw([weighted_metric(metric, outcomes)], outcomes, plan, seed)
    return _estimate(metric, outcomes, drawn[0], plan, level)


def estimate_difference(
    metric: Metric,
    first: Outcomes,
    second: Outcomes,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Estimate:
    """`metric` of `first` minus `metric` of `second`, paired: both are resampled with the same draws.

    Parameters
    ----------
    metric : Metric
        What to measure.
    first, second : Outcomes
        Two models on the same n rows.
    level, replicates, seed
        As in `estimate`.

    Raises
    ------
    InputError
        If the metric is undefined for one of them, or the rows are not the same.
    """
    _refuse_unpaired(first, second)
    for outcomes in (first, second):
        _refuse_undefined(metric, metric_value(metric, outcomes), outcomes)
    plan = plan_resampling(first, replicates=replicates)
    drawn = _draw([weighted_metric(metric, first), weighted_metric(metric, second)], first, plan, seed)
    return _difference(metric, (first, second), drawn, plan, level)


def gain(
    metric: Metric,
    model: Outcomes,
    baseline: Outcomes,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Estimate:
    """What `model` improves over `baseline`, paired; positive is better whatever the metric's direction."""
    better, worse = (model, baseline) if direction_of(metric) == "higher" else (baseline, model)
    return estimate_difference(metric, better, worse, level=level, replicates=replicates, seed=seed)


def compare(
    metrics: Sequence[Metric],
    model: Outcomes,
    baseline: Outcomes | None = None,
    *,
    level: float = 0.95,
    difference_level: float | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> tuple[MetricEstimate, ...]:
    """Several metrics of `model` beside `baseline`'s, with paired differences, from one set of draws.

    Parameters
    ----------
    metrics : sequence of Metric
        What to measure; metrics that are undefined for the model are left out.
    model, baseline : Outcomes
        The same n rows.
    level : float
        Nominal coverage of the intervals of model and baseline.
    difference_level : float, optional
        Nominal coverage of the intervals of the differences; by default `level`.
    replicates, seed
        As in `estimate`.

    Returns
    -------
    tuple of MetricEstimate
        In the order of `metrics`.
    """
    if baseline is not None:
        _refuse_unpaired(model, baseline)
    plan = plan_resampling(model, replicates=replicates)
    defined = [metric for metric in metrics if isfinite(metric_value(metric, model))]
    functions = [weighted_metric(metric, model) for metric in defined]
    if baseline is not None:
        functions += [weighted_metric(metric, baseline) for metric in defined]
    drawn = _draw(functions, model, plan, seed)
    results = []
    for place, metric in enumerate(defined):
        beside = difference = None
        if baseline is not None and isfinite(metric_value(metric, baseline)):
            pair = drawn[[place, len(defined) + place]]
            beside = _estimate(metric, baseline, pair[1], plan, level)
            difference = _difference(metric, (model, baseline), pair, plan, difference_level or level)
        results.append(
            MetricEstimate(
                metric=metric,
                direction=direction_of(metric),
                model=_estimate(metric, model, drawn[place], plan, level),
                baseline=beside,
                difference=difference,
            )
        )
    return tuple(results)


def _refuse_undefined(metric: Metric, value: float, outcomes: Outcomes) -> None:
    if not isfinite(value):
        classes = "" if outcomes.task == "regression" else f" with {len(np.unique(outcomes.actual))} class(es)"
        raise InputError(
            f"{metric} is undefined on these rows",
            found=f"{outcomes.rows} rows{classes}",
            remedy="Use another metric or more rows",
        )


def _refuse_unpaired(first: Outcomes, second: Outcomes) -> None:
    if first.rows != second.rows or not np.array_equal(first.actual, second.actual):
        raise InputError(
            "Two models can only be compared on the same rows",
            found=f"{first.rows} and {second.rows} rows, or other actual values",
            remedy="Score both on the same rows in the same order",
        )


def _draw(functions: Sequence[Weighted], outcomes: Outcomes, plan: ResamplingPlan, seed: int) -> Floats:
    """Replicates of each function, shape (functions, replicates)."""
    chunks = [
        np.stack([function(weights) for function in functions])
        for weights in replicate_weights(outcomes, plan, seed=seed)
        if functions
    ]
    return np.concatenate(chunks, axis=1) if chunks else np.empty((0, plan.replicates))


def _estimate(metric: Metric, outcomes: Outcomes, drawn: Floats, plan: ResamplingPlan, level: float) -> Estimate:
    value = metric_value(metric, outcomes)
    rows = _rows_behind(metric, outcomes)
    if plan.by == "row" and _is_share(metric, outcomes):
        low, high = _wilson_bounds(value, rows, level)
        return Estimate(value=value, low=low, high=high, level=level, method="Wilson", rows=rows)
    drawn = drawn[np.isfinite(drawn)]
    stuck = len(drawn) == 0 or np.ptp(drawn) == 0
    if stuck and metric in _BETWEEN_0_AND_1 and value in {0.0, 1.0}:
        units = _rarest_units(metric, outcomes, plan)
        low, high = _wilson_bounds(value, units, level)
        method = f"Wilson on {units} independent units, as all resamples agree"
        return Estimate(value=value, low=low, high=high, level=level, method=method, rows=rows)
    low, high = _percentiles(drawn, value, plan, level)
    return Estimate(value=value, low=low, high=high, level=level, method=_method(plan, drawn), rows=rows)


def _difference(
    metric: Metric, pair: tuple[Outcomes, Outcomes], drawn: Floats, plan: ResamplingPlan, level: float
) -> Estimate:
    """Interval of a paired difference from the replicates of both models, shape (2, replicates)."""
    values = [metric_value(metric, outcomes) for outcomes in pair]
    value = values[0] - values[1]
    differences = drawn[0] - drawn[1]
    differences = differences[np.isfinite(differences)]
    rows = pair[0].rows
    if value != 0 and (len(differences) == 0 or np.ptp(differences) < 1e-12) and metric in _BETWEEN_0_AND_1:
        # Every resample agrees, which says that rows are few rather than that the difference is certain:
        # Newcombe's (1998) hybrid of the two single intervals, which ignores pairing and so errs on the wide side.
        one, two = (
            _estimate(metric, outcomes, draws, plan, level) for outcomes, draws in zip(pair, drawn, strict=True)
        )
        low = max(-1.0, value - sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2))
        high = min(1.0, value + sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2))
        method = "Newcombe's hybrid of the single intervals, as all resamples agree"
        return Estimate(value=value, low=low, high=high, level=level, method=method, rows=rows)
    low, high = _percentiles(differences, value, plan, level)
    return Estimate(
        value=value, low=low, high=high, level=level, method=f"paired {_method(plan, differences)}", rows=rows
    )


def _method(plan: ResamplingPlan, drawn: Floats) -> str:
    if plan.units < 2:
        return "none: one independent unit has no spread"
    lost = plan.replicates - len(drawn)
    return f"{plan}" + (f" ({lost} of them undefined and left out)" if lost else "")


def _percentiles(drawn: Floats, value: float, plan: ResamplingPlan, level: float) -> tuple[float, float]:
    """Ends of the expanded percentile interval; `value` is always inside.

    With m units the bootstrap's spread is too small by sqrt((m-1)/m), and its tails are normal rather than t;
    moving the percentiles outwards makes up for both (Hesterberg 2015, What teachers should know about the
    bootstrap, section 5.3).
    """
    if len(drawn) == 0 or plan.units < 2:
        return value, value
    tail = (1 - level) / 2
    units = plan.units
    expanded = float(ndtr(sqrt(units / (units - 1)) * stdtrit(units - 1, tail)))
    low, high = np.quantile(drawn, [expanded, 1 - expanded])
    return min(float(low), value), max(float(high), value)


def _wilson_bounds(share: float, rows: int, level: float) -> tuple[float, float]:
    z = float(ndtri((1 + level) / 2))
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    # The bounds at 0 and 1 are exact in theory; rounding must not move them.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return min(low, share), max(high, share)


def _is_share(metric: Metric, outcomes: Outcomes) -> bool:
    """Whether the metric is a plain share of rows."""
    return metric in {"accuracy", "subset_accuracy"} or (
        outcomes.task == "binary" and metric in {"precision", "recall"}
    )


def _rows_behind(metric: Metric, outcomes: Outcomes) -> int:
    """Rows that the number rests on: for precision and recall of binary tasks those in the denominator."""
    if outcomes.task == "binary" and metric in {"precision", "recall"}:
        side = outcomes.predicted if metric == "precision" else outcomes.actual
        return int(np.sum(side == outcomes.positive))
    return outcomes.rows


def _rarest_units(metric: Metric, outcomes: Outcomes, plan: ResamplingPlan) -> int:
    """Independent units behind the rarest class (for accuracy, rankings, survival and several labels: behind all rows), at least one."""
    if metric == "accuracy" or outcomes.named in {"ranking", "survival"} or outcomes.task == "multilabel":
        return plan.units
    codes = [outcomes.positive] if metric in {"precision", "recall"} and outcomes.task == "binary" else None
    side = outcomes.predicted if metric == "precision" else outcomes.actual
    masks = [side == code for code in (np.unique(side) if codes is None else codes)]
    if plan.by == "group" and outcomes.clusters is not None:
        return max(1, min(len(np.unique(outcomes.clusters[mask])) for mask in masks))
    return max(1, min(int(mask.sum()) for mask in masks) // plan.block_rows)
