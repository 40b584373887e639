"""The race: every candidate is tried once, cheaply, and what it costs and how many trees it needs is found."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from ml_engineer.modelling.fits import Failure, Fit, FitTask
from ml_engineer.modelling.folding import fold, fold_jobs, folded
from ml_engineer.modelling.running import Job
from ml_engineer.modelling.search_state import SearchState
from ml_engineer.modelling.standing import Standing

__all__ = ["promising", "race", "race_with_insurance", "worth_folding"]

_LONGEST_SHARE, _LONGEST_SECONDS = 0.14, 0.3
"""Of the time, for one candidate to grow in; but at least so many seconds."""
_INSURANCE = 0.15
"""Of the time: the simplest candidate gets its folds at once if they cost no more."""
_LEADERS = 6
"""So many candidates are looked at when it is asked whether another one adds something."""
_HOPELESS = 0.75
"""A candidate that makes less than this share of the best one's progress over the baseline is not folded."""


def race_with_insurance(state: SearchState, standings: Sequence[Standing], *, until: float) -> None:
    """Race candidates; the first, simplest one gets its folds at once, so that there is a champion whatever happens."""
    first, *others = standings
    if not state.plan.timed:
        # One after the other: which fits a budget of fits goes to must not depend on who is ready first.
        race(state, [first], until=until)
        state.runner.run(_insurance(state, first), until=until, ended=partial(_raced, state))
        race(state, others, until=until)
        return
    if state.holds_out:
        until = _leader_first(state, standings, until=until)
        race(state, [one for one in standings if one.race is None and not one.failed], until=until)
        return
    waiting, insured = deque(standings), [first]

    def jobs() -> Iterator[Job]:
        while waiting or insured:
            if insured and (first.race is not None or first.failed):
                insured.clear()
                yield from _insurance(state, first)
            elif waiting:
                yield from _taken(state, waiting)
            else:
                return

    state.runner.run(jobs(), until=until, ended=partial(_raced, state))
    _note_untried(waiting)


def _leader_first(state: SearchState, standings: Sequence[Standing], *, until: float) -> float:
    """Race the simplest and the first booster, and give the better one its fold; when the race of the others ends.

    Of very many rows one fit on all of them may take most of the time, and a booster on all is nearly always best: it
    comes before first tries of others, which are worth nothing if no time is left for their folds.
    """
    booster = next((one for one in standings if one.candidate.growing == "lightgbm"), standings[0])
    pair = [standings[0]] if booster is standings[0] else [standings[0], booster]
    race(state, pair, until=until)
    raced = [one for one in pair if one.race is not None and not one.failed]
    if not raced:
        return until
    before = state.clock()
    fold(state, [min(raced, key=lambda one: one.race_loss)])
    # Not so long that none is left for the fit on all rows, which takes longer than the fold did.
    return min(until + state.clock() - before, state.search_until)


def race(state: SearchState, standings: Sequence[Standing], *, until: float) -> None:
    """Try each candidate once."""
    waiting = deque(standings)

    def jobs() -> Iterator[Job]:
        while waiting:
            yield from _taken(state, waiting)

    state.runner.run(jobs(), until=until, ended=partial(_raced, state))
    _note_untried(waiting)


def promising(state: SearchState, standings: Sequence[Standing]) -> list[Standing]:
    """Those that ran the race and are not hopeless: first those that are best together, then by their loss."""
    ran = [one for one in standings if one.race is not None and not one.failed and np.isfinite(one.race_loss)]
    if not ran:
        return []
    best = min(one.race_loss for one in ran)
    naive = state.naive_race_loss
    progress = max(naive - best, 1e-12)
    kept = [one for one in ran if one.race_loss == best or naive - one.race_loss >= _HOPELESS * progress]
    for one in ran:
        if not any(one is other for other in kept):
            one.hopeless = True
            one.drop("it made too little progress over the baseline in its first try")
    together = state.watched_weights(kept)
    order = sorted(range(len(kept)), key=lambda place: (-together[place], kept[place].race_loss))
    return [kept[place] for place in order]


def worth_folding(state: SearchState, standing: Standing) -> bool:
    """Whether a newcomer adds something, on the watched rows, to what leads."""
    if standing.race is None or standing.failed:
        return False
    known = [one for one in state.leaders()[:_LEADERS] if one.race is not None]
    if state.watched_weights([*known, standing])[-1] > 0:
        return True
    standing.drop("it added nothing to the leaders in its first try")
    return False


def _note_untried(waiting: deque[Standing]) -> None:
    for standing in waiting:
        standing.reason = "the budget for first tries was out"


def _race_job(state: SearchState, standing: Standing) -> Job:
    seconds = max(_LONGEST_SECONDS, _LONGEST_SHARE * state.total)
    task = FitTask(standing.candidate, state.learn, state.watch, "race", growing=True, seconds=seconds)
    # Growing ends by itself; what does not is stopped a little later.
    memory = state.bytes_for(standing, len(state.learn))
    return Job(standing, "race", task, seconds=1.5 * seconds + 2.0, memory=memory)


def _taken(state: SearchState, waiting: deque[Standing]) -> Iterator[Job]:
    """The race of the next one; none if its rows do not fit into memory."""
    standing = waiting.popleft()
    too_large = state.too_large(standing, len(state.learn))
    if too_large:
        standing.drop(too_large)
    else:
        yield _race_job(state, standing)


def _insurance(state: SearchState, standing: Standing) -> Iterator[Job]:
    if standing.race is None:
        return
    expected = state.seconds_per_fold(standing) * len(state.folds) / state.executor.workers
    if expected <= _INSURANCE * state.total:
        yield from fold_jobs(state, standing)


def _raced(state: SearchState, job: Job, outcome: Fit | Failure) -> None:
    """Take what came of a race, or of an insured fold among races."""
    if job.part != "race":
        folded(state, job, outcome)
        return
    state.note_preparation(job, outcome)
    standing = job.standing
    if isinstance(outcome, Failure):
        standing.note_failure("race", outcome)
        return
    standing.race = outcome
    standing.race_loss = state.watched_loss(outcome)
    if outcome.parameters:
        standing.candidate = standing.candidate.with_parameters(outcome.why, **outcome.parameters)
    told = f"race: loss {standing.race_loss:.5g} in {outcome.fit_seconds:.2g} s. {outcome.why}"
    standing.story.append(told.strip())
