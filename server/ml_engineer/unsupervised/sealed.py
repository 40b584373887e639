"""What held-out rows say of a grouping or a detector: numbers over all of them, never single rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.base import clone

from ml_engineer.errors import InputError
from ml_engineer.statistics.intervals import compare, wilson
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.unsupervised.agreement import prediction_strength, rand, row_silhouettes
from ml_engineer.unsupervised.choosing import Labels, labelled_outcomes
from ml_engineer.unsupervised.judging import Detectors, group_labels
from ml_engineer.unsupervised.portraits import portray_groups
from ml_engineer.unsupervised.rows import Floats, Ints, LookedAt, mean_of_rows, sample_positions
from ml_engineer.unsupervised.spaces import Block, blocks_of
from ml_engineer.unsupervised.structureless import beyond_chance, chance_on_new_rows
from ml_engineer.vocabulary.estimates import Estimate, MetricEstimate
from ml_engineer.vocabulary.structure import GroupProfile, StructureMeasure

__all__ = ["SealedLook", "look_at_anomalies", "look_at_groups"]

_REFERENCE_ROWS: Final = 300
_REPLICATES: Final = 300
_STRONG: Final = 0.8


@dataclass(frozen=True)
class SealedLook:
    """What came of it.

    Parameters
    ----------
    metrics : tuple of MetricEstimate
        The primary metric first.
    measures : tuple of StructureMeasure
        Other numbers.
    groups : tuple of GroupProfile
        The groups; clustering.
    warnings : tuple of str
        What a person should know.
    """

    metrics: tuple[MetricEstimate, ...]
    measures: tuple[StructureMeasure, ...]
    groups: tuple[GroupProfile, ...] = ()
    warnings: tuple[str, ...] = ()


def look_at_groups(
    model: Any, features: pd.DataFrame, raw: pd.DataFrame, development: pd.DataFrame, *, rows: LookedAt, seed: int
) -> SealedLook:
    """Silhouette against rows without groups, whether these rows would be grouped alike, sizes, and what is typical.

    Parameters
    ----------
    model : Pipeline
        The champion.
    features : pandas.DataFrame of shape (h, d)
        What features.py made of held-out rows.
    raw : pandas.DataFrame of shape (h, c)
        Their used columns.
    development : pandas.DataFrame of shape (n, d)
        Features of development rows, to draw rows without groups like them.
    rows : LookedAt
        The held-out rows with what is known of their dependence.
    seed : int
        Random state.
    """
    labels = group_labels(model, features).astype(int)
    prepared = np.asarray(model[:-1].transform(features), dtype=float)
    values = row_silhouettes(prepared, labels)
    known = development.iloc[sample_positions(len(development), most=_REFERENCE_ROWS)]
    space = np.asarray(model[:-1].transform(known), dtype=float)
    # A user's own pipeline is no column transformer of ours: its columns are then looked at one by one.
    blocks = blocks_of(model[0]) if hasattr(model[0], "output_indices_") else _single(space)
    chance = chance_on_new_rows(space, blocks, _asker(model), new_rows=min(len(features), _REFERENCE_ROWS), seed=seed)
    nearest, baseline, difference = beyond_chance(values, chance, seed=seed)
    own = mean_of_rows("silhouette", values, clusters=rows.clusters, blocks=rows.blocks, seed=seed)
    metric = MetricEstimate(
        metric="silhouette", direction="higher", model=own, baseline=baseline, difference=difference
    )
    measures, told = _found_again(model, features, labels, seed=seed)
    if difference.low <= 0:
        told.append(
            f"Held-out rows without groups ({nearest}) would be grouped as clearly: no group structure above chance."
        )
    return SealedLook(
        (metric,), tuple(measures), portray_groups(raw, labels, values, clusters=rows.clusters), tuple(told)
    )


def _single(prepared: Floats) -> list[Block]:
    return [Block(np.array([place]), numeric=True) for place in range(prepared.shape[1])]


def _asker(model: Any) -> Callable[[Floats, Floats], Ints]:
    def fit_and_ask(known: Floats, asked: Floats) -> Ints:
        fresh = clone(model[-1])
        if "n_init" in fresh.get_params():
            fresh.set_params(n_init=1)
        with warnings.catch_warnings():
            # What did not converge groups worse, and that is what is asked.
            warnings.simplefilter("ignore")
            return np.asarray(fresh.fit(known).predict(asked), dtype=int)

    return fit_and_ask


def _found_again(
    model: Any, features: pd.DataFrame, labels: Ints, *, seed: int
) -> tuple[list[StructureMeasure], list[str]]:
    """Group the held-out rows by a model of their own, and see whether the champion's groups are the same."""
    try:
        with warnings.catch_warnings():
            # As above.
            warnings.simplefilter("ignore")
            own = group_labels(clone(model).fit(features), features).astype(int)
    except ValueError as error:
        return [], [f"The held-out rows could not be grouped by themselves: {' '.join(str(error).split())[:120]}."]
    strength = _resampled(prediction_strength, own, labels, seed=seed)
    agreement = _resampled(rand, own, labels, seed=seed)
    told = []
    if strength.value < _STRONG:
        told.append(
            f"The held-out rows by themselves would be grouped otherwise: prediction strength {strength.value:.2f}, and "
            f"{_STRONG} is asked for."
        )
    return [
        StructureMeasure(
            name="prediction strength",
            meaning="share of pairs in the worst of the groups that held-out rows make by themselves which the champion keeps "
            "together (Tibshirani and Walther 2005)",
            estimate=strength,
        ),
        StructureMeasure(
            name="adjusted Rand index",
            meaning="agreement of the champion's groups with those that held-out rows make by themselves; 1 if the same",
            estimate=agreement,
            expected=0.0,
        ),
    ], told


def _resampled(measure: Callable[[Ints, Ints], float], own: Ints, foreign: Ints, *, seed: int) -> Estimate:
    rng = np.random.default_rng(seed)
    value = measure(own, foreign)
    drawn = []
    for _ in range(_REPLICATES):
        rows = rng.integers(0, len(own), len(own))
        drawn.append(measure(own[rows], foreign[rows]))
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    method = f"bootstrap of rows, {_REPLICATES} replicates, both groupings fixed"
    if low == high == 1.0:
        # That every resample agrees says that rows are few, not that it is certain.
        smallest = int(np.unique(own, return_counts=True)[1].min())
        low, method = (
            wilson(smallest, smallest).low,
            f"Wilson on the {smallest} rows of the smallest group, as all resamples agree",
        )
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method, rows=len(own))


def look_at_anomalies(
    model: Any,
    features: pd.DataFrame,
    *,
    threshold: float,
    fraction: float,
    primary: str,
    labels: Labels | None,
    rows: LookedAt,
    seed: int,
) -> SealedLook:
    """Planted and known anomalies, the share that is flagged against the share that was promised, and agreement.

    Parameters
    ----------
    model : Pipeline
        The champion.
    features : pandas.DataFrame of shape (h, d)
        What features.py made of held-out rows.
    threshold : float
        Score from which a row is flagged.
    fraction : float
        Share of rows that was to be flagged.
    primary : Metric
        The metric that decides; it comes first.
    labels : Labels or None
        Known anomalies among the held-out rows.
    rows : LookedAt
        The held-out rows with what is known of their dependence.
    seed : int
        Random state.
    """
    judge = Detectors(fraction)
    judged = judge.judge(model, features, seed=seed)
    planted = mean_of_rows("planted_roc_auc", judged.values, clusters=rows.clusters, blocks=rows.blocks, seed=seed)
    half = Estimate(value=0.5, low=0.5, high=0.5, method="by definition", rows=planted.rows)
    gain = planted.model_copy(update={end: getattr(planted, end) - 0.5 for end in ("value", "low", "high")})
    metrics = [
        MetricEstimate(metric="planted_roc_auc", direction="higher", model=planted, baseline=half, difference=gain)
    ]
    flagged = judged.answers >= threshold
    measures = [
        StructureMeasure(
            name="share flagged",
            meaning="share of held-out rows whose score reaches the threshold",
            estimate=wilson(int(flagged.sum()), len(flagged)),
            expected=fraction,
        )
    ]
    for kind, value in judged.parts.items():
        measures.append(_by_kind(kind, value, len(flagged)))
    told = []
    try:
        own = clone(model).fit(features)
        (overlap,) = judge.agreement(model, own, features)
        top = max(1, round(fraction * len(features)))
        share = wilson(round(overlap * top), top)
        meaning = "of the rows that the champion puts at the top, the share that a model of the held-out rows does too"
        measures.append(StructureMeasure(name="top overlap", meaning=meaning, estimate=share, expected=fraction))
    except ValueError as error:
        told.append(
            f"A model of the held-out rows themselves could not be fitted: {' '.join(str(error).split())[:120]}."
        )
    if labels is not None:
        more, counted, said = _against_labels(judged.answers, flagged, labels, rows, seed=seed)
        metrics, measures, told = [*more, *metrics], [*counted, *measures], [*told, *said]
    metrics.sort(key=lambda metric: metric.metric != primary)
    promised = next(measure for measure in measures if measure.name == "share flagged")
    if not promised.estimate.low <= fraction <= promised.estimate.high:
        told.append(
            f"{promised.estimate.value:.2%} of the held-out rows are flagged, and {fraction:.2%} were promised: they differ from "
            "the development rows."
        )
    return SealedLook(tuple(metrics), tuple(measures), warnings=tuple(told))


def _by_kind(kind: str, value: float, rows: int) -> StructureMeasure:
    """ROC AUC of one kind of planted rows, with the interval of Hanley and McNeil (1982)."""
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    spread = (value * (1 - value) + (rows - 1) * (first + second - 2 * value**2)) / rows**2
    half = 1.96 * float(np.sqrt(max(spread, 0.0)))
    estimate = Estimate(
        value=value, low=max(0.0, value - half), high=min(1.0, value + half), method="Hanley and McNeil", rows=rows
    )
    return StructureMeasure(
        name=f"planted: {kind}", meaning="ROC AUC of planted anomalies of this kind", estimate=estimate, expected=0.5
    )


def _against_labels(
    scores: Floats, flagged: np.ndarray, labels: Labels, rows: LookedAt, *, seed: int
) -> tuple[list[MetricEstimate], list[StructureMeasure], list[str]]:
    outcomes = labelled_outcomes(scores, rows, labels)
    positives, known = int((labels.positive & labels.known).sum()), int(labels.known.sum())
    if not np.isfinite(metric_value("roc_auc", outcomes)):
        return (
            [],
            [],
            [f"Of {known} labelled held-out rows, {positives} are known anomalies: too few to judge by labels."],
        )
    chance = type(outcomes)(
        "binary",
        outcomes.actual,
        outcomes.predicted,
        probabilities=np.full((outcomes.rows, 2), 0.5),
        n_classes=2,
        clusters=outcomes.clusters,
        blocks=outcomes.blocks,
    )
    try:
        metrics = list(compare(("average_precision", "roc_auc"), outcomes, chance, seed=seed))
    except InputError as error:
        return [], [], [f"Labels could not judge: {error.problem}."]
    hits = int((flagged & labels.positive & labels.known).sum())
    counted = []
    if int((flagged & labels.known).sum()):
        counted.append(
            StructureMeasure(
                name="known anomalies among the flagged",
                meaning="precision: of flagged rows with a label, the share that is a known anomaly",
                estimate=wilson(hits, int((flagged & labels.known).sum())),
                expected=positives / known,
            )
        )
    counted.append(
        StructureMeasure(
            name="flagged among the known anomalies",
            meaning="recall: of known anomalies, the share that is flagged",
            estimate=wilson(hits, positives),
            expected=float(flagged.mean()),
        )
    )
    return metrics, counted, []
