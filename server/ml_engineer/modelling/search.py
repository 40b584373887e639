"""Race, then fold: which fits are done, and in which order, while the budget lasts.

Every candidate is first tried once on a part of the training rows of one fold, which also tells what it costs and
how many trees it needs. The promising ones are then fitted on the planned folds. What is left goes to candidates
that the race had no time for, then to new settings around the leaders. The champion is the best model alone or a
weighted average, fitted on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.concluding import SearchResult, conclude
from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.fallback import fall_back
from ml_engineer.modelling.fits import Clock, Failure, Fit, FitTask, Journal, attempt, run_task
from ml_engineer.modelling.folding import choose_folds, fold
from ml_engineer.modelling.offers import Offers, price_offers
from ml_engineer.modelling.racing import promising, race, race_with_insurance, worth_folding
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.search_state import AskedToStopError, Report, SearchState
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.modelling.tuning import Tuner

__all__ = ["SearchResult", "search"]

_RACE_SHARE, _SHORTEST_RACE = 0.35, 3.0
"""Of the time, for the race; but at least so many seconds, if there are so many."""
_AT_A_TIME = 4
"""Settings proposed at a time: as many on any machine, so that the same are proposed everywhere."""
_IN_VAIN_SHARE = 0.3
"""Of the time: so much of it may go into new settings in vain before the rest is given back."""


def _nothing(_: Standing) -> None:
    """Tell nobody."""


def _never() -> bool:
    return False


def search(
    baseline: Candidate,
    candidates: Sequence[Candidate],
    data: TrainingData,
    *,
    executor: Executor,
    plan: SearchPlan,
    clock: Clock,
    journal: Journal,
    report: Report,
    finished: Callable[[Standing], None] = _nothing,
    tuner: Tuner | None = None,
    offers: Offers | None = None,
    asked_to_stop: Callable[[], bool] = _never,
) -> SearchResult:
    """Try candidates on the planned folds until the budget is out; there is always a champion.

    Parameters
    ----------
    baseline : Candidate
        The naive rule; always given all folds, whatever the time.
    candidates : sequence of Candidate
        What to try, the simplest first.
    data : TrainingData
        Development rows with their folds.
    executor : Executor
        Who does the fits.
    plan : SearchPlan
        The budget, and what a champion may cost.
    clock : callable
        Monotonic seconds.
    journal : Journal
        Finished fits, which are not done again.
    report : callable
        ``report(message, fraction)``; may raise `JobCancelledError`.
    finished : callable
        Called with each candidate that has all its folds, as soon as it has.
    tuner : Tuner, optional
        Proposes new settings around the leaders.
    offers : callable, optional
        Gives variants of the leader that lessen a disparity. They are priced: fitted on the same folds, told beside
        it, and never chosen, for that is a person's decision.
    asked_to_stop : callable
        Whether somebody wants the best so far now; looked at several times a second.
    """
    state = SearchState(
        data,
        executor=executor,
        plan=plan,
        clock=clock,
        journal=journal,
        report=report,
        finished=finished,
        asked_to_stop=asked_to_stop,
    )
    naive = _fit_baseline(state, baseline)
    state.standings = [Standing(candidate) for candidate in candidates]
    try:
        if state.standings:
            _explore(state, tuner, offers)
        fall_back(state)
    except AskedToStopError:
        state.stop_early()
        fall_back(state)
    return conclude(state, naive)


def _explore(state: SearchState, tuner: Tuner | None, offers: Offers | None) -> None:
    race_with_insurance(state, state.standings, until=_race_until(state))
    order = promising(state, state.standings)
    fold(state, choose_folds(state, order))
    if offers is not None:
        price_offers(state, offers)
    _go_on(state)
    if tuner is not None:
        _tune(state, tuner)


def _race_until(state: SearchState) -> float:
    if not state.plan.timed:
        return float("inf")
    return state.started + max(_RACE_SHARE * state.total, min(_SHORTEST_RACE, 0.8 * state.total))


def _fit_baseline(state: SearchState, baseline: Candidate) -> Standing:
    naive = Standing(baseline, status="finished")
    # The naive rule looks at no feature, and copying all of them for it takes longer than the rule.
    narrow = state.data.with_features(state.data.features.iloc[:, :1])

    def fitted(train: Any, test: Any) -> Fit | Failure:
        task = FitTask(baseline, np.asarray(train), np.asarray(test), "")
        outcome: Fit | Failure = attempt(lambda: run_task(task, narrow, scratch=None, clock=state.clock))
        return outcome

    for number in state.planned:
        outcome = fitted(*state.data.pairs[number])
        if isinstance(outcome, Failure):
            msg = f"the baseline cannot fail, and did: {outcome.reason}"
            raise RuntimeError(msg)  # noqa: TRY004  (a failure is a value here, not a wrong type)
        naive.fits[number] = outcome
    # Candidates are compared with it on the rows that they are judged on: others may be far harder, or easier.
    raced = fitted(state.learn, state.watch)
    if isinstance(raced, Fit):  # of two or three rows, none may be left to learn from
        naive.race, naive.race_loss = raced, state.watched_loss(raced)
    state.naive = naive
    state.finished(naive)
    return naive


def _go_on(state: SearchState) -> None:
    """Race what the first race had no time for, and fold what adds something."""
    waiting = [one for one in state.standings if one.race is None and not one.failed and not one.story]
    costs = [one.race.fit_seconds for one in state.standings if one.race is not None]
    typical = float(np.median(costs)) if costs else 0.0
    while waiting and state.runner.fits_left > 0 and state.time_for(typical):
        several, waiting = waiting[: state.executor.workers], waiting[state.executor.workers :]
        race(state, several, until=state.search_until)
        fold(state, [one for one in several if worth_folding(state, one)])


def _tune(state: SearchState, tuner: Tuner) -> None:
    """Try new settings around the leaders while there is budget, and it helps or has not cost much yet."""
    misses = tried = 0
    gained = state.clock()
    while state.runner.fits_left > 0 and not _in_vain(state, misses, since=gained):
        leaders = state.leaders()
        costs = [state.seconds_per_fold(one) for one in leaders[:3]]
        if not costs or not state.time_for(min(costs) * (1 + len(state.folds)) / state.executor.workers):
            break
        # Once the best kinds of model give no more, the others are asked too.
        wide = misses >= state.plan.patience // 2
        proposed = [Standing(candidate) for candidate in tuner.propose(leaders, number=_AT_A_TIME, wide=wide)]
        if not proposed:
            break
        tried += len(proposed)
        state.standings += proposed
        before = set(state.weights)
        race(state, proposed, until=state.search_until)
        for one in proposed:
            tuner.tell(one.candidate.name, one.race_loss)
        fold(state, [one for one in proposed if worth_folding(state, one)])
        if set(state.weights) - before:
            misses, gained = 0, state.clock()
        else:
            misses += len(proposed)
    if tried:
        state.decide(f"{tried} new settings around the leaders were tried after the portfolio.")


def _in_vain(state: SearchState, misses: int, *, since: float) -> bool:
    """Whether so many new settings gained nothing that the rest of the time is given back."""
    if misses < state.plan.patience:
        return False
    return not state.plan.timed or state.clock() - since > _IN_VAIN_SHARE * state.total
