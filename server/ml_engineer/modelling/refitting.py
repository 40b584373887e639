"""The champion fitted on all development rows: the parts of an ensemble side by side, then put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sklearn.ensemble import VotingClassifier, VotingRegressor

from ml_engineer.modelling.candidate import Candidate, pipeline_of
from ml_engineer.modelling.preparation import ColumnList
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics import weighted_fit

__all__ = ["as_part", "ensemble_of", "put_together"]


def as_part(candidate: Candidate, data: TrainingData) -> Candidate:
    """The candidate as a part of a vote, which hands it class codes: it needs no vote of its own."""
    if data.task == "regression" or not isinstance(candidate.estimator, VotingClassifier):
        return candidate
    return replace(candidate, estimator=pipeline_of(candidate.estimator))


def ensemble_of(parts: Sequence[tuple[Candidate, float]], data: TrainingData) -> Candidate:
    """A weighted average of candidates as one candidate."""
    ready = [(as_part(candidate, data), round(weight, 4)) for candidate, weight in parts]
    estimators = [(candidate.name, candidate.estimator) for candidate, _ in ready]
    weights = [weight for _, weight in ready]
    estimator = (
        VotingRegressor(estimators, weights=weights)
        if data.task == "regression"
        else VotingClassifier(estimators, voting="soft", weights=weights)
    )
    told = " ".join(f"{candidate.name} ({weight:.0%}): {candidate.why}" for candidate, weight in ready)
    return Candidate(
        "ensemble",
        "ensemble",
        estimator,
        f"A weighted average of {len(ready)} models; the weights were found on out-of-fold predictions. {told}",
        lists=_union(candidate.lists for candidate, _ in ready),
        members=tuple(ready),
    )


def _union(lists: Any) -> tuple[ColumnList, ...]:
    """Column lists by their name, each once, with the reasons of all that use it."""
    merged: dict[str, ColumnList] = {}
    for part in (part for several in lists for part in several):
        known = merged.get(part.constant)
        if known is None:
            merged[part.constant] = part
        elif part.why not in known.why:
            merged[part.constant] = replace(known, why=f"{known.why} {part.why}")
    return tuple(merged.values())


def put_together(candidate: Candidate, models: Sequence[Any], data: TrainingData) -> Any:
    """The fitted vote of fitted parts: what fitting `candidate` on all rows would give."""
    return weighted_fit.put_together(candidate.build(), models, data.target)
