"""How many trees the judges of a feature trial get: as many in each arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import Final

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.feature_arms import Arm
from ml_engineer.modelling.fits import Failure, Fit, FitTask
from ml_engineer.modelling.race_rows import race_rows
from ml_engineer.modelling.running import Job
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["Standings", "growing", "grown", "judging", "with_one_count"]

_LEARNING_RATE: Final = 0.1
_COUNTED: Final[tuple[Arm, Arm]] = ("accepted", "proposed")
"""Arms whose boosting finds its number of trees; all arms then get what lies between."""

Standings = dict[Arm, tuple[Standing, ...]]


def judging(candidate: Candidate) -> Standing:
    """Boosting takes larger steps here, and so needs fewer trees."""
    if candidate.growing is None:
        return Standing(candidate)
    faster = candidate.with_parameters("", learning_rate=_LEARNING_RATE)
    return Standing(replace(faster, growing=candidate.growing))


def growing(standings: Standings, data: TrainingData, *, seconds: float, seed: int) -> Iterator[Job]:
    """Fits that find the number of trees, each in at most so many seconds."""
    learn, watch = race_rows(data, seed=seed)
    for arm in _COUNTED:
        for one in standings[arm]:
            if one.candidate.growing is not None:
                task = FitTask(one.candidate, learn, watch, f"race {arm}", growing=True, seconds=seconds)
                yield Job(one, "race", task, seconds=1.5 * seconds + 2.0)


def grown(job: Job, outcome: Fit | Failure) -> None:
    """Take what came of such a fit."""
    if isinstance(outcome, Failure):
        job.standing.note_failure("race", outcome)
        job.standing.status = "failed"
    else:
        job.standing.race = outcome


def with_one_count(standings: Standings) -> Standings:
    """Give all arms as many trees: counts found by watching few rows differ by chance, and models with them."""
    found: dict[Arm, list[Standing]] = {arm: [] for arm in standings}
    for place, (accepted, proposed) in enumerate(zip(*(standings[arm] for arm in _COUNTED), strict=True)):
        row = {arm: several[place] for arm, several in standings.items()}
        failed = next((one for one in (accepted, proposed) if one.failed), None)
        parameters = [dict(one.race.parameters) for one in (accepted, proposed) if one.race is not None]
        for arm, one in row.items():
            candidate = one.candidate
            if len(parameters) == 2:
                middle = {name: sqrt(value * parameters[1].get(name, value)) for name, value in parameters[0].items()}
                whole = {
                    name: round(value) if isinstance(parameters[0][name], int) else value
                    for name, value in middle.items()
                }
                candidate = candidate.with_parameters("", **whole)
            fresh = Standing(candidate)
            if failed is not None:
                fresh.status, fresh.reason = "failed", failed.reason
            found[arm].append(fresh)
    return {arm: tuple(several) for arm, several in found.items()}
