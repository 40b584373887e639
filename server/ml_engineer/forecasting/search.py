"""The search: every forecaster on the latest fold, the promising ones on all, the best alone or an average of a few.

Each fold of each forecaster is a fit by itself, done by whoever does the fits: several at a time, stopped where that can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_engineer.forecasting.averaging import best_average
from ml_engineer.forecasting.backtest import Windows, actual_values
from ml_engineer.forecasting.fold_fits import FoldFit, fold_places
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.portfolio import Entrant
from ml_engineer.forecasting.search_state import Budget, Journal, SearchState, Standing
from ml_engineer.independent_fits import Executor

__all__ = ["Budget", "Journal", "SearchResult", "Standing", "search"]

_HOPELESS: Final = 2.0
"""A forecaster that errs this many times as much as the best of the race is not given the other folds."""
_FIRST_KINDS: Final = 4
"""Lines, two kinds of smoothing, and trees: each may take so great a part of the race that all of them are begun in it."""
_RACE_SHARE: Final = 0.5


def _never() -> bool:
    return False


def _forever() -> float:
    return float("inf")


@dataclass(frozen=True)
class SearchResult:
    """What the search found.

    Parameters
    ----------
    standings : tuple of Standing
        All entrants; the baseline first.
    champion : tuple of (float, Standing)
        Weights and whom they belong to: one, or several that are averaged.
    forecast : numpy.ndarray of shape (O, S, H)
        The champion's backtest.
    decisions : tuple of str
        What was decided about the search as a whole.
    stopped_early : bool
        Whether somebody wanted the best so far.
    """

    standings: tuple[Standing, ...]
    champion: tuple[tuple[float, Standing], ...]
    forecast: Floats
    decisions: tuple[str, ...]
    stopped_early: bool = False


def search(
    baseline: Entrant,
    entrants: list[Entrant],
    grid: Grid,
    windows: Windows,
    *,
    executor: Executor,
    scales: Floats,
    budget: Budget,
    clock: Callable[[], float],
    journal: Journal,
    report: Callable[[str, float | None], None],
    fingerprint: str,
    finished: Callable[[Standing], None],
    asked_to_stop: Callable[[], bool] = _never,
) -> SearchResult:
    """Find the best forecaster for the backtest within the budget.

    Parameters
    ----------
    baseline : Entrant
        The naive rule, which always gets all folds.
    entrants : list of Entrant
        Who is tried, in this order.
    grid : Grid
        Development rows.
    windows : Windows
        Folds of the backtest.
    executor : Executor
        Who does the fits; has `grid`.
    scales : numpy.ndarray of shape (S,)
        Unit of each series.
    budget : Budget
        Time, or number of fits.
    clock, journal, report
        As a `WorkContext` hands them out.
    fingerprint : str
        Changes whenever the rows or their folds do.
    finished : callable
        Told of each entrant that has all its folds.
    asked_to_stop : callable
        Whether somebody wants the best so far now; asked before each fit, and fits that run are stopped where they can be.
    """
    state = SearchState(
        grid, windows, scales, budget, clock, journal, report, fingerprint, finished, asked_to_stop, executor
    )
    shape = (len(windows.origins), len(grid.names), windows.horizon)
    standings = [Standing(entrant, np.full(shape, np.nan)) for entrant in (baseline, *entrants)]
    first, *others = standings
    for fold in state.missing(first):
        # Here and at once: whatever becomes of those who do the fits, there is a rule to fall back on.
        made = FoldFit(baseline.forecaster, windows, fold).run(grid, clock=clock)
        state.take(first, fold, made.forecast, made.seconds)
    state.naive = first.forecast
    state.done.clear()
    decisions = _by_count(state, others) if budget.evaluations is not None else _by_clock(state, others)
    return _conclude(state, standings, decisions)


def _by_count(state: SearchState, others: list[Standing]) -> list[str]:
    """A number of fits: the first forecaster on all folds, half of what is left for the race, the rest for the best of it."""
    most = float(state.budget.evaluations or 0)
    if others:
        # One forecaster that learns is compared on all folds before others are looked at.
        _each_fold(state, others[0], most)
    state.run(
        [(standing, state.latest) for standing in others],
        until=_forever,
        most_fits=state.fits + np.ceil(max(most - state.fits, 0) / 2),
        fraction=(0.0, 0.35),
    )
    for standing in _promising(state, others):
        # One after the other, so that the same fits are made however many are done at a time.
        _each_fold(state, standing, most)
    return [_told_of_race(others, "the budget of fits was over before it was tried")]


def _each_fold(state: SearchState, standing: Standing, most_fits: float) -> None:
    state.run(
        [(standing, fold) for fold in state.missing(standing)],
        until=_forever,
        most_fits=most_fits,
        fraction=(0.35, 1.0),
    )
    if standing.status == "out_of_time" and not standing.reason:
        standing.reason = f"the budget of fits was over after {len(standing.seconds)} folds"


def _by_clock(state: SearchState, others: list[Standing]) -> list[str]:
    """A time: one part for the race, the rest for the other folds of the best."""
    began = state.clock()
    end = began + _RACE_SHARE * (state.budget.deadline - began)
    each = (end - began) * state.executor.workers / _FIRST_KINDS
    state.run([(one, state.latest) for one in others], until=lambda: end, seconds=each, fraction=(0.0, 0.35))
    told = _told_of_race(others, "the budget was over before it was tried")
    state.run(_affordable_folds(state, others), until=state.end_of_folds, fraction=(0.35, 1.0))
    if not state.done and not state.asked_to_stop():
        _quickest(state, others)
    return [told]


def _quickest(state: SearchState, others: list[Standing]) -> None:
    """Whatever the budget, one forecaster that learns is compared on all folds: the one that has a fold first."""
    if not any(standing.seconds for standing in others):
        state.run(
            [(standing, state.latest) for standing in others],
            until=lambda: -np.inf if any(standing.seconds for standing in others) else np.inf,
        )
    begun = sorted((one for one in others if one.seconds and one.status != "failed"), key=lambda one: one.slowest)
    for standing in begun:
        if not state.done:
            state.run([(standing, fold) for fold in state.missing(standing)], until=_forever)


def _affordable_folds(state: SearchState, others: list[Standing]) -> Iterator[tuple[Standing, int]]:
    """Folds of the best of the race, of those whose folds and what follows them fit into the time that is left."""
    for standing in _promising(state, others):
        missing = state.missing(standing)
        needed = len(missing) * standing.slowest / min(state.executor.workers, max(len(missing), 1))
        if state.clock() + needed + state.closing(standing) >= state.budget.deadline:
            standing.reason = f"the time that was left would not do for {len(missing)} more folds and a fit on all rows"
            continue
        yield from ((standing, fold) for fold in missing)


def _promising(state: SearchState, others: list[Standing]) -> list[Standing]:
    """Those that were tried, the best of the race first, without the hopeless."""
    started = [standing for standing in others if state.latest in standing.seconds and standing.status != "failed"]
    errors = {id(standing): state.error(standing.forecast, state.latest) for standing in started}
    started.sort(key=lambda standing: errors[id(standing)])
    best = errors[id(started[0])] if started else np.inf
    for standing in started:
        if standing.status != "finished" and errors[id(standing)] > _HOPELESS * max(best, 1e-12):
            standing.status, standing.reason = "dropped", f"on the latest fold it erred {_HOPELESS:g} times the best"
    return [standing for standing in started if standing.status == "out_of_time"]


def _told_of_race(others: list[Standing], untried: str) -> str:
    for standing in others:
        if not standing.seconds and not standing.reason:
            standing.reason = untried
    tried = sum(bool(standing.seconds) for standing in others)
    return f"{tried} of {len(others)} forecasters were tried on the latest fold"


def _conclude(state: SearchState, standings: list[Standing], decisions: list[str]) -> SearchResult:
    done = [standing for standing in standings if standing.status == "finished"]
    done.sort(key=lambda standing: state.error(standing.forecast))
    for standing in standings:
        if standing.status == "out_of_time" and not standing.reason:
            standing.reason = f"the budget was over after {len(standing.seconds)} folds"
    actual = actual_values(state.grid, state.windows.origins, state.windows.horizon)
    folds = [fold_places(state.windows, fold) for fold in range(len(state.windows.folds))]
    average = best_average(actual, [standing.forecast for standing in done], state.scales, folds)
    members = [(weight, done[place]) for place, weight in average.weights.items()]
    whole = sum(state.closing(standing) for _, standing in members)
    late = bool(members) and state.clock() + whole > state.budget.deadline > state.clock() + state.closing(done[0])
    if members and not late:
        champion = tuple(members)
        forecast = np.sum([weight * standing.forecast for weight, standing in champion], axis=0)
        why = average.why
    else:
        champion, forecast = ((1.0, done[0]),), done[0].forecast
        why = "the best forecaster alone is the champion: there was no time to fit an average" if late else average.why
    return SearchResult(tuple(standings), champion, forecast, (*decisions, why), state.asked_to_stop())
