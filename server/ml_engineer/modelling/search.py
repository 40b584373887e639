"""Race, then fold: which fits are done, and in which order, while the time lasts.

The baseline and the simplest model get all folds first, so that there is a champion whatever happens. Every
other candidate then runs one fold; those that did best there are given the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from ml_engineer.modelling.candidate import SIMPLICITY, Candidate
from ml_engineer.modelling.decisions import choose_threshold
from ml_engineer.modelling.fits import Clock, Failure, FoldFit, Journal, attempt, fit_fold, fit_rows
from ml_engineer.modelling.rounds import find_rounds
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.vocabulary.estimates import direction_of

__all__ = ["SearchResult", "Standing", "search"]

Report = Callable[[str, float | None], None]

_RANKING = frozenset({"roc_auc", "average_precision"})
_REFIT = 1.3
"""A fit on all rows takes about this many times the fit on a fold's training rows."""
_PROBED_FROM_ROWS = 2000
"""From this many training rows on, a candidate's time is estimated on two samples before its first fold."""
_SAMPLES = ((40, 500), (10, 2000))
"""The samples: the share of the training rows is one to this, and at most so many rows."""


@dataclass
class Standing:
    """How far one candidate has come.

    Parameters
    ----------
    candidate : Candidate
        The model; its rounds are fixed once the first fold is begun.
    fits : dict of int to FoldFit
        Finished folds.
    status : {'finished', 'failed', 'out_of_time'}
        What became of it.
    reason : str
        Why it did not finish.
    """

    candidate: Candidate
    fits: dict[int, FoldFit] = field(default_factory=dict)
    status: Literal["finished", "failed", "out_of_time"] = "out_of_time"
    reason: str = ""

    @property
    def fit_seconds(self) -> float:
        """Time spent on fitting."""
        return sum(fit.fit_seconds for fit in self.fits.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What the libraries warned of, each warning once."""
        return tuple(dict.fromkeys(note for fit in self.fits.values() for note in fit.notes))

    @property
    def failed(self) -> bool:
        """Whether a fit could not be done."""
        return self.status == "failed"

    def predictions(self, data: TrainingData, folds: Iterable[int] | None = None) -> Predictions:
        """Out-of-fold predictions in the order of the rows; NaN where there is none, or outside `folds`."""
        values = data.empty_predictions()
        for fold in self.fits if folds is None else folds:
            values[data.pairs[fold][1]] = self.fits[fold].predictions
        return values

    def outcomes(self, data: TrainingData, folds: Iterable[int] | None = None) -> Outcomes:
        """Out-of-fold predictions beside the truth, as they are judged.

        The naive rule's class shares differ a little from fold to fold. That is no knowledge of rows, so a metric
        of ranking must not see it: there its shares are taken as equal for all rows.
        """
        values = self.predictions(data, folds)
        if self.candidate.family == "baseline" and data.metric in _RANKING:
            known = np.isfinite(values[:, 0])
            values[known] = values[known].mean(axis=0)
        return data.outcomes(values, threshold=choose_threshold(data, values).value)

    def value(self, data: TrainingData, folds: Iterable[int] | None = None) -> float:
        """Primary metric over the finished folds (or `folds`) together, signed so that more is better."""
        raw = metric_value(data.metric, self.outcomes(data, folds))
        return raw if direction_of(data.metric) == "higher" else -raw

    def seconds_per_fold(self) -> float:
        """Seconds of fitting and predicting per fold, from the finished ones."""
        return float(np.mean([fit.fit_seconds + fit.predict_seconds for fit in self.fits.values()]))


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
        """Seconds until the best so far must be refitted."""
        refit = _REFIT * self._best.seconds_per_fold() if self._best else 0.0
        return self.deadline - self.clock() - refit

    def free(self) -> float:
        """Seconds left for newcomers, once the most promising candidate that has begun was given its other folds."""
        leader = max(self._begun, key=self._promise, default=None)
        if leader is None or (self._best is not None and self._promise(leader) <= self._promise(self._best)):
            return self.left()
        return self.left() - leader.seconds_per_fold() * (len(self.folds) - 1 + _REFIT)

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
            if self._refuse(standing, standing.seconds_per_fold(), missing + _REFIT, left=self.left()):
                return
            if not self.fit(standing, fold):
                return
        standing.status = "finished"
        if self._best is None or standing.value(self.data) > self._best.value(self.data):
            self._best = standing
        self._finished(standing)

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
        begun = [standing for standing in rest if standing.status == "out_of_time" and 0 in standing.fits]
        if len(finished) == 1 and begun:
            champion = self._best_of_first_fold(naive, begun)
            if champion is not naive:
                warnings.append(
                    f"No model finished all {len(self.folds)} folds in the time given; the champion and its score rest "
                    "on the first fold alone. Give it more time (budget_seconds)."
                )
        return SearchResult((*finished, *rest), naive, champion, tuple(warnings))

    def _order(self, standing: Standing) -> tuple[float, int]:
        value = standing.value(self.data)
        return (-value if np.isfinite(value) else np.inf, SIMPLICITY[standing.candidate.family])

    def _best_of_first_fold(self, naive: Standing, begun: Sequence[Standing]) -> Standing:
        best = max(begun, key=self._promise)
        return best if best.value(self.data, [0]) > naive.value(self.data, [0]) else naive

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
        if len(train) < _PROBED_FROM_ROWS:
            return None
        candidate = standing.candidate
        if candidate.early_stopping:
            # Its rounds are found within a time limit of their own: what is unknown is the preparation.
            candidate = candidate.with_parameters("", model__n_estimators=1)
        shuffled = np.random.default_rng(self.seed).permutation(train)
        sizes, seconds = [], []
        for share, most in _SAMPLES:
            sample = np.sort(shuffled[: min(len(train) // share, most)])
            start = self.clock()
            # A sample may lack what all rows have (a class, a word): that is no verdict on the candidate.
            if isinstance(attempt(partial(fit_rows, candidate, self.data, sample)), Failure):
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
