"""Baseline and signal: what one would say without looking, and whether looking helps at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_engineer.profiling.quick_inputs import Inputs
from ml_engineer.profiling.quick_model import FoldPairs, QuickTarget, out_of_fold
from ml_engineer.statistics.baselines import baseline_outcomes, baseline_rule
from ml_engineer.statistics.intervals import estimate, gain
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.problem import BaselineSummary, SignalTest

__all__ = ["SignalReading", "measure_signal"]

_REPLICATES: Final = 300
_RANKINGS: Final[frozenset[Metric]] = frozenset({"roc_auc", "average_precision"})
_ERRORS: Final[frozenset[Metric]] = frozenset(
    {
        "log_loss",
        "brier",
        "mae",
        "rmse",
        "median_absolute_error",
        "expected_cost",
        "ranked_probability_score",
        "poisson_deviance",
        "pinball",
        "level_mae",
        "integrated_brier",
        "hamming_loss",
    }
)
_WORTH_KNOWING: Final = 0.1
"""Share of the baseline's error (for areas: of the way to 1) that a gain must reach to be worth more rows."""


@dataclass(frozen=True)
class SignalReading:
    """Baseline and signal test on the same rows."""

    baseline: BaselineSummary
    signal: SignalTest


def measure_signal(
    inputs: Inputs,
    target: QuickTarget,
    pairs: FoldPairs,
    *,
    metric: Metric,
    seed: int,
    clusters: npt.NDArray[np.integer] | None = None,
    blocks: bool = False,
    judged: npt.NDArray[np.generic] | None = None,
) -> SignalReading:
    """Compare the quick model with the naive baseline, out of fold and paired.

    Parameters
    ----------
    inputs : Inputs
        n development rows.
    target : QuickTarget
        n rows.
    pairs : FoldPairs
        The planned folds.
    metric : Metric
        Primary metric.
    seed : int
        Random state.
    clusters : numpy.ndarray of shape (n,), optional
        Rows of one group, resampled together.
    blocks : bool
        Whether rows stand in time order.
    judged : numpy.ndarray of shape (n,), optional
        What came true, where that is not what the quick model learns: signed times of survival.
    """
    baseline, positions = _baseline(target, pairs, metric=metric, clusters=clusters, blocks=blocks)
    if judged is not None:
        # Means of what is learned differ from fold to fold; the naive rule orders nothing.
        baseline = replace(baseline, actual=judged[positions], predicted=np.zeros(len(positions)))
    score = estimate(metric, baseline, replicates=_REPLICATES, seed=seed)
    summary = BaselineSummary(rule=baseline_rule(target.task, metric=metric), metric=metric, score=score)
    if not inputs.trees.shape[1]:
        nothing = Estimate(value=0.0, low=0.0, high=0.0, method="no column to learn from", rows=len(positions))
        explanation = "No column is left that a model may use, so that there is nothing to learn from"
        return SignalReading(summary, SignalTest(verdict="not_above_baseline", gain=nothing, explanation=explanation))
    model, predicted = out_of_fold(inputs, target, pairs, seed=seed, clusters=clusters)
    assert np.array_equal(positions, predicted), "both come from the same folds"
    model = replace(model, blocks=blocks) if judged is None else replace(model, blocks=blocks, actual=judged[positions])
    better = gain(metric, model, baseline, replicates=_REPLICATES, seed=seed)
    return SignalReading(summary, _judge(better, score.value, metric))


def _baseline(
    target: QuickTarget,
    pairs: FoldPairs,
    *,
    metric: Metric,
    clusters: npt.NDArray[np.integer] | None,
    blocks: bool,
) -> tuple[Outcomes, npt.NDArray[np.intp]]:
    """The naive rule's pooled out-of-fold predictions, in row order."""
    predicted = np.zeros(target.values.shape)
    shares = np.zeros((len(target.values), max(target.n_classes, 1)))
    seen = np.zeros(len(target.values), dtype=bool)
    for train, test in pairs:
        if not len(train) or not len(test):
            continue
        part = baseline_outcomes(
            target.task,
            target.values[train],
            target.values[test],
            n_classes=target.n_classes,
            positive=target.positive,
            metric=metric,
            quantile=target.quantile,
        )
        predicted[test], seen[test] = part.predicted, True
        if part.probabilities is not None:
            shares[test] = part.probabilities
    positions = np.flatnonzero(seen)
    if metric in _RANKINGS:
        # Shares that differ from fold to fold would rank the folds, and wrongly: a fold with many positives was
        # predicted from others with few. The naive rule ranks nothing.
        shares[positions] = shares[positions].mean(axis=0)
    classes = target.task != "regression"
    return Outcomes(
        target.task,
        target.values[positions],
        predicted[positions].astype(int) if classes else predicted[positions],
        probabilities=shares[positions] if classes else None,
        n_classes=target.n_classes,
        positive=target.positive,
        clusters=None if clusters is None else clusters[positions],
        blocks=blocks,
        quantile=target.quantile,
    ), positions


def _judge(better: Estimate, baseline: float, metric: Metric) -> SignalTest:
    shown = f"{better.value:.3g}, interval {better.low:.3g} to {better.high:.3g}, on {better.rows:,} rows"
    if better.low > 0:
        return SignalTest(
            verdict="learnable",
            gain=better,
            explanation=f"A quick model is better than the baseline in {metric} by {shown}",
        )
    room = 1 - baseline if metric not in _ERRORS else baseline
    if better.value > 0 and better.high >= _WORTH_KNOWING * room:
        return SignalTest(
            verdict="unsure",
            gain=better,
            explanation=f"A quick model may be better than the baseline in {metric}, but these rows are too few to tell "
            f"({shown})",
        )
    return SignalTest(
        verdict="not_above_baseline",
        gain=better,
        explanation=f"A quick model is not better than the baseline in {metric} ({shown})",
    )
