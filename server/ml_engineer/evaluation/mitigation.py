"""Disparities among out-of-fold predictions, and a threshold per group tried against them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.fairness import assess_fairness
from ml_engineer.statistics.group_measures import choose_use
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.mitigation import (
    best_common_threshold,
    decision_metric,
    price,
    thresholds_by_group,
)
from ml_engineer.vocabulary.fairness import FairnessAssessment, GroupComparison, MitigationTrial
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["out_of_fold_disparities", "try_thresholds"]

_NOT_LAWFUL_EVERYWHERE = (
    "decides by group membership, which is unlawful in many places and uses: ask before choosing it; the service "
    "would need the group of every person"
)

Groups = dict[str, npt.NDArray[np.object_]]


def out_of_fold_disparities(
    problem: ProblemDefinition, outcomes: Outcomes, groups: Groups, *, seed: int = 0
) -> tuple[FairnessAssessment, tuple[GroupComparison, ...]]:
    """Groups compared on out-of-fold predictions, and the columns whose deciding measure shows a disparity."""
    use, reason = choose_use(
        outcomes.task, given=problem.fairness_use, costs=problem.costs, positive=problem.positive_class
    )
    assessment = assess_fairness(
        outcomes,
        groups,
        basis="out-of-fold",
        use=use,
        use_reason=reason,
        tolerance=problem.fairness_tolerance,
        seed=seed,
    )
    shown = tuple(
        one
        for one in assessment.comparisons
        if one.decides and len(one.columns) == 1 and one.verdict == "disparity shown"
    )
    return assessment, shown


def try_thresholds(
    problem: ProblemDefinition,
    outcomes: Outcomes,
    *,
    labels: npt.NDArray[np.object_],
    folds: npt.NDArray[np.integer],
    comparison: GroupComparison,
    assessment: FairnessAssessment,
    seed: int = 0,
) -> MitigationTrial | None:
    """A threshold per group, judged on out-of-fold predictions; none where decisions have no threshold.

    Parameters
    ----------
    problem : ProblemDefinition
        Tells the primary metric.
    outcomes : Outcomes
        Out-of-fold predictions of n rows.
    labels, folds : numpy.ndarray of shape (n,)
        Group and fold of each row.
    comparison, assessment
        From `out_of_fold_disparities`.
    seed : int
        Random state.
    """
    if outcomes.task != "binary":
        return None
    metric = decision_metric(problem.primary_metric, outcomes)
    judged = [cell.group for cell in comparison.cells if cell.judged and "(pooled" not in cell.group]
    decided = thresholds_by_group(outcomes, labels, folds, judged=judged, measure=comparison.measure, metric=metric)
    if decided is None:
        return None
    against = f"; priced against the best single threshold for {metric}"
    same = "" if metric == problem.primary_metric else f"; {problem.primary_metric} does not change, as scores stay"
    return price(
        "threshold per group",
        outcomes,
        decided[0],
        labels,
        comparison,
        metric=metric,
        use=assessment.use,
        tolerance=assessment.tolerance,
        priced_against=best_common_threshold(outcomes, folds, metric=metric),
        settings=decided[1],
        note=_NOT_LAWFUL_EVERYWHERE + against + same,
        seed=seed,
    )
