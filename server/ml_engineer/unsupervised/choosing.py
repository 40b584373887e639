"""Which option wins, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.stats import rankdata

from ml_engineer.errors import InputError
from ml_engineer.statistics.intervals import estimate, estimate_difference
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.unsupervised.rows import Floats, LookedAt, mean_difference, mean_of_rows
from ml_engineer.unsupervised.search import Standing
from ml_engineer.vocabulary.estimates import Estimate, Metric

__all__ = ["STRONG", "Choice", "Labels", "choose", "labelled_outcomes", "score_of"]

STRONG: Final = 0.8
"""Prediction strength from which groups count as found again (Tibshirani and Walther 2005 take 0.8 to 0.9)."""

Rule = Literal["best", "simplest-within-noise"]


@dataclass(frozen=True)
class Labels:
    """Known anomalies, which only judge.

    Parameters
    ----------
    known : numpy.ndarray of shape (n,), bool
        Rows whose label is known.
    positive : numpy.ndarray of shape (n,), bool
        Rows that are known anomalies.
    """

    known: np.ndarray
    positive: np.ndarray


@dataclass(frozen=True)
class Choice:
    """The option that won.

    Parameters
    ----------
    standing : Standing
        How it did.
    score : Estimate
        The metric that decides.
    reasons : tuple of str
        What was decided, one sentence each.
    warnings : tuple of str
        What a person should know.
    """

    standing: Standing
    score: Estimate
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def score_of(standing: Standing, rows: LookedAt, metric: Metric, labels: Labels | None = None) -> Estimate:
    """The metric over out-of-fold rows with its interval: a mean over rows, or against known anomalies.

    Raises
    ------
    InputError
        If it is undefined, as with labels of one kind only.
    """
    if labels is None or metric in {"planted_roc_auc", "silhouette"}:
        return mean_of_rows(metric, standing.values, clusters=rows.clusters, blocks=rows.blocks)
    return estimate(metric, labelled_outcomes(standing.answers, rows, labels))


def labelled_outcomes(scores: Floats, rows: LookedAt, labels: Labels) -> Outcomes:
    """Anomaly scores beside known labels, on the rows where both are there."""
    seen = labels.known & np.isfinite(scores)
    order = rankdata(scores[seen]) / max(int(seen.sum()), 1)  # metrics of ranks ask for nothing more
    return Outcomes(
        "binary",
        labels.positive[seen].astype(int),
        np.zeros(int(seen.sum()), dtype=int),
        probabilities=np.column_stack([1 - order, order]),
        n_classes=2,
        clusters=None if rows.clusters is None else rows.clusters[seen],
        blocks=rows.blocks,
    )


def choose(
    standings: Sequence[Standing], rows: LookedAt, metric: Metric, *, rule: Rule, labels: Labels | None = None
) -> Choice:
    """The best by the metric; of groupings, the best among those that are found again.

    Parameters
    ----------
    standings : sequence of Standing
        Everything that was tried.
    rows : LookedAt
        The rows that it was tried on.
    metric : Metric
        What decides.
    rule : {'best', 'simplest-within-noise'}
        The latter takes the simplest whose difference to the best may be chance.
    labels : Labels, optional
        Known anomalies.

    Raises
    ------
    InputError
        If nothing could be fitted.
    """
    fitted = [standing for standing in standings if standing.status == "finished"]
    if not fitted:
        found = "; ".join(f"{standing.option.name}: {standing.reason}" for standing in standings[:3])
        raise InputError("Nothing could be fitted", found=found, remedy="Look at the columns that features.py gives")
    reasons, warnings = [], []
    if metric == "silhouette":
        strong = [standing for standing in fitted if _is_strong(standing)]
        if strong:
            counts = sorted({standing.option.groups for standing in strong if standing.option.groups})
            reasons.append(
                f"{len(strong)} of {len(fitted)} groupings are found again in random halves of the rows (prediction "
                f"strength of at least {STRONG}), with {_listed(counts)} groups; the clearest of them wins."
            )
        else:
            best = max(fitted, key=lambda standing: standing.agreement)
            warnings.append(
                f"No grouping is found again in random halves of the rows: the highest prediction strength is "
                f"{best.agreement:.2f} ({best.option.name}), and {STRONG} is asked for. Other rows would be grouped otherwise."
            )
        fitted = strong or fitted
    scores = {standing.option.name: score_of(standing, rows, metric, labels) for standing in fitted}
    best = max(fitted, key=lambda standing: scores[standing.option.name].value)
    winner = best
    if rule == "simplest-within-noise":
        winner = _simplest(fitted, best, rows, metric, labels)
        if winner is not best:
            reasons.append(
                f"{winner.option.name} is simpler than {best.option.name}, and their difference may be chance."
            )
    reasons.append(f"{winner.option.name} has a {metric} of {scores[winner.option.name]} on rows that it did not see.")
    return Choice(winner, scores[winner.option.name], tuple(reasons), tuple(warnings))


def _is_strong(standing: Standing) -> bool:
    """By the mean over the halvings plus its standard error, as the authors do."""
    strengths = standing.agreements[:, 0]
    return bool(strengths.mean() + strengths.std(ddof=1) / np.sqrt(len(strengths)) >= STRONG)


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(str(count) for count in counts)


def _simplest(
    fitted: Sequence[Standing], best: Standing, rows: LookedAt, metric: Metric, labels: Labels | None
) -> Standing:
    order = sorted(fitted, key=lambda standing: (standing.option.simplicity, standing.option.groups or 0))
    return next((each for each in order if each is best or _may_be_chance(best, each, rows, metric, labels)), best)


def _may_be_chance(best: Standing, other: Standing, rows: LookedAt, metric: Metric, labels: Labels | None) -> bool:
    if labels is None or metric in {"planted_roc_auc", "silhouette"}:
        difference = mean_difference(metric, best.values, other.values, clusters=rows.clusters, blocks=rows.blocks)
    else:
        pair = [labelled_outcomes(standing.answers, rows, labels) for standing in (best, other)]
        difference = estimate_difference(metric, pair[0], pair[1])
    return difference.low <= 0
