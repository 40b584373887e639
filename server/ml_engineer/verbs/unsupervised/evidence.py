"""What speaks for the champion of a training without a target: against chance, between halves, and in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from ml_engineer.project.user_code import load_features
from ml_engineer.unsupervised.choosing import Choice, Labels
from ml_engineer.unsupervised.judging import anomaly_scores
from ml_engineer.unsupervised.options import counts_to_try
from ml_engineer.unsupervised.portraits import portray_groups, typical_row, unusual_columns
from ml_engineer.unsupervised.rows import Floats, Ints, sample_positions, spread_of
from ml_engineer.unsupervised.search import Standing
from ml_engineer.unsupervised.spaces import Block, blocks_of
from ml_engineer.unsupervised.structureless import compare_with_structureless
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.verbs.unsupervised.rows import Sample, cannot_be_known, used_columns
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.structure import StructureEvidence, StructureMeasure, UnusualRow
from ml_engineer.vocabulary.training import CandidateResult

__all__ = ["Baseline", "baseline_of", "evidence_of", "grouping_of"]

_ROWS = 300
_MOST_COUNTS = 4
_MOST_UNUSUAL = 10
_MEANINGS = {
    "prediction strength": "share of pairs in the worst group that a model of the other half keeps together "
    "(Tibshirani and Walther 2005); 0.8 and more counts as found again",
    "adjusted Rand index": "agreement of the groups that models of two random halves make; 0 by chance, 1 if the same",
    "top overlap": "of the rows that models of two random halves put at the top, the share that both do",
}


@dataclass(frozen=True)
class Baseline:
    """What chance gives, and what the champion gives beyond it."""

    result: CandidateResult
    gain: Estimate
    warnings: tuple[str, ...] = ()


def baseline_of(sample: Sample, model: Any, choice: Choice, labels: Labels | None, *, seed: int) -> Baseline:
    """Rows without groups, grouped in the same way; or an order of rows by chance."""
    if sample.rows.problem.task_type == "clustering":
        return _without_groups(sample, model, choice, seed=seed)
    score, metric = choice.score, sample.rows.problem.primary_metric
    chance = 0.5
    if metric == "average_precision" and labels is not None:
        chance = float(labels.positive.sum() / max(labels.known.sum(), 1))
    method = "by definition" if metric != "average_precision" else "the share of known anomalies"
    at_chance = Estimate(value=chance, low=chance, high=chance, method=method, rows=score.rows)
    gain = score.model_copy(update={end: getattr(score, end) - chance for end in ("value", "low", "high")})
    warnings = []
    if gain.low <= 0:
        warnings.append("The champion ranks anomalies no better than chance may: its interval reaches the baseline.")
    return Baseline(_result(at_chance), gain, tuple(warnings))


def _without_groups(sample: Sample, model: Any, choice: Choice, *, seed: int) -> Baseline:
    rows, seen = sample.rows, sample.seen
    option = choice.standing.option
    features = seen.features.iloc[sample_positions(seen.rows, most=_ROWS)]
    prepared = np.asarray(model[:-1].transform(features), dtype=float)
    groups = option.groups or len(np.unique(model.predict(features)))
    counts = counts_to_try(len(features), wanted=rows.problem.clusters)
    counts = sorted(sorted({*counts, groups}, key=lambda count: abs(count - groups))[:_MOST_COUNTS])
    if option.family == "user":
        counts = [groups]
    found = compare_with_structureless(
        prepared, blocks_of(model[0]) if option.family != "user" else _columns(prepared), counts,
        group=grouping_of(model), at=groups, seed=seed,
    )  # fmt: skip
    warnings = []
    if found.verdict == "not_above_baseline":
        warnings.append(
            f"No group structure above chance: rows without groups ({found.nearest}) are grouped as clearly. The groups are "
            "a way to cut the rows into pieces, not something that is there."
        )
    elif found.verdict == "unsure":
        warnings.append(
            "The groups are as clear after each column was shuffled by itself: they are the shapes of single columns, not "
            "rows that are alike in several."
        )
    return Baseline(_result(found.baseline), found.gain, tuple(warnings))


def _columns(prepared: Floats) -> list[Block]:
    return [Block(np.array([place]), numeric=True) for place in range(prepared.shape[1])]


def grouping_of(model: Any) -> Callable[[Floats, int], Ints]:
    """The last step of a grouping, as a function of prepared rows and a number of groups."""
    last = model[-1]
    name = next((name for name in ("n_clusters", "n_components") if name in last.get_params()), None)

    def group(prepared: Floats, count: int) -> Ints:
        fresh = clone(last)
        if name is not None:
            fresh.set_params(**{name: count})
        if "n_init" in fresh.get_params():
            fresh.set_params(n_init=1)
        return np.asarray(fresh.fit(prepared).predict(prepared), dtype=int)

    return group


def _result(score: Estimate) -> CandidateResult:
    return CandidateResult(name="baseline", family="baseline", status="finished", score=score)


def evidence_of(sample: Sample, model: Any, standing: Standing, answers: Floats) -> StructureEvidence:
    """Agreement between halves, the groups or the most unusual rows in words, and what cannot be known."""
    rows, seen, chosen, problem = sample.rows, sample.seen, sample.chosen, sample.rows.problem
    names = ("prediction strength", "adjusted Rand index") if problem.task_type == "clustering" else ("top overlap",)
    expected = {"top overlap": problem.expected_fraction, "adjusted Rand index": 0.0}
    measures = [
        StructureMeasure(
            name=name,
            meaning=_MEANINGS[name],
            estimate=spread_of(
                list(standing.agreements[:, place]),
                method=f"{len(standing.agreements)} random halvings of the rows; the middle 95 % of them",
                rows=seen.rows,
            ),
            expected=expected.get(name),
        )
        for place, name in enumerate(names)
    ]
    raw = used_columns(problem, rows.development.frame)
    if problem.task_type == "clustering":
        labels = np.asarray(model.predict(rows.data.features), dtype=int)
        values = np.full(rows.data.rows, np.nan)
        values[chosen] = standing.values
        groups = portray_groups(raw, labels, values, clusters=rows.data.clusters)
        return StructureEvidence(measures=tuple(measures), groups=groups, cannot_be_known=cannot_be_known(problem))
    return StructureEvidence(
        measures=tuple(measures),
        unusual_rows=_unusual(rows, raw.iloc[chosen], model, answers),
        cannot_be_known=cannot_be_known(problem),
    )


def _unusual(rows: TrainingRows, raw: pd.DataFrame, model: Any, scores: Floats) -> tuple[UnusualRow, ...]:
    known = np.flatnonzero(np.isfinite(scores))
    top = known[np.argsort(-scores[known], kind="stable")[:_MOST_UNUSUAL]]
    build = load_features(rows.layout)
    told = unusual_columns(raw.iloc[top], typical_row(raw), lambda frame: anomaly_scores(model, build(frame)))
    return tuple(
        UnusualRow(row=int(raw.index[place]), score=float(scores[place]), columns=columns)
        for place, columns in zip(top, told, strict=True)
    )
