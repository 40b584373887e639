"""The champion fitted again with weights that lessen a shown disparity, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from ml_engineer.evaluation.prediction import Predictions, make_outcomes, predict
from ml_engineer.statistics.group_measures import measures_of
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.mitigation import group_weights, price, reweighing
from ml_engineer.statistics.weighted_fit import fit_weighted, takes_weights
from ml_engineer.vocabulary.fairness import FairnessAssessment, GroupComparison, Mitigation, MitigationTrial
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["Refitter", "try_refits"]

_MOST_FIT_ROWS = 10_000
_ROUNDS = 3

Pairs = Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]


@dataclass(frozen=True)
class Refitter:
    """The champion fitted again on the planned folds, with weights.

    Parameters
    ----------
    model : estimator
        The champion; only its parameters are used.
    features : pandas.DataFrame of shape (n, m)
        What features.py gave for the development rows.
    target : numpy.ndarray of shape (n,)
        The target's own values.
    actual : numpy.ndarray of shape (n,)
        Class codes or numbers.
    pairs : sequence of (train, test) positions
        The planned folds.
    problem : ProblemDefinition
        The framed problem.
    threshold : float or None
        Decision threshold in force.
    clock : callable
        Monotonic seconds.
    clusters : numpy.ndarray of shape (n,), optional
        Entity of each row.
    durations : list of float
        Seconds that each refit took.
    seed : int
        Random state of the sample of rows to fit on, at most 10,000 a fold.
    """

    model: Any
    features: pd.DataFrame
    target: npt.NDArray[Any]
    actual: npt.NDArray[np.generic]
    pairs: Pairs
    problem: ProblemDefinition
    threshold: float | None
    clock: Callable[[], float]
    clusters: npt.NDArray[np.integer] | None = None
    seed: int = 0
    durations: list[float] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """Seconds of the slowest refit so far."""
        return max(self.durations, default=0.0)

    @cached_property
    def plain(self) -> Outcomes:
        """The champion fitted again without weights, which every mitigation is set against."""
        return self.outcomes(None)

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Positions of the rows that get a prediction, fold after fold."""
        return np.concatenate([test for _, test in self.pairs])

    def outcomes(self, weights: npt.NDArray[np.float64] | None) -> Outcomes:
        """Predictions for `rows` by models that had not seen them.

        Raises
        ------
        TypeError
            If the champion takes no weights.
        """
        if weights is not None and not takes_weights(self.model):
            msg = "it takes no weights of rows"
            raise TypeError(msg)
        rng, begun = np.random.default_rng(self.seed), self.clock()
        answers = []
        for train, test in self.pairs:
            chosen = np.sort(rng.choice(train, _MOST_FIT_ROWS, replace=False)) if len(train) > _MOST_FIT_ROWS else train
            known = None if weights is None else weights[chosen]
            fitted = fit_weighted(clone(self.model), self.features.iloc[chosen], self.target[chosen], known)
            answers.append(predict(fitted, self.features.iloc[test], self.problem, threshold=self.threshold))
        probabilities = [one.probabilities for one in answers if one.probabilities is not None]
        together = Predictions(
            np.concatenate([one.predicted for one in answers]),
            np.concatenate(probabilities) if len(probabilities) == len(answers) else None,
        )
        self.durations.append(self.clock() - begun)
        rows = self.rows
        clusters = None if self.clusters is None else self.clusters[rows]
        return make_outcomes(self.problem, self.actual[rows], together, clusters=clusters)


def try_refits(
    refitter: Refitter,
    labels: npt.NDArray[np.object_],
    comparison: GroupComparison,
    assessment: FairnessAssessment,
    *,
    deadline: float,
) -> tuple[MitigationTrial, ...]:
    """Reweighting and constrained training, each against the same champion fitted again without weights.

    Parameters
    ----------
    refitter : Refitter
        The champion and its n development rows.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    comparison, assessment
        From `out_of_fold_disparities`.
    deadline : float
        On the refitter's clock: no refit is begun that would, as slow as the slowest before, end later than this.
    """
    try:
        plain, trials = refitter.plain, []
        if refitter.problem.form != "regression":
            if refitter.clock() + refitter.slowest > deadline:
                reason = f"one refit takes {refitter.slowest:.0f} s, more than there was time for"
                return (_untried("reweighting", comparison, reason),)
            weights = reweighing(labels, np.asarray(refitter.actual).astype(int))
            after = refitter.outcomes(weights)
            trials.append(
                _priced(
                    "reweighting",
                    refitter,
                    plain=plain,
                    after=after,
                    labels=labels,
                    comparison=comparison,
                    assessment=assessment,
                    weights=weights,
                )
            )
        rounds = min(_ROUNDS, int((deadline - refitter.clock()) / max(refitter.slowest, 1e-3)))
        trials += _constrained(refitter, plain, labels, comparison, assessment, rounds=rounds)
    except (TypeError, ValueError, AttributeError) as error:
        reason = f"the champion could not be fitted with weights ({type(error).__name__}: {str(error)[:120]})"
        return (_untried("reweighting", comparison, reason),)
    return tuple(trials)


def _constrained(
    refitter: Refitter,
    plain: Outcomes,
    labels: npt.NDArray[np.object_],
    comparison: GroupComparison,
    assessment: FairnessAssessment,
    *,
    rounds: int,
) -> list[MitigationTrial]:
    """Rounds of heavier rows for the worse groups; the round with the smallest difference is told."""
    if rounds < 1 or comparison.measure not in {"recall", "false_positive_rate", "accuracy", "mae"}:
        return []
    rows, judged = (
        refitter.rows,
        [cell.group for cell in comparison.cells if cell.judged and "(pooled" not in cell.group],
    )
    weights = np.ones(len(labels))
    best: tuple[float, Outcomes, npt.NDArray[np.float64]] | None = None
    present = plain
    for _ in range(rounds):
        measured = measures_of(present, assessment.use)[0]
        weights[rows] = group_weights(measured, labels[rows], judged, weights[rows])
        present = refitter.outcomes(weights)
        gap = _largest_gap(present, labels[rows], judged, assessment)
        if best is None or gap < best[0]:
            best = gap, present, weights.copy()
    assert best is not None
    return [
        _priced(
            "constrained training",
            refitter,
            plain=plain,
            after=best[1],
            labels=labels,
            comparison=comparison,
            assessment=assessment,
            weights=best[2],
        )
    ]


def _largest_gap(
    outcomes: Outcomes, labels: npt.NDArray[np.object_], judged: Sequence[str], assessment: FairnessAssessment
) -> float:
    measured = measures_of(outcomes, assessment.use)[0]
    values = [float(measured.values[measured.counted & (labels == name)].mean()) for name in judged]
    return (max(values) - min(values)) / measured.scale


def _priced(
    kind: Mitigation,
    refitter: Refitter,
    *,
    plain: Outcomes,
    after: Outcomes,
    labels: npt.NDArray[np.object_],
    comparison: GroupComparison,
    assessment: FairnessAssessment,
    weights: npt.NDArray[np.float64],
) -> MitigationTrial:
    names = [cell.group for cell in comparison.cells if cell.judged and "(pooled" not in cell.group]
    return price(
        kind,
        plain,
        after,
        labels[refitter.rows],
        comparison,
        metric=refitter.problem.primary_metric,
        use=assessment.use,
        tolerance=assessment.tolerance,
        settings={name: float(weights[labels == name].mean()) for name in names} if kind != "reweighting" else {},
        note="against the champion fitted again on the same folds without weights",
        seed=refitter.seed,
    )


def _untried(kind: Mitigation, comparison: GroupComparison, reason: str) -> MitigationTrial:
    assert comparison.difference is not None
    return MitigationTrial(
        kind=kind, column=comparison.columns[0], measure=comparison.measure, before=comparison.difference, note=reason
    )
