"""The search: every forecaster on the latest fold, the promising ones on all, the best alone or an average of a few."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ml_engineer.forecasting.averaging import best_average
from ml_engineer.forecasting.backtest import Windows, actual_values, backtest
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.portfolio import Entrant
from ml_engineer.forecasting.scores import score

__all__ = ["Budget", "Journal", "SearchResult", "Standing", "search"]

_HOPELESS = 2.0
"""A forecaster that errs this many times as much as the best of the race is not given the other folds."""


class Journal(Protocol):
    """Keeps finished fits, so that a killed job does not redo them."""

    def find(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """What was kept under `key`."""

    def keep(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep `arrays`."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Budget:
    """What the search may take.

    Parameters
    ----------
    deadline : float
        Reading of the clock at which the champion is fitted; infinite if fits are counted.
    evaluations : int or None
        Fits, beyond those of the baseline.
    """

    deadline: float
    evaluations: int | None = None


@dataclass
class Standing:
    """How an entrant stands: its forecasts of each fold, NaN where not made, and what they took."""

    entrant: Entrant
    forecast: Floats
    seconds: dict[int, float] = field(default_factory=dict)
    status: str = "out_of_time"
    reason: str = ""
    decisions: list[str] = field(default_factory=list)


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


@dataclass
class _Search:
    grid: Grid
    windows: Windows
    scales: Floats
    budget: Budget
    clock: Callable[[], float]
    journal: Journal
    report: Callable[[str, float | None], None]
    fingerprint: str
    asked_to_stop: Callable[[], bool]
    fits: int = 0

    def run_fold(self, standing: Standing, fold: int) -> bool:
        """Make the forecasts of one fold; false if the budget is over or the entrant fails."""
        if standing.status == "failed":
            return False
        key = self._key(standing.entrant, fold)
        kept = self.journal.find(key)
        if kept is None and not self._affordable(standing):
            return False
        self.fits += 1
        places = self._places(fold)
        if kept is None:
            started = self.clock()
            try:
                made = backtest(
                    lambda: copy.deepcopy(standing.entrant.forecaster), self.grid, self.windows, folds=[fold]
                )
            except (ValueError, ArithmeticError, np.linalg.LinAlgError, MemoryError, ImportError) as error:
                standing.status, standing.reason = "failed", f"{type(error).__name__}: {error}"[:300]
                return False
            kept = {"forecast": made[places], "seconds": np.array(self.clock() - started)}
            self.journal.keep(key, kept)
        standing.forecast[places] = kept["forecast"]
        standing.seconds[fold] = float(kept["seconds"])
        return True

    def _affordable(self, standing: Standing) -> bool:
        if self.asked_to_stop():
            return False
        if self.budget.evaluations is not None:
            return self.fits < self.budget.evaluations
        # A fit is not cut short: it begins only if it should end in time, and the champion can still be fitted.
        expected = max(standing.seconds.values(), default=0.0)
        return self.clock() + 2.2 * expected < self.budget.deadline

    def _places(self, fold: int) -> slice:
        before = sum(len(origins) for origins in self.windows.folds[:fold])
        return slice(before, before + len(self.windows.folds[fold]))

    def _key(self, entrant: Entrant, fold: int) -> str:
        text = f"{self.fingerprint} {entrant.forecaster!r} {fold}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def error(self, forecast: Floats, fold: int | None = None) -> float:
        places = slice(None) if fold is None else self._places(fold)
        actual = actual_values(self.grid, self.windows.origins, self.windows.horizon)
        return score("mase", actual[places], forecast[places], self.scales)


def search(
    baseline: Entrant,
    entrants: list[Entrant],
    grid: Grid,
    windows: Windows,
    *,
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
        Whether somebody wants the best so far now; asked before each fit.
    """
    running = _Search(grid, windows, scales, budget, clock, journal, report, fingerprint, asked_to_stop)
    shape = (len(windows.origins), len(grid.names), windows.horizon)
    standings = [Standing(entrant, np.full(shape, np.nan)) for entrant in (baseline, *entrants)]
    first, *others = standings
    unlimited = _Search(grid, windows, scales, Budget(np.inf), clock, journal, report, fingerprint, _never)
    _all_folds(unlimited, first, finished)
    if others:
        # Whatever the budget, one forecaster that learns is compared on all folds.
        report(f"backtesting {others[0].entrant.name}", 0.0)
        _all_folds(unlimited if budget.evaluations is None else running, others[0], finished)
    decisions = _race(running, others)
    started = [standing for standing in others if standing.seconds]
    latest = len(windows.folds) - 1
    started.sort(key=lambda standing: running.error(standing.forecast, latest))
    best = running.error(started[0].forecast, latest) if started else np.inf
    for place, standing in enumerate(started):
        report(f"backtesting {standing.entrant.name}", 0.35 + 0.65 * place / len(started))
        if standing.status != "finished" and running.error(standing.forecast, latest) > _HOPELESS * max(best, 1e-12):
            standing.status, standing.reason = "dropped", f"on the latest fold it erred {_HOPELESS:g} times the best"
            continue
        if standing.status != "finished":
            _all_folds(running, standing, finished)
    return _conclude(running, standings, decisions)


def _race(running: _Search, others: list[Standing]) -> list[str]:
    """Everybody on the latest fold, as far as the budget goes."""
    latest = len(running.windows.folds) - 1
    begun = running.clock()
    for place, standing in enumerate(others):
        if standing.seconds:
            continue
        running.report(f"trying {standing.entrant.name}", 0.35 * place / max(len(others), 1))
        # Half of the time is for the other folds, without which nothing can be compared.
        late = np.isfinite(running.budget.deadline) and running.clock() > (begun + running.budget.deadline) / 2
        if late:
            standing.reason = "the budget was over before it was tried"
            continue
        if not running.run_fold(standing, latest) and not standing.reason:
            standing.reason = "the budget was over before it was tried"
    tried = sum(bool(standing.seconds) for standing in others)
    return [f"{tried} of {len(others)} forecasters were tried on the latest fold"]


def _all_folds(running: _Search, standing: Standing, finished: Callable[[Standing], None]) -> None:
    for fold in reversed(range(len(running.windows.folds))):
        if fold not in standing.seconds and not running.run_fold(standing, fold):
            if standing.status != "failed":
                standing.reason = f"the budget was over after {len(standing.seconds)} folds"
            return
    standing.status = "finished"
    finished(standing)


def _conclude(running: _Search, standings: list[Standing], decisions: list[str]) -> SearchResult:
    done = [standing for standing in standings if standing.status == "finished"]
    done.sort(key=lambda standing: running.error(standing.forecast))
    actual = actual_values(running.grid, running.windows.origins, running.windows.horizon)
    folds = [running._places(fold) for fold in range(len(running.windows.folds))]
    average = best_average(actual, [standing.forecast for standing in done], running.scales, folds)
    if average.weights:
        champion = tuple((weight, done[place]) for place, weight in average.weights.items())
        forecast = np.sum([weight * standing.forecast for weight, standing in champion], axis=0)
    else:
        champion, forecast = ((1.0, done[0]),), done[0].forecast
    stopped = running.asked_to_stop()
    return SearchResult(tuple(standings), champion, forecast, (*decisions, average.why), stopped)
