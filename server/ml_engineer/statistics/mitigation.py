"""Ways to lessen a disparity that need no model of their own: weights for rows, thresholds for groups, and their price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.fairness import compare_groups
from ml_engineer.statistics.group_measures import Measured, measures_of
from ml_engineer.statistics.intervals import estimate_difference
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.vocabulary.estimates import Metric, direction_of
from ml_engineer.vocabulary.fairness import FairnessMeasure, FairnessUse, GroupComparison, Mitigation, MitigationTrial

__all__ = [
    "best_common_threshold",
    "decision_metric",
    "group_weights",
    "price",
    "reweighing",
    "thresholds_by_group",
]

Names = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

_OF_DECISIONS: frozenset[Metric] = frozenset(
    {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "expected_cost"}
)
_LEVELS = np.round(np.arange(0.02, 0.99, 0.02), 2)


def reweighing(labels: Names, target: Ints) -> Floats:
    """Weights under which label and group are independent: P(group) P(label) / P(group, label).

    Parameters
    ----------
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    target : numpy.ndarray of shape (n,)
        Class code of each row.

    Returns
    -------
    numpy.ndarray of shape (n,)
        With mean 1 in every group and in every class.

    References
    ----------
    Kamiran and Calders (2012), Data preprocessing techniques for classification without discrimination.
    """
    groups, group_codes = np.unique(labels.astype(str), return_inverse=True)
    classes, class_codes = np.unique(target, return_inverse=True)
    counts = np.zeros((len(groups), len(classes)))
    np.add.at(counts, (group_codes, class_codes), 1.0)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    weights = np.divide(expected, counts, out=np.ones_like(counts), where=counts > 0)
    return np.asarray(weights[group_codes, class_codes])


def group_weights(
    measured: Measured, labels: Names, judged: Sequence[str], weights: Floats, *, step: float = 2.0
) -> Floats:
    """Heavier rows where a group does worse than the best: one round towards equal values of a measure.

    The rows that count for the measure (positives for recall, negatives for the false positive rate) of each judged group
    are multiplied by exp(step * shortfall), and their mean weight is kept. A round of the exponentiated-gradient idea of
    Agarwal et al. (2018), A reductions approach to fair classification, with the model's own loss in place of theirs.

    Parameters
    ----------
    measured : Measured
        The measure on the n rows, under the present weights.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    judged : sequence of str
        Groups that take part.
    weights : numpy.ndarray of shape (n,)
        Present weights.
    step : float
        How hard to pull.
    """
    values = {
        name: float(measured.values[measured.counted & (labels == name)].mean() / measured.scale) for name in judged
    }
    worse_is_higher = measured.measure in {"false_positive_rate", "mae"}
    best = min(values.values()) if worse_is_higher else max(values.values())
    changed = weights.copy()
    for name, value in values.items():
        changed[measured.counted & (labels == name)] *= np.exp(step * min(abs(value - best), 1.0))
    changed[measured.counted] *= weights[measured.counted].mean() / changed[measured.counted].mean()
    return changed


def decision_metric(primary: Metric, outcomes: Outcomes) -> Metric:
    """What the price of other decisions is measured in: the primary metric if it sees decisions, else cost or balance."""
    if primary in _OF_DECISIONS:
        return primary
    return "expected_cost" if outcomes.costs is not None else "balanced_accuracy"


def thresholds_by_group(
    outcomes: Outcomes,
    labels: Names,
    folds: Ints,
    *,
    judged: Sequence[str],
    measure: FairnessMeasure,
    metric: Metric,
) -> tuple[Outcomes, dict[str, float]] | None:
    """Decisions by a threshold per group that gives every judged group the same rate (Hardt, Price and Srebro 2016).

    The common rate is the one with the best `metric`. Decisions on each fold come from thresholds found on the others, so
    that their price is not flattered.

    Parameters
    ----------
    outcomes : Outcomes
        Out-of-fold predictions of n rows with probabilities; binary.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    folds : numpy.ndarray of shape (n,)
        Fold of each row.
    judged : sequence of str
        Groups that get a threshold of their own; rows of others keep the model's decision.
    measure : {'recall', 'false_positive_rate', 'selection_rate'}
        Rate that is made equal.
    metric : Metric
        What the common rate is chosen by.

    Returns
    -------
    outcomes : Outcomes
        With the new decisions.
    thresholds : dict of str to float
        By group, found on all rows.
    None
        If the measure is no rate of decisions, or there are no probabilities.
    """
    if measure not in {"recall", "false_positive_rate", "selection_rate"} or outcomes.probabilities is None:
        return None
    scores = np.asarray(outcomes.probabilities, dtype=float)[:, outcomes.positive]
    positive = outcomes.actual == outcomes.positive
    counted = {"recall": positive, "false_positive_rate": ~positive}.get(measure, np.ones(len(scores), dtype=bool))
    members = {name: labels == name for name in judged}
    predicted = outcomes.predicted.copy()
    for fold in np.unique(folds):
        inside = folds == fold
        chosen = _best_thresholds(outcomes, scores, counted, members, known=~inside, metric=metric)
        predicted[inside] = _decided(outcomes, scores, members, chosen)[inside]
    everywhere = _best_thresholds(
        outcomes, scores, counted, members, known=np.ones(len(scores), dtype=bool), metric=metric
    )
    return replace(outcomes, predicted=predicted), everywhere


def best_common_threshold(outcomes: Outcomes, folds: Ints, *, metric: Metric) -> Outcomes:
    """Decisions by one threshold for everybody with the best `metric`, found on other folds than those it decides.

    What a threshold per group is to be set against: otherwise it would be praised for a better threshold.

    Parameters
    ----------
    outcomes : Outcomes
        Out-of-fold predictions of n rows with probabilities; binary.
    folds : numpy.ndarray of shape (n,)
        Fold of each row.
    metric : Metric
        What the threshold is chosen by.
    """
    everybody = np.full(outcomes.rows, "everybody", dtype=object)
    decided = thresholds_by_group(
        outcomes, everybody, folds, judged=["everybody"], measure="selection_rate", metric=metric
    )
    return outcomes if decided is None else decided[0]


def _best_thresholds(
    outcomes: Outcomes,
    scores: Floats,
    counted: npt.NDArray[np.bool_],
    members: dict[str, npt.NDArray[np.bool_]],
    *,
    known: npt.NDArray[np.bool_],
    metric: Metric,
) -> dict[str, float]:
    """Thresholds of the common rate with the best metric among the known rows."""
    by_level = {
        name: np.quantile(scores[member & counted & known], 1 - _LEVELS)
        for name, member in members.items()
        if (member & counted & known).any()
    }
    sign = 1 if direction_of(metric) == "higher" else -1
    best, chosen = -np.inf, 0
    for place in range(len(_LEVELS)):
        at = {name: float(levels[place]) for name, levels in by_level.items()}
        decided = replace(outcomes, predicted=_decided(outcomes, scores, members, at)).take(known)
        value = sign * metric_value(metric, decided)
        if isfinite(value) and value > best:
            best, chosen = value, place
    return {name: float(levels[chosen]) for name, levels in by_level.items()}


def _decided(
    outcomes: Outcomes, scores: Floats, members: dict[str, npt.NDArray[np.bool_]], thresholds: dict[str, float]
) -> npt.NDArray[np.generic]:
    decided = outcomes.predicted.copy()
    for name, threshold in thresholds.items():
        called = scores[members[name]] >= threshold
        decided[members[name]] = np.where(called, outcomes.positive, 1 - outcomes.positive)
    return decided


def price(
    kind: Mitigation,
    before: Outcomes,
    after: Outcomes,
    labels: Names,
    comparison: GroupComparison,
    *,
    metric: Metric,
    use: FairnessUse | None,
    tolerance: float,
    priced_against: Outcomes | None = None,
    settings: dict[str, float] | None = None,
    note: str = "",
    seed: int = 0,
) -> MitigationTrial:
    """What a mitigation does to the disparity and to a metric, on the same rows.

    Parameters
    ----------
    kind : Mitigation
        What was tried.
    before, after : Outcomes
        n rows without and with it.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    comparison : GroupComparison
        The disparity as it was found.
    metric : Metric
        What the price is measured in.
    use, tolerance
        As in `assess_fairness`.
    priced_against : Outcomes, optional
        What the metric is set against, if not `before`: what could be had without the mitigation.
    settings : dict of str to float, optional
        Thresholds or weights.
    note : str
        What to bear in mind.
    seed : int
        Random state.
    """
    again = {
        name: compare_groups(
            measures_of(outcomes, use)[0],
            labels,
            columns=comparison.columns,
            tolerance=tolerance,
            units=None if outcomes.clusters is None else np.asarray(outcomes.clusters),
            seed=seed,
        )
        for name, outcomes in (("before", before), ("after", after))
    }
    first = again["before"].difference or comparison.difference
    assert first is not None
    reference = before if priced_against is None else priced_against
    return MitigationTrial(
        kind=kind,
        column=comparison.columns[0],
        measure=comparison.measure,
        before=first,
        after=again["after"].difference,
        verdict=again["after"].verdict,
        metric=metric,
        metric_before=metric_value(metric, reference),
        price=estimate_difference(metric, after, reference, seed=seed),
        settings={name: float(f"{value:.4g}") for name, value in (settings or {}).items()},
        note=note,
    )
