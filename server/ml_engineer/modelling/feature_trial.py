"""Fits the arms of a feature trial on the same folds, as many of them as the time allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.choosing import order_loss
from ml_engineer.modelling.decisions import choose_threshold
from ml_engineer.modelling.ensemble import greedy_weights
from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.feature_arms import Arm, FeatureArms
from ml_engineer.modelling.fits import Clock, Failure, Fit, FitTask, Journal
from ml_engineer.modelling.running import Job, Runner
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import FoldPair, Predictions, TrainingData
from ml_engineer.modelling.trial_trees import Standings, growing, grown, judging, with_one_count
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.resampling import sample_whole

__all__ = ["TrialResult", "judges", "run_trial"]

_JUDGES: Final = ("linear", "boosting")
_JUDGES_OF_SURVIVAL: Final = ("cox", "cox_boosting")
"""Portfolio entries that judge: one model that adds up and one that branches, both quick. What one of them finds by itself,
such as a product or a logarithm, is news to the other; their average says what is news to both."""

_GROWING_SHARE: Final = 0.12
"""Of the time, for the boosting of one arm to find its number of trees."""
_MOST_LEARNED, _MOST_JUDGED = 60_000, 40_000
"""Of more rows a sample is taken, the same for all arms: a difference that so many rows do not show is no use."""


def judges(data: TrainingData) -> tuple[str, ...]:
    """Names of the portfolio entries that judge."""
    return _JUDGES_OF_SURVIVAL if data.named == "survival" else _JUDGES


@dataclass(frozen=True)
class TrialResult:
    """What the arms predicted for the same rows.

    Parameters
    ----------
    outcomes : dict of Arm to Outcomes
        The models' average, out of fold.
    predictions : dict of str to Predictions
        Of each model with the proposed columns, over all development rows; NaN where it did not predict.
    models : tuple of str
        Those that finished in all arms.
    folds : int
        Folds that all of them finished.
    test_to_train : float
        Rows predicted over rows learned from, on average.
    notes : tuple of str
        What went wrong or was cut short, one sentence each.
    """

    outcomes: dict[Arm, Outcomes]
    predictions: dict[str, Predictions]
    models: tuple[str, ...]
    folds: int
    test_to_train: float
    notes: tuple[str, ...] = ()


def run_trial(
    arms: FeatureArms,
    *,
    executor: Executor,
    until: float,
    clock: Clock,
    journal: Journal,
    report: Callable[[str, float | None], None],
    seed: int,
) -> TrialResult | None:
    """Fit all arms with as many trees each; a fold is finished for all arms before the next one begins.

    Parameters
    ----------
    arms : FeatureArms
        What is compared.
    executor : Executor
        Who does the fits; has loaded ``arms.data``.
    until : float
        Reading of the clock at which no fit begins any more; infinite for all folds, however long they take.
    clock, journal, report
        As in `search`.
    seed : int
        Random state of samples of rows.

    Returns
    -------
    TrialResult or None
        None if the time was not enough for one fold of one model in all arms.
    """
    data = arms.data
    standings = {arm: tuple(map(judging, several)) for arm, several in arms.candidates.items()}
    pairs = tuple(_sampled(pair, data, seed=seed) for pair in data.pairs)
    everything = [one for several in standings.values() for one in several]
    total = len(everything) * len(pairs)

    def tell(running: list[Job]) -> None:
        done = sum(len(one.fits) for one in everything)
        names = ", ".join(f"{job.standing.candidate.name} ({job.part})" for job in running[:2])
        report(f"judging the features: {names}", done / total)

    runner = Runner(executor, data, journal=journal, clock=clock, tell=tell)
    share = float("inf") if until == float("inf") else max(0.3, _GROWING_SHARE * (until - clock()))
    runner.run(growing(standings, data, seconds=share, seed=seed), until=until, ended=grown)
    standings = with_one_count(standings)
    everything[:] = [one for several in standings.values() for one in several]
    runner.run(_folds(standings, pairs), until=until, ended=_folded)
    return _result(standings, pairs, data, seed=seed)


def _folds(standings: Standings, pairs: Sequence[FoldPair]) -> Iterator[Job]:
    models = range(min(len(several) for several in standings.values()))
    for number, (train, test) in enumerate(pairs):
        for place in models:
            row = {arm: several[place] for arm, several in standings.items()}
            if any(one.failed for one in row.values()):
                continue  # a model that one arm does not have cannot compare them
            for arm, one in row.items():
                task = FitTask(one.candidate, np.asarray(train), np.asarray(test), f"fold {number} {arm}")
                yield Job(one, f"fold {number}", task)


def _folded(job: Job, outcome: Fit | Failure) -> None:
    if isinstance(outcome, Failure):
        job.standing.note_failure(job.part, outcome)
    else:
        job.standing.fits[int(job.part.removeprefix("fold "))] = outcome


def _sampled(pair: FoldPair, data: TrainingData, *, seed: int) -> FoldPair:
    """At most so many rows; the latest ones where folds follow time."""
    return _some(pair[0], _MOST_LEARNED, data, seed=seed), _some(pair[1], _MOST_JUDGED, data, seed=seed)


def _some(rows: npt.NDArray[np.integer], most: int, data: TrainingData, *, seed: int) -> npt.NDArray[np.integer]:
    if len(rows) <= most:
        return rows
    if data.time_order is not None:
        return data.time_order[np.isin(data.time_order, rows)][-most:]
    rng = np.random.default_rng(seed)
    if data.queries is not None:
        return rows[sample_whole(data.queries[rows], most, rng)]
    return np.sort(rng.choice(rows, most, replace=False))


def _result(standings: Standings, pairs: Sequence[FoldPair], data: TrainingData, *, seed: int) -> TrialResult | None:
    places = range(min(len(several) for several in standings.values()))
    done = {
        place: set.intersection(*(set(several[place].fits) for several in standings.values()))
        for place in places
        if not any(several[place].failed for several in standings.values())
    }
    done = {place: folds for place, folds in done.items() if folds}
    if not done:
        return None
    folds = sorted(set.intersection(*done.values()))
    outcomes = {
        arm: _together([several[place] for place in done], pairs, folds, data, seed=seed)
        for arm, several in standings.items()
    }
    proposed = [standings["proposed"][place] for place in done]
    return TrialResult(
        outcomes,
        {one.candidate.name: _spread([one], pairs, folds, data)[0] for one in proposed},
        tuple(one.candidate.name for one in proposed),
        len(folds),
        float(np.mean([len(pairs[fold][1]) / len(pairs[fold][0]) for fold in folds])),
        tuple(_notes(standings, len(folds), len(pairs))),
    )


def _spread(
    several: Sequence[Standing], pairs: Sequence[FoldPair], folds: Sequence[int], data: TrainingData
) -> list[Predictions]:
    """Out-of-fold predictions of each, in the order of the rows."""
    found = []
    for one in several:
        values = data.empty_predictions()
        for fold in folds:
            values[pairs[fold][1]] = one.fits[fold].predictions
        found.append(values)
    return found


def _together(
    several: Sequence[Standing], pairs: Sequence[FoldPair], folds: Sequence[int], data: TrainingData, *, seed: int
) -> Outcomes:
    """The average of the models; each fold's weights are those that were best on the other folds."""
    each = _spread(several, pairs, folds, data)
    average = data.empty_predictions()
    for fold in folds:
        test = np.asarray(pairs[fold][1])
        others = [np.asarray(pairs[other][1]) for other in folds if other != fold]
        known = np.concatenate(others) if others else test
        weights = _weights(each, known, data, seed=seed)
        average[test] = sum(weight * one[test] for weight, one in zip(weights, each, strict=True))
    return data.outcomes(average, threshold=choose_threshold(data, average).value)


def _weights(
    each: Sequence[Predictions], known: npt.NDArray[np.integer], data: TrainingData, *, seed: int
) -> npt.NDArray[np.float64]:
    """What each model counts, by these rows; of scores, the best one alone."""
    predictions = [one[known] for one in each]
    if data.by_order:
        losses = [order_loss(data, one, known) for one in predictions]
        return np.eye(len(each))[int(np.argmin(losses))]
    return greedy_weights(predictions, data.actual[known], loss=data.loss, units=data.units(known), seed=seed)


def _notes(standings: Standings, folds: int, planned: int) -> Iterator[str]:
    for arm, several in standings.items():
        for one in several:
            if one.failed:
                yield f"{one.candidate.name} did not take part: with the {arm} columns, {one.reason}."
    if folds < planned:
        yield f"The time was enough for {folds} of {planned} folds; give more (budget_seconds) for a surer answer."
