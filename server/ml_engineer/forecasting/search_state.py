"""What a search knows so far: how every forecaster stands, what may still be spent, and folds that are being forecast."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ml_engineer.forecasting.backtest import Windows, actual_values
from ml_engineer.forecasting.fold_fits import FoldFit, FoldForecast, fold_places
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.intervals import closer_windows
from ml_engineer.forecasting.portfolio import Entrant
from ml_engineer.forecasting.scores import score
from ml_engineer.independent_fits import Executor, Failure, Piece, do_pieces

__all__ = ["Budget", "Journal", "SearchState", "Standing"]

_SLOWER: Final = 1.2
"""How much longer than a fold the fit on all rows may take, for it has more of them."""


class Journal(Protocol):
    """Keeps finished fits, so that a killed job does not redo them."""

    def find(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """What was kept under `key`."""

    def keep(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep `arrays`."""


@dataclass(frozen=True)
class Budget:
    """What the search may take.

    Parameters
    ----------
    deadline : float
        Reading of the clock at which the champion is fitted on all rows and its intervals are known; infinite if fits are
        counted.
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
    peak_bytes: int = 0
    counted: set[int] = field(default_factory=set)
    """Folds that a budget of fits was charged for."""

    @property
    def slowest(self) -> float:
        """Seconds of its slowest fold; 0 before there is one."""
        return max(self.seconds.values(), default=0.0)


@dataclass
class SearchState:
    """The parts of a search that every step of it needs, and the folds that are done; see `search` for the fields."""

    grid: Grid
    windows: Windows
    scales: Floats
    budget: Budget
    clock: Callable[[], float]
    journal: Journal
    report: Callable[[str, float | None], None]
    fingerprint: str
    finished: Callable[[Standing], None]
    asked_to_stop: Callable[[], bool]
    executor: Executor
    naive: Floats | None = None
    fits: int = 0
    done: list[Standing] = field(default_factory=list)

    @property
    def latest(self) -> int:
        """Number of the latest fold."""
        return len(self.windows.folds) - 1

    def missing(self, standing: Standing) -> list[int]:
        """Folds without a forecast, the latest first."""
        return [fold for fold in range(self.latest, -1, -1) if fold not in standing.seconds]

    def run(
        self,
        wanted: Iterable[tuple[Standing, int]],
        *,
        until: Callable[[], float],
        seconds: float = np.inf,
        most_fits: float = np.inf,
        fraction: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Have folds forecast, in this order, as far as time and number of fits go."""
        begin, end = fraction
        running: list[str] = []

        def pieces() -> Iterator[Piece]:
            for standing, fold in wanted:
                if fold in standing.seconds or self.fits >= most_fits:
                    continue
                if standing.status == "failed":
                    # Counted all the same: with more workers it would have begun before the others failed.
                    self.fits += fold not in standing.counted
                    standing.counted.add(fold)
                    continue
                kept = self.journal.find(self._key(standing.entrant, fold))
                if kept is not None:
                    self.fits += 1
                    standing.counted.add(fold)
                    self.take(standing, fold, kept["forecast"], float(kept["seconds"]))
                    continue
                # Where a fit cannot be cut short, it begins only if it should end in time, and the champion can still be fitted.
                if not self.executor.can_stop and self.clock() + (1 + _SLOWER) * standing.slowest >= until():
                    continue
                self.fits += 1
                standing.counted.add(fold)
                running[:] = [standing.entrant.name]
                work = FoldFit(standing.entrant.forecaster, self.windows, fold)
                yield Piece((standing, fold), work, seconds, standing.peak_bytes)

        def tell() -> None:
            passed = (self.clock() - began) / max(until() - began, 1e-9) if np.isfinite(until()) else 0.5
            self.report(f"backtesting {running[0]}", begin + (end - begin) * min(max(passed, 0.0), 1.0))

        began = self.clock()
        do_pieces(
            self.executor,
            pieces(),
            ended=self._end,
            clock=self.clock,
            until=until,
            tell=tell,
            asked_to_stop=self.asked_to_stop,
        )

    def _end(self, piece: Piece, outcome: FoldForecast | Failure) -> None:
        standing, fold = piece.about
        if isinstance(outcome, Failure):
            if not outcome.out_of_time:
                standing.status = "failed"
            standing.reason = f"fold {fold + 1}: {outcome.reason}"[:300]
            return
        kept = {"forecast": outcome.forecast, "seconds": np.array(outcome.seconds)}
        self.journal.keep(self._key(standing.entrant, fold), kept)
        standing.peak_bytes = max(standing.peak_bytes, outcome.peak_bytes)
        self.take(standing, fold, outcome.forecast, outcome.seconds)

    def take(self, standing: Standing, fold: int, forecast: Floats, seconds: float) -> None:
        """Note what was forecast of a fold.

        A forecaster that says nothing where the naive rule does fails: scores leave out what was not said, so that it would be
        judged by the easier moments.
        """
        unsaid = self._unsaid(fold, forecast)
        if unsaid:
            standing.status = "failed"
            standing.reason = f"fold {fold + 1}: {unsaid:,} of {forecast.size:,} forecasts are no finite number, where the naive rule's are"
            return
        standing.forecast[fold_places(self.windows, fold)] = forecast
        standing.seconds[fold] = seconds
        if standing.status != "failed" and not self.missing(standing):
            standing.status, standing.reason = "finished", ""
            self.done.append(standing)
            self.finished(standing)

    def _unsaid(self, fold: int, forecast: Floats) -> int:
        """How many forecasts of a fold, (O, S, H), are not finite where the naive rule's are; 0 before that is known."""
        if self.naive is None:
            return 0
        said = np.isfinite(self.naive[fold_places(self.windows, fold)])
        return int((said & ~np.isfinite(forecast)).sum())

    def closing(self, standing: Standing) -> float:
        """Seconds that it takes to fit a forecaster on all rows and, where errors are few, to backtest it from closer origins."""
        again = 0.0
        if closer_windows(self.windows, self.grid) is not None:
            again = 2 * sum(standing.seconds.values()) / self.executor.workers
        return _SLOWER * standing.slowest + again

    def end_of_folds(self) -> float:
        """Until when folds may be forecast, so that the best of those that have all can still be fitted."""
        if not np.isfinite(self.budget.deadline) or not self.done:
            return self.budget.deadline
        return self.budget.deadline - self.closing(min(self.done, key=lambda one: self.error(one.forecast)))

    def _key(self, entrant: Entrant, fold: int) -> str:
        text = f"{self.fingerprint} {entrant.forecaster!r} {fold}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def error(self, forecast: Floats, fold: int | None = None) -> float:
        """MASE of forecasts (O, S, H) on one fold, or on all."""
        places = slice(None) if fold is None else fold_places(self.windows, fold)
        actual = actual_values(self.grid, self.windows.origins, self.windows.horizon)
        return score("mase", actual[places], forecast[places], self.scales)
