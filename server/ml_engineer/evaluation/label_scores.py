"""Each of several labels for itself, on held-out rows: aggregates only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import Final

import numpy as np

from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.evaluation import LabelResult

__all__ = ["all_labels", "of_label", "score_labels"]

_REPLICATES: Final = 400


def of_label(outcomes: Outcomes, code: int) -> Outcomes:
    """One of several labels as a binary outcome: whether a row has it."""
    probabilities = outcomes.probabilities
    if probabilities is not None:
        probabilities = np.column_stack([1 - probabilities[:, code], probabilities[:, code]])
    return replace(
        outcomes,
        task="binary",
        actual=outcomes.actual[:, code],
        predicted=outcomes.predicted[:, code],
        probabilities=probabilities,
        n_classes=2,
        positive=1,
    )


def all_labels(outcomes: Outcomes) -> Outcomes:
    """Every pair of row and label as a binary outcome, for pictures of all labels together."""
    flat = None if outcomes.probabilities is None else outcomes.probabilities.ravel()
    return replace(
        outcomes,
        task="binary",
        actual=outcomes.actual.ravel(),
        predicted=outcomes.predicted.ravel(),
        probabilities=None if flat is None else np.column_stack([1 - flat, flat]),
        n_classes=2,
        positive=1,
        clusters=None,
    )


def score_labels(
    outcomes: Outcomes, labels: tuple[str, ...], *, level: float = 0.95, seed: int = 0
) -> tuple[LabelResult, ...]:
    """Counts, average precision, ROC AUC, precision and recall of each label, the most frequent first.

    Parameters
    ----------
    outcomes : Outcomes
        Held-out rows; there is nothing to tell unless they have several labels each.
    labels : tuple of str
        Names of the k labels.
    level : float
        Nominal coverage of the intervals, as of the metrics over all labels.
    seed : int
        Random state of the bootstrap.
    """
    return tuple(_results(outcomes, labels, level, seed)) if outcomes.task == "multilabel" else ()


def _results(outcomes: Outcomes, labels: tuple[str, ...], level: float, seed: int) -> Iterator[LabelResult]:
    for code in np.argsort(-outcomes.actual.sum(axis=0), kind="stable"):
        one = of_label(outcomes, int(code))
        measured: dict[Metric, Estimate | None] = {
            metric: _estimate(metric, one, level, seed)
            for metric in ("average_precision", "roc_auc", "precision", "recall")
        }
        yield LabelResult(
            label=labels[int(code)],
            rows=int(one.actual.sum()),
            chosen_rows=int(one.predicted.sum()),
            share=float(one.actual.mean()),
            **measured,
        )


def _estimate(metric: Metric, outcomes: Outcomes, level: float, seed: int) -> Estimate | None:
    if not isfinite(metric_value(metric, outcomes)):
        return None
    return estimate(metric, outcomes, level=level, replicates=_REPLICATES, seed=seed)
