"""Scores of a model on held-out rows, beside the naive baseline's: aggregates only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, log, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ml_engineer.errors import InputError
from ml_engineer.evaluation.prediction import UNKNOWN_CLASS
from ml_engineer.evaluation.survival import same_for_all
from ml_engineer.statistics.baselines import baseline_outcomes
from ml_engineer.statistics.intervals import compare
from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for
from ml_engineer.vocabulary.estimates import Metric, MetricEstimate
from ml_engineer.vocabulary.evaluation import ConfusionMatrix
from ml_engineer.vocabulary.problem import TaskType

__all__ = [
    "Admitted",
    "HeldOutScores",
    "Verdict",
    "admit_unknown_classes",
    "count_confusion",
    "score_held_out",
]

Verdict = Literal["better_than_baseline", "no_evidence", "worse_than_baseline"]

# What stands in where the primary metric is undefined, as ROC AUC is on rows of one class.
_STAND_IN: dict[TaskType, tuple[Metric, ...]] = {
    "binary": ("log_loss", "accuracy"),
    "multiclass": ("log_loss", "accuracy"),
    "multilabel": ("log_loss",),
    "regression": ("rmse",),
    "ranking": ("mean_average_precision",),
    "survival": ("integrated_brier",),
}
_FEW_ROWS = 100


@dataclass(frozen=True)
class HeldOutScores:
    """What one look gives.

    Parameters
    ----------
    metrics : tuple of MetricEstimate
        The primary metric first.
    verdict : str
        By the interval of the paired difference in the primary metric.
    warnings : tuple of str
        What a person should know, one sentence each.
    """

    metrics: tuple[MetricEstimate, ...]
    verdict: Verdict
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Admitted:
    """Held-out rows whose class is dealt with.

    Parameters
    ----------
    outcomes : Outcomes
        Without `UNKNOWN_CLASS` codes.
    classes : tuple of str
        Labels of all codes.
    kept : numpy.ndarray of shape (n,)
        Which of the rows are still there.
    warnings : tuple of str
        One sentence if there was a row of an unknown class.
    """

    outcomes: Outcomes
    classes: tuple[str, ...]
    kept: npt.NDArray[np.bool_]
    warnings: tuple[str, ...] = ()


def admit_unknown_classes(outcomes: Outcomes, labels: Sequence[str], classes: tuple[str, ...]) -> Admitted:
    """Deal with rows whose class the problem does not name.

    Several classes: such rows are mistakes, so each unknown label becomes a class of probability 0. Two classes:
    'positive' and 'negative' have no meaning for such rows, so they are left out. Both are told.

    Parameters
    ----------
    outcomes : Outcomes
        n rows; `UNKNOWN_CLASS` as actual code where the label is unknown.
    labels : sequence of str, length n
        The actual labels as text.
    classes : tuple of str
        The classes that the problem names.
    """
    unknown = outcomes.actual == UNKNOWN_CLASS
    everyone = np.ones(outcomes.rows, dtype=bool)
    if outcomes.task == "regression" or not unknown.any():
        return Admitted(outcomes, classes, everyone)
    told = f"{int(unknown.sum())} held-out rows have a class that no development row has"
    if outcomes.task == "binary":
        return Admitted(outcomes.take(~unknown), classes, ~unknown, (f"{told}; they are not scored.",))
    strangers = [labels[int(place)] for place in np.flatnonzero(unknown)]
    names = tuple(sorted(set(strangers)))
    actual = outcomes.actual.astype(int)
    actual[unknown] = [len(classes) + names.index(label) for label in strangers]
    probabilities = outcomes.probabilities
    if probabilities is not None:
        probabilities = np.c_[probabilities, np.zeros((outcomes.rows, len(names)))]
    widened = replace(outcomes, actual=actual, probabilities=probabilities, n_classes=len(classes) + len(names))
    return Admitted(widened, (*classes, *names), everyone, (f"{told}; they count as mistakes.",))


def score_held_out(
    primary: Metric,
    outcomes: Outcomes,
    development_actual: npt.NDArray[np.generic],
    *,
    look: int = 1,
    seed: int = 0,
) -> HeldOutScores:
    """All metrics of the task, each with its interval, beside a baseline learned from development rows.

    Parameters
    ----------
    primary : Metric
        The number that decides.
    outcomes : Outcomes
        The model on the held-out rows.
    development_actual : numpy.ndarray of shape (m,)
        Class codes or numbers of the development rows.
    look : int
        How many models these rows have now judged. On look k every interval has the level 1 - 0.05 / k: whoever
        looks k times and quotes the best is then still wrong in about 5 % of cases only (Bonferroni).
    seed : int
        Random state of the bootstrap.

    Raises
    ------
    InputError
        If there is no row.
    """
    if outcomes.rows == 0:
        raise InputError(
            "There is no held-out row to score",
            found="every held-out row lacks a target value that the problem knows",
            remedy="Call frame_problem again with a table, or a test file, whose target is filled in",
        )
    judged_by = _defined_primary(primary, outcomes)
    wanted = metrics_for(outcomes.judged_as, has_costs=outcomes.costs is not None)
    ordered = (judged_by, *(metric for metric in wanted if metric != judged_by))
    level = 1 - 0.05 / look
    found: dict[Metric, MetricEstimate] = {}
    for group in _by_baseline(ordered, outcomes):
        baseline = _baseline(group[0], outcomes, development_actual)
        for result in compare(group, outcomes, baseline, level=level, seed=seed):
            found[result.metric] = result
    metrics = tuple(found[metric] for metric in ordered if metric in found)
    warnings = _warnings(primary, judged_by, metrics[0], outcomes, look)
    return HeldOutScores(metrics, _verdict(metrics[0]), warnings)


def _defined_primary(primary: Metric, outcomes: Outcomes) -> Metric:
    choices: tuple[Metric, ...] = (primary, *_STAND_IN.get(outcomes.judged_as, _STAND_IN[outcomes.task]))
    return next((metric for metric in choices if isfinite(metric_value(metric, outcomes))), "accuracy")


def _by_baseline(metrics: Sequence[Metric], outcomes: Outcomes) -> list[list[Metric]]:
    """Metrics that share a baseline: the median suits absolute errors, the mean squared ones, costs their own."""
    special: set[Metric] = {"expected_cost"} if outcomes.task == "binary" else {"mae", "median_absolute_error"}
    if outcomes.judged_as == "ordinal":
        special = {"ranked_probability_score", "level_mae"}
    groups = [[metric for metric in metrics if (metric in special) is chosen] for chosen in (False, True)]
    return [group for group in groups if group]


def _baseline(metric: Metric, outcomes: Outcomes, development_actual: npt.NDArray[np.generic]) -> Outcomes:
    if outcomes.named == "survival":
        return same_for_all(outcomes, development_actual)
    return baseline_outcomes(
        outcomes.task,
        development_actual,
        outcomes.actual,
        n_classes=outcomes.n_classes,
        positive=outcomes.positive,
        metric=metric,
        quantile=outcomes.quantile,
        costs=outcomes.costs,
        clusters=outcomes.clusters,
        blocks=outcomes.blocks,
    )


def _verdict(primary: MetricEstimate) -> Verdict:
    difference = primary.difference
    if difference is None:
        return "no_evidence"
    low, high = difference.low, difference.high
    if primary.direction == "lower":
        low, high = -high, -low
    if low > 0:
        return "better_than_baseline"
    return "worse_than_baseline" if high < 0 else "no_evidence"


def _warnings(
    primary: Metric, judged_by: Metric, result: MetricEstimate, outcomes: Outcomes, look: int
) -> tuple[str, ...]:
    found = []
    if judged_by != primary:
        found.append(f"{primary} is undefined on these held-out rows; {judged_by} decides instead.")
    if outcomes.rows < _FEW_ROWS:
        found.append(
            f"Only {outcomes.rows} rows were held out, so {judged_by} is known no better than "
            f"{result.model.low:.3g} to {result.model.high:.3g}."
        )
    if outcomes.task != "regression" and len(np.unique(outcomes.actual, axis=0)) == 1:
        found.append("All held-out rows are of one class; how well classes are told apart cannot be seen.")
    if len(np.unique(outcomes.predicted, axis=0)) == 1 and outcomes.rows > 1:
        found.append("The model predicts the same for every held-out row.")
    if look > 1:
        # The best of k unbiased scores lies above its truth by at most about se * sqrt(2 ln k).
        level = result.model.level
        spread = (result.model.high - result.model.low) / (2 * float(ndtri((1 + level) / 2)))
        found.append(
            f"These rows have now judged {look} models: the best score among them may flatter by up to "
            f"{spread * sqrt(2 * log(look)):.2g}, and intervals are widened to level {level:.3g}."
        )
    return tuple(found)


def count_confusion(outcomes: Outcomes, classes: tuple[str, ...]) -> ConfusionMatrix | None:
    """Counts of actual against predicted classes; none for regression and several labels a row."""
    if outcomes.task in {"regression", "multilabel"}:
        return None
    size = len(classes)
    cells = outcomes.actual.astype(int) * size + outcomes.predicted.astype(int)
    counts = np.bincount(cells, minlength=size * size).reshape(size, size)
    return ConfusionMatrix(labels=classes, counts=tuple(tuple(int(cell) for cell in row) for row in counts))
