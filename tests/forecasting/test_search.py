"""The search within its budget: every kind is tried, what takes too long or too much is stopped, and what follows fits in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecasting.series import grid_of, shop
from ml_engineer.forecasting.backtest import plan_windows
from ml_engineer.forecasting.fold_fits import FoldFit
from ml_engineer.forecasting.intervals import Reach
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.portfolio import Entrant, SeriesFacts, tried_forecasters
from ml_engineer.forecasting.remaking import reach_in_time
from ml_engineer.forecasting.scores import scales_of
from ml_engineer.forecasting.search import Budget, SearchResult, Standing, search
from ml_engineer.independent_fits import Failure, Work, attempt
from ml_engineer.modelling.executors import can_fork, make_executor
from modelling.tables import CountingJournal

GRID = grid_of(shop(days=120))
WINDOWS = plan_windows(GRID.length, 7, folds=3, origins_a_fold=1)
SCALES = scales_of(GRID.values, 7)


@dataclass
class Slow(SeasonalNaive):
    """A naive rule that takes so many seconds a fold on the clock of `Simulated`."""

    seconds: float = 1.0


class Simulated:
    """Does fits on a clock of its own, several at a time, each for as long as its forecaster says."""

    can_stop = True
    is_remote = False
    memory_limit = None
    folder = Path()

    def __init__(self, *, workers: int = 2) -> None:
        self.workers, self.now = workers, 0.0
        self._running: dict[int, tuple[float, FoldFit]] = {}
        self._tickets = 0

    def clock(self) -> float:
        return self.now

    def load(self, data: Any) -> None:
        raise AssertionError("a search is given workers that have the series")

    def submit(self, task: Work) -> int:
        assert isinstance(task, FoldFit)
        assert len(self._running) < self.workers
        self._tickets += 1
        seconds = getattr(task.forecaster, "seconds", 0.0)
        self._running[self._tickets] = (self.now + seconds, task)
        return self._tickets

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        self.now = min([self.now + seconds, *(end for end, _ in self._running.values())])
        ended = [ticket for ticket, (end, _) in self._running.items() if end <= self.now]
        return [(ticket, self._outcome(*self._running.pop(ticket))) for ticket in ended]

    def _outcome(self, _end: float, task: FoldFit) -> Any:
        made = attempt(lambda: task.run(GRID))
        return made if isinstance(made, Failure) else replace(made, seconds=getattr(task.forecaster, "seconds", 0.0))

    def stop(self, ticket: int) -> None:
        del self._running[ticket]


def ignored(*_: object) -> None:
    """Tell nobody."""


def found(executor: Any, entrants: list[Entrant], budget: Budget, clock: Any = None) -> SearchResult:
    return search(
        Entrant("baseline", "baseline", SeasonalNaive(1), "The naive rule."),
        entrants,
        GRID,
        WINDOWS,
        executor=executor,
        scales=SCALES,
        budget=budget,
        clock=clock or executor.clock,
        journal=CountingJournal(),
        report=ignored,
        fingerprint="",
        finished=ignored,
    )


def slow(name: str, seconds: float, *, season: int = 7) -> Entrant:
    return Entrant(name, "linear", Slow(season, seconds=seconds), "")


def test_a_slow_forecaster_keeps_nobody_from_being_tried() -> None:
    executor = Simulated()
    entrants = [slow("lines", 27), slow("smoothing", 20), slow("theta", 1), slow("trees", 3), slow("last", 1)]
    result = found(executor, entrants, Budget(26.0))
    status = {one.entrant.name: (one.status, bool(one.seconds)) for one in result.standings}
    assert status["theta"] == status["trees"] == status["last"] == ("finished", True)
    assert status["lines"] == status["smoothing"] == ("out_of_time", False)
    reasons = {one.entrant.name: one.reason for one in result.standings}
    assert reasons["lines"] == "fold 3: stopped after 6.6 s"
    assert executor.now < 26


def reach_of_champion(executor: Simulated, champion: Standing, *, until: float) -> tuple[Reach, str]:
    return reach_in_time(
        champion.entrant.forecaster,
        GRID,
        WINDOWS,
        champion.forecast,
        SCALES,
        season=7,
        executor=executor,
        clock=executor.clock,
        until=until,
    )


@pytest.mark.parametrize("budget", [12.0, 30.0, 60.0])
def test_folds_leave_time_for_the_fit_on_all_rows_and_for_intervals(budget: float) -> None:
    executor = Simulated()
    entrants = [slow("slow", budget / 8), slow("quick", budget / 60, season=3)]
    result = found(executor, entrants, Budget(budget))
    [(_, champion)] = result.champion
    reach, told = reach_of_champion(executor, champion, until=budget - champion.slowest)
    assert len(reach.steps) == 7
    assert told.startswith("intervals rest on a backtest of the champion from")
    assert executor.now + champion.slowest <= budget


def test_without_time_to_make_the_backtest_again_intervals_rest_on_the_one_there_is() -> None:
    executor = Simulated()
    [(_, champion)] = found(executor, [slow("one", 1)], Budget(30.0)).champion
    executor.now = 100.0
    reach, told = reach_of_champion(executor, champion, until=100.0)
    assert told.startswith("there was no time")
    assert len(reach.steps) == 7


def test_a_forecaster_that_learns_is_compared_on_all_folds_however_short_the_time() -> None:
    executor = Simulated()
    result = found(executor, [slow("one", 50), slow("two", 5)], Budget(1.0))
    assert [one.entrant.name for one in result.standings if one.status == "finished"] == ["baseline", "two"]
    assert executor.now < 1 + 3 * 5.5, "the quickest is the one"


def test_a_number_of_fits_gives_the_same_fits_however_many_are_done_at_a_time() -> None:
    entrants = [slow(f"one {place}", 1 + place % 3, season=1 + place) for place in range(8)]
    made = []
    for workers in (1, 3):
        result = found(Simulated(workers=workers), entrants, Budget(np.inf, evaluations=11))
        made.append({one.entrant.name: sorted(one.seconds) for one in result.standings if one.seconds})
    assert made[0] == made[1]
    # Three folds of the first, half of the eight fits that are left for the race, the others for the best of it.
    assert list(made[0]) == ["baseline", "one 0", "one 1", "one 2", "one 3", "one 4"]
    assert sum(len(folds) for folds in made[0].values()) == 3 + 11
    assert sorted(len(folds) for folds in made[0].values()) == [1, 1, 3, 3, 3, 3]


def test_a_forecaster_that_fails_takes_as_many_of_the_fits_however_many_are_done_at_a_time() -> None:
    class Broken(Slow):
        def fit(self, grid: Any, until: int, horizon: int) -> Any:
            raise ValueError("no luck")

    made = []
    for workers in (1, 3):
        others = [slow(f"one {place}", 1, season=1 + place) for place in range(4)]
        entrants = [Entrant("broken", "linear", Broken(7), ""), *others]
        result = found(Simulated(workers=workers), entrants, Budget(np.inf, evaluations=9))
        made.append({one.entrant.name: sorted(one.seconds) for one in result.standings})
    assert made[0] == made[1]
    # Three folds of the broken one, three of the six that are left for the race, the others for the best of it.
    assert sorted(len(folds) for name, folds in made[0].items() if name.startswith("one")) == [0, 1, 2, 3]


def test_a_forecaster_that_says_nothing_of_hard_moments_fails_and_is_not_judged_by_the_others() -> None:
    class Silent(SeasonalNaive):
        def forecast(self, grid: Any, origins: list[int], horizon: int) -> Any:
            said = super().forecast(grid, origins, horizon)
            said[:, :, -1] = np.nan
            return said

    entrants = [Entrant("silent", "linear", Silent(7), ""), Entrant("other", "linear", SeasonalNaive(7), "")]
    result = found(Simulated(), entrants, Budget(np.inf, evaluations=8))
    standings = {one.entrant.name: one for one in result.standings}
    assert standings["silent"].status == "failed"
    assert "forecasts are no finite number, where the naive rule's are" in standings["silent"].reason
    assert [one.entrant.name for _, one in result.champion] == ["other"]


def test_the_first_four_are_one_of_each_kind_and_smoothing_takes_a_day_of_half_hours_for_its_season() -> None:
    pytest.importorskip("statsmodels", reason="exponential smoothing comes with the part 'forecast'")
    facts = SeriesFacts(season=336, seasons=(48, 336), series=1, horizon=48, positive=True)
    first = tried_forecasters(facts, seed=0, most_rows=1_000)[:4]
    assert [one.name for one in first] == [
        "lines_season_log",
        "exponential_smoothing",
        "theta",
        "trees_small_season_log",
    ]
    assert first[1].forecaster.season == 48  # type: ignore[attr-defined]  # exponential smoothing has one


@pytest.mark.skipif(not can_fork(), reason="fits are done in this process where forking is not safe")
def test_a_forecaster_that_takes_too_much_memory_costs_only_itself() -> None:
    class Hoard(SeasonalNaive):
        def fit(self, grid: Any, until: int, horizon: int) -> Any:
            self.kept = np.ones(75_000_000)
            threading.Event().wait()

    imports = ("ml_engineer.forecasting.fold_fits",)
    with make_executor(workers=1, memory_limit=500 * 2**20, imports=imports) as executor:
        executor.load(GRID)
        entrants = [Entrant("hoard", "linear", Hoard(7), ""), Entrant("other", "linear", SeasonalNaive(7), "")]
        result = found(executor, entrants, Budget(np.inf, evaluations=8), clock=lambda: 0.0)
    standings = {one.entrant.name: one for one in result.standings}
    assert standings["hoard"].status == "failed"
    assert "all fits together may take 500 MB" in standings["hoard"].reason
    assert standings["other"].status == "finished"
    assert [one.entrant.name for _, one in result.champion] == ["other"]
