"""Race, then fold: which fits are done, and in which order, while the time lasts.

The baseline and the simplest model get all folds first, so that there is a champion whatever happens. Every
other candidate then runs one fold; those that did best there are given the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ml_engineer.modelling.candidate import SIMPLICITY, Candidate
from ml_engineer.modelling.fits import Clock, Failure, Journal, attempt, fit_fold, fit_rows
from ml_engineer.modelling.rounds import find_rounds
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.intervals import gain

__all__ = ["SearchResult", "search"]

Report = Callable[[str, float | None], None]

_REFIT = 1.3
"""A fit on all rows takes about this many times the fit on a fold's training rows."""
_REPLICATES = 200
_LATE_SECONDS, _LATE_FRACTION = 2.0, 0.05
"""From this overrun on, in seconds and as a share of the time given, a person is told."""
_PROBED_FROM_ROWS = 2000
"""From this many training rows on, a candidate's time is estimated on two samples before its first fold."""
_SAMPLES = ((40, 1000), (10, 4000))
"""The samples: the share of the training rows is one to this, and at most so many rows."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Parameters
    ----------
    standings : tuple of Standing
        Every candidate, the baseline among them: best first, those without a comparable score last.
    baseline, champion : Standing
        The naive rule, and the best; they may be the same.
    warnings : tuple of str
        What a person should know of the search, one sentence each.
    """

    standings: tuple[Standing, ...]
    baseline: Standing
    champion: Standing
    warnings: tuple[str, ...] = ()


def _nothing(_: Standing) -> None:
    """Tell nobody."""


def search(
    baseline: Candidate,
    candidates: Sequence[Candidate],
    data: TrainingData,
    *,
    deadline: float,
    clock: Clock,
    journal: Journal,
    report: Report,
    finished: Callable[[Standing], None] = _nothing,
    seed: int = 0,
) -> SearchResult:
    """Try candidates on the planned folds until the time is out; there is always a champion.

    Parameters
    ----------
    baseline : Candidate
        The naive rule; always given all folds, whatever the time.
    candidates : sequence of Candidate
        What to try, cheap ones first.
    data : TrainingData
        Development rows with their folds.
    deadline : float
        Reading of `clock` by which the search and the refit of its champion should be done.
    clock : callable
        Monotonic seconds.
    journal : Journal
        Finished fits, which are not done again.
    report : callable
        ``report(message, fraction)``; may raise `JobCancelledError`.
    finished : callable
        Called with each candidate that has all its folds, as soon as it has.
    seed : int
        Random state of what the search itself draws.
    """
    race = _Race(data, deadline=deadline, clock=clock, journal=journal, report=report, finished=finished, seed=seed)
    naive = Standing(baseline)
    for fold in race.folds:
        race.fit(naive, fold)
    if naive.failed:
        msg = f"the baseline cannot fail, and did: {naive.reason}"
        raise RuntimeError(msg)
    naive.status = "finished"
    finished(naive)
    standings = [Standing(candidate) for candidate in candidates]
    if standings:
        race.finish(standings[0])
    for standing in standings[1:]:
        race.enter(standing)
    for standing in race.by_promise(standings[1:]):
        race.finish(standing)
    return race.judge(naive, standings)


class _Race:
    """The clock and the state of one search."""

    def __init__(
        self,
        data: TrainingData,
        *,
        deadline: float,
        clock: Clock,
        journal: Journal,
        report: Report,
        finished: Callable[[Standing], None],
        seed: int,
    ) -> None:
        self.data = data
        self.folds = range(len(data.pairs))
        self.deadline = deadline
        self.clock = clock
        self.journal = journal
        self.seed = seed
        self._report = report
        self._finished = finished
        self._started = clock()
        self._best: Standing | None = None
        self._begun: list[Standing] = []

    def left(self) -> float:
        """Seconds until whichever may become the champion must be refitted."""
        refits = [_REFIT * standing.seconds_per_fold() for standing in self._contenders()]
        return self.deadline - self.clock() - max(refits, default=0.0)

    def _contenders(self) -> list[Standing]:
        """The best that has all folds, and those that did better on the first one."""
        if self._best is None:
            return self._begun
        bar = self._promise(self._best)
        return [self._best, *(standing for standing in self._begun if self._promise(standing) > bar)]

    def free(self) -> float:
        """Seconds left for newcomers, once the most promising candidate that has begun was given its other folds."""
        leader = max(self._contenders(), key=self._promise, default=None)
        if leader is None or leader is self._best:
            return self.left()
        return self.left() - leader.seconds_per_fold() * (len(self.folds) - 1)

    def fit(self, standing: Standing, fold: int) -> bool:
        """Fit one fold; false if it failed."""
        self._tell(standing, fold)
        outcome = attempt(lambda: fit_fold(standing.candidate, self.data, fold, clock=self.clock, journal=self.journal))
        if isinstance(outcome, Failure):
            standing.status, standing.reason = "failed", f"fold {fold + 1}: {outcome.reason}"
            return False
        standing.fits[fold] = outcome
        return True

    def enter(self, standing: Standing) -> None:
        """Race a candidate on the first fold, if that fits in the time left."""
        if self.free() <= 0:
            kept = " and its time was kept for the leader" if self.left() > 0 else ""
            standing.reason = f"the time was out before its first fold{kept}"
            return
        expected = self._probe(standing)
        # With no other model finished, one fold and the refit are worth having.
        needed = (len(self.folds) if self._best else 1) + _REFIT
        if expected is None and self._begun:
            # Not known, so taken to be like the slowest so far: its rounds, if any, and its first fold.
            expected, needed = max(begun.seconds_per_fold() for begun in self._begun), 2.0
        if expected is not None and self._refuse(standing, expected, needed, left=self.free()):
            return
        if standing.candidate.early_stopping and not self._find_rounds(standing):
            return
        if self.left() <= 0:
            standing.reason = "the time was out when its rounds were found"
        elif self.fit(standing, 0):
            self._begun.append(standing)

    def finish(self, standing: Standing) -> None:
        """Give a candidate all its folds, if they fit in the time left."""
        if not standing.fits:
            self.enter(standing)
        if not standing.fits:
            return
        for fold in self.folds:
            if fold in standing.fits:
                continue
            missing = len(self.folds) - len(standing.fits)
            if self._refuse(
                standing, standing.seconds_per_fold(), missing + self._refit_of(standing), left=self.left()
            ):
                return
            if not self.fit(standing, fold):
                return
        standing.status = "finished"
        if self._best is None or standing.value(self.data) > self._best.value(self.data):
            self._best = standing
        self._finished(standing)

    def _refit_of(self, standing: Standing) -> float:
        """Fits that a refit counts for; none if its time is kept already, as for any contender."""
        return 0.0 if any(standing is contender for contender in self._contenders()) else _REFIT

    def by_promise(self, standings: Sequence[Standing]) -> list[Standing]:
        """Those that ran the first fold, best first."""
        ran = [standing for standing in standings if 0 in standing.fits]
        return sorted(ran, key=self._promise, reverse=True)

    def _promise(self, standing: Standing) -> float:
        value = standing.value(self.data, [0])
        return value if np.isfinite(value) else -np.inf

    def judge(self, naive: Standing, standings: Sequence[Standing]) -> SearchResult:
        """Order the candidates and name the champion."""
        finished = sorted(
            (standing for standing in (naive, *standings) if standing.status == "finished"), key=self._order
        )
        rest = [standing for standing in standings if standing.status != "finished"]
        rest.sort(key=lambda standing: (standing.failed, not standing.fits))
        warnings = [f"{standing.candidate.name}: {standing.notes[0]}" for standing in finished if standing.notes]
        champion = finished[0]
        ahead = self._ahead_on_first_fold(champion, rest)
        if ahead is not None:
            warnings.append(
                f"There was no time to fit {ahead.candidate.name} on all {len(self.folds)} folds; it is the champion by "
                "the first fold alone, and its score rests on that fold's rows. Give it more time (budget_seconds)."
            )
            champion = ahead
        warnings.extend(self._overrun(standings))
        return SearchResult((*finished, *rest), naive, champion, tuple(warnings))

    def _overrun(self, standings: Sequence[Standing]) -> list[str]:
        """What to say if one fit, which cannot be stopped midway, took the others' time."""
        over, total = self.clock() - self.deadline, self.deadline - self._started
        longest = {
            one.candidate.name: max((fit.fit_seconds for fit in one.fits.values()), default=0.0) for one in standings
        }
        if not longest or over <= max(_LATE_SECONDS, _LATE_FRACTION * total):
            return []
        slowest = max(longest, key=lambda name: longest[name])
        untried = sum(not standing.fits and not standing.failed for standing in standings)
        told = (
            f"The search ran {over:.0f} s over its time: one fit of {slowest} took {longest[slowest]:.0f} s, and "
            f"{untried} candidates were never tried. Leave it out, make it faster, or give more time (budget_seconds)."
        )
        return [told]

    def _order(self, standing: Standing) -> tuple[float, int]:
        value = standing.value(self.data)
        return (-value if np.isfinite(value) else np.inf, SIMPLICITY[standing.candidate.family])

    def _ahead_on_first_fold(self, champion: Standing, rest: Sequence[Standing]) -> Standing | None:
        """The best of those that ran the first fold only, if it is ahead there and can still be refitted.

        Ahead of a model that has all folds it must be beyond chance, because one fold is little.
        """
        time_left = self.deadline - self.clock()
        begun = [
            standing
            for standing in rest
            if standing.status == "out_of_time"
            and 0 in standing.fits
            and (_REFIT * standing.seconds_per_fold() <= time_left or champion.candidate.family == "baseline")
        ]
        best = max(begun, key=self._promise, default=None)
        if best is None or self._promise(best) <= self._promise(champion):
            return None
        if champion.candidate.family == "baseline":
            return best
        difference = gain(
            self.data.metric,
            best.outcomes(self.data, [0]),
            champion.outcomes(self.data, [0]),
            replicates=_REPLICATES,
            seed=self.seed,
        )
        return best if difference.low > 0 else None

    def _refuse(self, standing: Standing, seconds_each: float, fits: float, *, left: float) -> bool:
        """Whether `fits` more fits do not fit into the time left; the reason is noted then."""
        needed = seconds_each * fits
        if needed <= left:
            return False
        standing.reason = (
            f"{len(standing.fits)} of {len(self.folds)} folds done; the rest and the refit need about "
            f"{needed:.3g} s, {max(left, 0.0):.3g} s were left"
        )
        return True

    def _probe(self, standing: Standing) -> float | None:
        """Seconds that one fold will take, by the line through two samples; None where that is not worth knowing."""
        train = self.data.pairs[0][0]
        # Rounds of boosting are found within a time limit of their own.
        if standing.candidate.early_stopping or len(train) < _PROBED_FROM_ROWS:
            return None
        shuffled = np.random.default_rng(self.seed).permutation(train)
        sizes, seconds = [], []
        for share, most in _SAMPLES:
            sample = np.sort(shuffled[: min(len(train) // share, most)])
            start = self.clock()
            # A sample may lack what all rows have (a class, a word): that is no verdict on the candidate.
            if isinstance(attempt(partial(fit_rows, standing.candidate, self.data, sample)), Failure):
                return None
            sizes.append(len(sample))
            seconds.append(self.clock() - start)
        # What does not grow with the rows is paid once; noise must not make it the whole.
        slope = max((seconds[1] - seconds[0]) / (sizes[1] - sizes[0]), 0.3 * seconds[1] / sizes[1])
        return seconds[1] + slope * (len(train) - sizes[1])

    def _find_rounds(self, standing: Standing) -> bool:
        """Fix the rounds of a boosting candidate; false if that failed."""
        self._say(f"finding the rounds of {standing.candidate.name}")
        # Room for the search of rounds, all folds and the refit, and for one more candidate like it.
        seconds = max(0.2, self.free() / (2 * (len(self.folds) + 1 + _REFIT)))
        outcome = attempt(
            lambda: find_rounds(
                standing.candidate,
                self.data,
                seconds=seconds,
                seed=self.seed,
                clock=self.clock,
                journal=self.journal,
            )
        )
        if isinstance(outcome, Failure):
            standing.status, standing.reason = "failed", f"early stopping: {outcome.reason}"
            return False
        standing.candidate = outcome
        return True

    def _tell(self, standing: Standing, fold: int) -> None:
        best = "" if self._best is None else f", best {self.data.metric} {abs(self._best.value(self.data)):.4g}"
        self._say(f"fold {fold + 1}/{len(self.folds)} of {standing.candidate.name}{best}")

    def _say(self, message: str) -> None:
        total = self.deadline - self._started
        self._report(message, min(1.0, max(0.0, (self.clock() - self._started) / total)) if total > 0 else None)
