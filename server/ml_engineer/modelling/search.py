"""Race, then fold: which fits are done, and in which order, while the time lasts.

Every candidate is first tried once on a part of the training rows of one fold, which also tells what it costs and
how many trees it needs. The promising ones are then fitted on the planned folds. Time that is left goes to new
settings around the leaders. The champion is the best model alone or a weighted average, fitted on all rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # comes with mlflow, which types neither
import numpy as np

from ml_engineer.modelling.candidate import SIMPLICITY, Candidate
from ml_engineer.modelling.choosing import (
    ABSOLUTE,
    averaged,
    averaging_pays,
    chosen_weights,
    simplest_within_noise,
)
from ml_engineer.modelling.ensemble import greedy_weights, selection_loss
from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.fits import Clock, Failure, Fit, FitTask, Journal, attempt, fit_rows, run_task
from ml_engineer.modelling.race_rows import race_rows
from ml_engineer.modelling.refitting import as_part, put_together
from ml_engineer.modelling.running import Job, Runner
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.modelling.tuning import Tuner

__all__ = ["SearchResult", "search"]

Report = Callable[[str, float | None], None]

_REFIT = 1.35
"""A fit on all rows takes about this many times the fit on a fold's training rows."""
_LATE_SECONDS, _LATE_FRACTION = 2.0, 0.05
"""From this overrun on, in seconds and as a share of the time given, a person is told."""
_SPARE_SHARE, _SPARE_SECONDS = 0.03, 3.0
"""Of the time, kept for what fits on all rows take longer than thought; at most so many seconds."""
_AT_ONCE = 1.0
"""Seconds that a fit may take when the time is out already."""
_RACE_SHARE = 0.35
"""Of the time, for the race."""
_SHORTEST_RACE = 3.0
"""Seconds that the race has at least, if there are so many."""
_LONGEST_RACE = 0.14
"""Of the time, for one candidate's race."""
_INSURANCE = 0.15
"""Of the time: the simplest candidate gets its folds at once if they cost no more."""
_LEADERS = 6
"""So many candidates are looked at when it is asked whether another one adds something."""
_ROOM_FOR = ((10, 6), (5, 5), (3, 4), (2, 2))
"""At most so many folds are used if so many of the most promising candidates have room for them."""
_HOPELESS = 0.75
"""A candidate that makes less than this share of the best one's progress over the baseline is not folded."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Parameters
    ----------
    standings : tuple of Standing
        Every candidate, the baseline among them: best first, those without a comparable score last.
    baseline, champion : Standing
        The naive rule, and the best; they may be the same.
    model : estimator
        The champion fitted on all rows.
    folds : tuple of int
        Positions of the folds that candidates were compared on.
    warnings : tuple of str
        What a person should know of the search, one sentence each.
    decisions : tuple of str
        What the search decided as a whole, and why, in order.
    """

    standings: tuple[Standing, ...]
    baseline: Standing
    champion: Standing
    model: Any
    folds: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()


def _nothing(_: Standing) -> None:
    """Tell nobody."""


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
) -> SearchResult:
    """Try candidates on the planned folds until the budget is out; there is always a champion.

    Parameters
    ----------
    baseline : Candidate
        The naive rule; always given all folds, whatever the time.
    candidates : sequence of Candidate
        What to try, cheap ones first.
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
    """
    return _Search(
        data, executor=executor, plan=plan, clock=clock, journal=journal, report=report, finished=finished
    ).run(baseline, candidates, tuner)


@dataclass
class _Progress:
    """What the last message said, so that it is said once."""

    message: str = ""
    decisions: list[str] = field(default_factory=list)


class _Search:
    """The clock and the state of one search."""

    def __init__(
        self,
        data: TrainingData,
        *,
        executor: Executor,
        plan: SearchPlan,
        clock: Clock,
        journal: Journal,
        report: Report,
        finished: Callable[[Standing], None],
    ) -> None:
        self.data = data
        self.executor = executor
        self.plan = plan
        self.clock = clock
        self._report = report
        self._finished = finished
        self._started = clock()
        self._progress = _Progress()
        self.runner = Runner(
            executor, data, journal=journal, clock=clock, tell=self._tell, most_fits=plan.budget_evaluations
        )
        self.folds: tuple[int, ...] = tuple(range(len(data.pairs)))
        self.learn, self.watch = race_rows(data, seed=plan.seed)
        self.standings: list[Standing] = []
        self.weights: dict[int, float] = {}
        self.done: list[Standing] = []
        self._prepare_seconds: dict[str, float] = {}
        self._baseline_loss = np.inf

    @property
    def total(self) -> float:
        """Seconds that the search was given."""
        return self.plan.deadline - self._started

    def run(self, baseline: Candidate, candidates: Sequence[Candidate], tuner: Tuner | None) -> SearchResult:
        naive = self._fit_baseline(baseline)
        self.standings = [Standing(candidate) for candidate in candidates]
        self._race(self.standings, until=self._share(_RACE_SHARE))
        self._choose_folds()
        self._fold(self._promising(self.standings))
        self._go_on()
        if tuner is not None:
            self._tune(tuner)
        return self._conclude(naive)

    # The race -------------------------------------------------------------------------------------------------------

    def _fit_baseline(self, baseline: Candidate) -> Standing:
        naive = Standing(baseline)
        for fold, (train, test) in enumerate(self.data.pairs):
            outcome = attempt(
                lambda train=train, test=test: run_task(  # type: ignore[misc]  # bound now, not later
                    FitTask(baseline, train, test, ""), self.data, scratch=None, clock=self.clock
                )
            )
            if isinstance(outcome, Failure):
                msg = f"the baseline cannot fail, and did: {outcome.reason}"
                raise RuntimeError(msg)  # noqa: TRY004  (a failure is a value here, not a wrong type)
            naive.fits[fold] = outcome
        naive.status = "finished"
        self._baseline_loss = self._loss(np.asarray(naive.predictions(self.data)))
        self._finished(naive)
        return naive

    def _race(self, standings: Sequence[Standing], *, until: float) -> None:
        """Try each candidate once; the simplest gets its folds at once, so that there is a champion whatever happens."""
        waiting = deque(standings)
        insured = self.standings[0] if self.standings and not self.done else None

        def jobs() -> Iterator[Job]:
            nonlocal insured
            while waiting or insured is not None:
                if insured is not None and (insured.race is not None or insured.failed):
                    first, insured = insured, None
                    yield from self._insurance(first)
                elif waiting:
                    yield self._race_job(waiting.popleft())
                else:
                    return

        self.runner.run(jobs(), until=until, ended=self._raced)
        for standing in waiting:
            standing.reason = "the time for first tries was out"

    def _race_job(self, standing: Standing) -> Job:
        longest = max(2.0, _LONGEST_RACE * self.total)
        seconds = longest if np.isfinite(longest) else float("inf")
        task = FitTask(standing.candidate, self.learn, self.watch, "race", growing=True, seconds=seconds)
        return Job(standing, "race", task, seconds=1.5 * seconds + 2.0)

    def _raced(self, job: Job, outcome: Fit | Failure) -> None:
        self._note_preparation(job, outcome)
        if job.part != "race":
            self._folded(job, outcome)
            return
        standing = job.standing
        if isinstance(outcome, Failure):
            if outcome.out_of_time:
                standing.reason = outcome.reason
                standing.story.append(outcome.reason)
            else:
                standing.fail(f"race: {outcome.reason}")
            return
        standing.race = outcome
        standing.race_loss = self._watched_loss(outcome)
        if outcome.parameters:
            standing.candidate = standing.candidate.with_parameters(outcome.why, **outcome.parameters)
        standing.story.append(
            f"race: loss {standing.race_loss:.5g} in {outcome.fit_seconds:.2g} s. {outcome.why}".strip()
        )

    def _watched_loss(self, fit: Fit) -> float:
        return selection_loss(fit.predictions, self.data.actual[self.watch], absolute=self.data.metric in ABSOLUTE)

    def _loss(self, predictions: np.ndarray) -> float:
        rows = self.data.predicted_rows(predictions)
        return selection_loss(predictions[rows], self.data.actual[rows], absolute=self.data.metric in ABSOLUTE)

    def _insurance(self, standing: Standing) -> Iterator[Job]:
        if standing.race is None:
            return
        expected = self._seconds_per_fold(standing) * len(self.folds) / self.executor.workers
        if expected <= _INSURANCE * self.total:
            yield from self._fold_jobs(standing)

    # The folds ------------------------------------------------------------------------------------------------------

    def _seconds_per_fold(self, standing: Standing) -> float:
        """Seconds that one fold takes; what the race took is scaled by the rows."""
        if standing.fits or standing.race is None:
            return standing.seconds_per_fold()
        return standing.seconds_per_fold() * max(1.0, len(self.data.pairs[self.folds[-1]][0]) / len(self.learn))

    def _choose_folds(self) -> None:
        """As many folds as leave room for the most promising candidates."""
        planned = len(self.data.pairs)
        order = self._promising(self.standings)
        number, told = 1, ""
        for most, models in _ROOM_FOR:
            several = min(most, planned)
            each = sum(self._seconds_per_fold(one) for one in order[:models])
            refits = _REFIT * sum(self._seconds_per_fold(one) for one in order[:2])
            room = (self.plan.deadline - self.clock()) * self.executor.workers * 0.9 - refits
            if several * each <= room or not order:
                number = several
                break
            told = told or (
                f"with {several}, the {len(order[:models])} most promising candidates would need about "
                f"{several * each:.3g} s of fitting, and {max(room, 0):.3g} s were left"
            )
        # With folds in time, the last ones are learned from the most rows.
        all_folds = range(planned)
        self.folds = tuple(all_folds[-number:] if self.data.time_order is not None else all_folds[:number])
        if number < planned:
            self._decide(f"{number} of {planned} folds are used: {told}.")

    def _promising(self, standings: Sequence[Standing]) -> list[Standing]:
        """Those that ran the race and are not hopeless: first those that are best together, then by their loss."""
        ran = [one for one in standings if one.race is not None and not one.failed and np.isfinite(one.race_loss)]
        if not ran:
            return []
        best = min(one.race_loss for one in ran)
        progress = max(self._baseline_loss - best, 1e-12)
        kept = [one for one in ran if self._baseline_loss - one.race_loss >= _HOPELESS * progress]
        for one in ran:
            if one not in kept:
                one.drop("it made too little progress over the baseline in its first try")
        kept = kept or [min(ran, key=lambda one: one.race_loss)]
        together = greedy_weights(
            [one.race.predictions for one in kept if one.race is not None],
            self.data.actual[self.watch],
            absolute=self.data.metric in ABSOLUTE,
            seed=self.plan.seed,
        )
        order = sorted(range(len(kept)), key=lambda place: (-together[place], kept[place].race_loss))
        return [kept[place] for place in order]

    def _fold(self, standings: Sequence[Standing]) -> None:
        """Give candidates the folds, in their order, while their folds and the refit fit in the time left."""

        def jobs() -> Iterator[Job]:
            for standing in standings:
                if self._affordable(standing):
                    yield from self._fold_jobs(standing)

        self.runner.run(jobs(), until=self.plan.deadline - self._refit_seconds(), ended=self._folded)

    def _affordable(self, standing: Standing) -> bool:
        missing = [fold for fold in self.folds if fold not in standing.fits]
        each = self._seconds_per_fold(standing)
        needed = each * max(1.0, len(missing) / self.executor.workers)
        # Only what may become a part of the champion needs room for its refit; the first may be all there is.
        refit = self._refit_seconds() if self.done else self._seconds_to_refit(standing)
        left = self.plan.deadline - self.clock() - refit
        if needed <= left:
            return True
        standing.reason = (
            f"{len(standing.fits)} of {len(self.folds)} folds done; the rest would need about {needed:.3g} s, "
            f"{max(left, 0.0):.3g} s were left beside the refit"
        )
        standing.story.append(standing.reason)
        return False

    def _fold_jobs(self, standing: Standing) -> Iterator[Job]:
        for fold in self.folds:
            if fold in standing.fits or standing.failed:
                continue
            train, test = self.data.pairs[fold]
            task = FitTask(standing.candidate, np.asarray(train), np.asarray(test), f"fold {fold}")
            # What takes several times what it was thought to take would eat the time of others.
            expected = self._seconds_per_fold(standing)
            seconds = 4 * expected + 5.0 if self.plan.timed else float("inf")
            yield Job(standing, f"fold {fold}", task, seconds=seconds)

    def _note_preparation(self, job: Job, outcome: Fit | Failure) -> None:
        if isinstance(outcome, Fit):
            view = job.standing.candidate.view
            self._prepare_seconds[view] = max(self._prepare_seconds.get(view, 0.0), outcome.prepare_seconds)

    def _folded(self, job: Job, outcome: Fit | Failure) -> None:
        self._note_preparation(job, outcome)
        standing = job.standing
        if isinstance(outcome, Failure):
            if outcome.out_of_time:
                standing.reason = outcome.reason
                standing.story.append(outcome.reason)
            else:
                number = int(job.part.removeprefix("fold "))
                standing.fail(f"fold {number + 1}: {outcome.reason}")
            return
        standing.fits[int(job.part.removeprefix("fold "))] = outcome
        if all(fold in standing.fits for fold in self.folds) and not standing.failed:
            self._complete(standing)

    def _complete(self, standing: Standing) -> None:
        if any(one is standing for one in self.done):
            return
        standing.status = "finished"
        self.done.append(standing)
        standing.story.append(
            f"{len(self.folds)} folds: {self.data.metric} {abs(standing.value(self.data, self.folds)):.5g} "
            f"in {standing.fit_seconds:.3g} s"
        )
        self._finished(standing)
        self._weigh()

    def _weigh(self) -> None:
        """Which of the finished candidates would be the champion's parts now."""
        comparable = [one for one in self.done if all(fold in one.fits for fold in self.folds)]
        self.weights = {}
        if comparable:
            weights = chosen_weights(
                comparable,
                self.data,
                self.folds,
                seed=self.plan.seed,
                price_milliseconds=self.plan.price_milliseconds,
            )
            self.weights = {id(comparable[place]): weight for place, weight in weights.items()}

    def _parts(self) -> list[Standing]:
        """The parts that the champion would have now, heaviest first; before any, what leads the race."""
        parts = [one for one in self.done if id(one) in self.weights]
        if parts:
            return sorted(parts, key=lambda one: -self.weights[id(one)])
        ran = [one for one in self.standings if one.race is not None and not one.failed]
        return sorted(ran, key=lambda one: one.race_loss)[:1]

    def _refit_seconds(self) -> float:
        """Time to keep for fitting the champion's parts on all rows."""
        if not self.plan.timed:
            return 0.0
        each = [self._seconds_to_refit(one) for one in self._parts()]
        needed = max(max(each, default=0.0), sum(each) / self.executor.workers)
        return 1.25 * needed + min(_SPARE_SHARE * self.total, _SPARE_SECONDS)

    def _seconds_to_refit(self, standing: Standing) -> float:
        """Seconds that a fit on all rows takes, which prepares them for itself."""
        preparing = self._prepare_seconds.get(standing.candidate.view, 0.0)
        return _REFIT * (self._seconds_per_fold(standing) + preparing)

    # New settings ---------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Race what the first race had no time for, and fold what adds something."""
        waiting = [one for one in self.standings if one.race is None and not one.failed and not one.story]
        while waiting and self.runner.fits_left > 0 and self._time_for(self._typical_race()):
            several, waiting = waiting[: self.executor.workers], waiting[self.executor.workers :]
            self._race(several, until=self.plan.deadline - self._refit_seconds())
            self._fold([one for one in several if self._worth_folding(one, self._leaders())])

    def _typical_race(self) -> float:
        return float(np.median([one.race.fit_seconds for one in self.standings if one.race] or [0.0]))

    def _time_for(self, seconds: float) -> bool:
        return self.plan.deadline - self.clock() - self._refit_seconds() > seconds

    def _leaders(self) -> list[Standing]:
        """Finished candidates, best first."""
        return sorted(self.done, key=lambda one: one.value(self.data, self.folds), reverse=True)

    def _tune(self, tuner: Tuner) -> None:
        """Try new settings around the leaders while there is budget and it helps."""
        misses = 0
        tried = 0
        while self.runner.fits_left > 0 and misses < self.plan.patience:
            leaders = self._leaders()
            costs = [self._seconds_per_fold(one) for one in leaders[:3]]
            if not costs or not self._time_for(min(costs) * (1 + len(self.folds)) / self.executor.workers):
                break
            proposed = [Standing(candidate) for candidate in tuner.propose(leaders, number=self.executor.workers)]
            if not proposed:
                break
            tried += len(proposed)
            self.standings += proposed
            self._race(proposed, until=self.plan.deadline - self._refit_seconds())
            before = dict(self.weights)
            for one in proposed:
                tuner.tell(one.candidate.name, one.race_loss)
            self._fold([one for one in proposed if self._worth_folding(one, leaders)])
            misses = 0 if self.weights.keys() - before.keys() else misses + len(proposed)
        if tried:
            self._decide(f"{tried} new settings around the leaders were tried after the portfolio.")

    def _worth_folding(self, standing: Standing, leaders: Sequence[Standing]) -> bool:
        """Whether a new setting adds something on the watched rows to what leads there."""
        if standing.race is None or standing.failed:
            return False
        known = [one for one in leaders[:_LEADERS] if one.race is not None]
        together = greedy_weights(
            [one.race.predictions for one in (*known, standing) if one.race is not None],
            self.data.actual[self.watch],
            absolute=self.data.metric in ABSOLUTE,
            seed=self.plan.seed,
        )
        if together[-1] > 0:
            return True
        standing.drop("it added nothing to the leaders in its first try")
        return False

    # The champion ---------------------------------------------------------------------------------------------------

    def _conclude(self, naive: Standing) -> SearchResult:
        warnings: list[str] = []
        champion, single_fold = self._champion(naive)
        if single_fold:
            warnings.append(single_fold)
        model, champion = self._fitted(champion, naive)
        others = sorted((one for one in (naive, *self.done) if one is not champion), key=self._order)
        rest = [one for one in self.standings if one is not champion and not any(one is two for two in others)]
        rest.sort(key=lambda one: (one.failed, not one.fits, one.race_loss))
        ordered = (
            sorted((champion, *others), key=self._order)
            if champion.candidate.family != "ensemble"
            else [champion, *others]
        )
        warnings += [f"{one.candidate.name}: {one.notes[0]}" for one in ordered if one.notes]
        warnings += self._overrun()
        return SearchResult(
            (*ordered, *rest),
            naive,
            champion,
            model,
            tuple(sorted(champion.fits)) if champion is not naive else self.folds,
            tuple(warnings),
            tuple(self._progress.decisions),
        )

    def _champion(self, naive: Standing) -> tuple[Standing, str]:
        """The best so far, and what to say if it rests on little."""
        comparable = [one for one in self.done if all(fold in one.fits for fold in self.folds)]
        if not comparable:
            return self._best_of_few_folds(naive)
        best = min((naive, *comparable), key=self._order)
        if best is naive or len(comparable) == 1:
            return best, ""
        if self.plan.champion == "simplest-within-noise":
            simplest = simplest_within_noise(comparable, best, self.data, seed=self.plan.seed)
            self._decide(f"{simplest.candidate.name} is the simplest whose difference to the best may be chance.")
            return simplest, ""
        weights = chosen_weights(
            comparable, self.data, self.folds, seed=self.plan.seed, price_milliseconds=self.plan.price_milliseconds
        )
        if len(weights) < 2:
            return best, ""
        if not averaging_pays(comparable, self.data, self.folds, seed=self.plan.seed):
            self._decide("An average of several models did not beat the best one on folds that chose neither.")
            return best, ""
        return averaged(comparable, weights, self.data), ""

    def _best_of_few_folds(self, naive: Standing) -> tuple[Standing, str]:
        """With no candidate that has all folds: the one that did best on the folds it has."""
        begun = [one for one in self.standings if one.fits and not one.failed] or self._one_fold_late()
        ahead = [one for one in begun if one.value(self.data) > naive.value(self.data, sorted(one.fits))]
        if not ahead:
            return naive, ""
        best = max(ahead, key=lambda one: one.value(self.data) - naive.value(self.data, sorted(one.fits)))
        best.status = "finished"
        return best, (
            f"There was no time to fit {best.candidate.name} on all {len(self.data.pairs)} folds; it is the champion by "
            f"{len(best.fits)} of them, and its score rests on their rows. Give it more time (budget_seconds)."
        )

    def _one_fold_late(self) -> list[Standing]:
        """With no fold at all: one for the best that is fitted at once, because a weak model is better than none."""
        raced = [one for one in self.standings if one.race is not None and not one.failed]
        quick = [one for one in raced if self._seconds_to_refit(one) <= _AT_ONCE]
        if not quick:
            return []
        one = min(quick, key=lambda standing: standing.race_loss)
        fold = self.folds[-1]
        train, test = (np.asarray(rows) for rows in self.data.pairs[fold])
        outcome = attempt(
            lambda: run_task(FitTask(one.candidate, train, test, ""), self.data, scratch=None, clock=self.clock)
        )
        if isinstance(outcome, Failure):
            return []
        one.fits[fold] = outcome
        return [one]

    def _fitted(self, champion: Standing, naive: Standing) -> tuple[Any, Standing]:
        """The champion fitted on all rows; parts that the time has no room for are left out."""
        if champion is naive:
            return fit_rows(naive.candidate, self.data, np.arange(self.data.rows)), naive
        if champion.candidate.members:
            return self._fitted_average(champion)
        models = self._refit([champion])
        if id(champion) in models:
            return models[id(champion)], champion
        return self._cheapest([champion, *self.done])

    def _fitted_average(self, champion: Standing) -> tuple[Any, Standing]:
        names = {candidate.name: weight for candidate, weight in champion.candidate.members}
        # The heaviest first: should the time not do for all, the average is best without the others.
        parts = sorted(
            (one for one in self.done if one.candidate.name in names), key=lambda one: -names[one.candidate.name]
        )
        models = self._refit(parts)
        fitted = [one for one in parts if id(one) in models]
        if len(fitted) < len(parts):
            lost = [one.candidate.name for one in parts if id(one) not in models]
            self._decide(f"No time was left to fit {', '.join(lost)} on all rows, so the average does without.")
        if len(fitted) < 2:
            # Parts of a vote learned class codes; alone, a model learns the labels.
            return self._cheapest(fitted or self.done)
        if len(fitted) < len(parts):
            weights = {place: names[one.candidate.name] for place, one in enumerate(fitted)}
            total = sum(weights.values())
            champion = averaged(fitted, {place: weight / total for place, weight in weights.items()}, self.data)
        by_name = {one.candidate.name: models[id(one)] for one in fitted}
        ordered = [by_name[candidate.name] for candidate, _ in champion.candidate.members]
        return put_together(champion.candidate, ordered, self.data), champion

    def _cheapest(self, standings: Sequence[Standing]) -> tuple[Any, Standing]:
        """There must be a model, even if it is a little late: the best of those that are fitted fast."""
        fastest = min(self._seconds_to_refit(one) for one in standings)
        quick = [one for one in standings if self._seconds_to_refit(one) <= max(2 * fastest, _AT_ONCE)]
        one = min(quick, key=self._order)
        return fit_rows(one.candidate, self.data, np.arange(self.data.rows)), one

    def _refit(self, standings: Sequence[Standing]) -> dict[int, Any]:
        """Fitted models by the identity of their standing."""
        several = len(standings) > 1
        everything = np.arange(self.data.rows)
        models: dict[int, Any] = {}
        paths = {id(one): self.executor.folder / f"model_{number}.pickle" for number, one in enumerate(standings)}

        def jobs() -> Iterator[Job]:
            for one in standings:
                candidate = as_part(one.candidate, self.data) if several else one.candidate
                task = FitTask(
                    candidate, everything, everything[:0], "all", model_path=str(paths[id(one)]), codes=several
                )
                yield Job(one, "all rows", task, kept=False)

        def ended(job: Job, outcome: Fit | Failure) -> None:
            if isinstance(outcome, Fit):
                models[id(job.standing)] = cloudpickle.loads(paths[id(job.standing)].read_bytes())

        self.runner.fits_left = float("inf")
        grace = min(_LATE_FRACTION / 2 * self.total, _LATE_SECONDS / 2) if self.plan.timed else 0.0
        self.runner.run(jobs(), until=self.plan.deadline + grace, ended=ended)
        return models

    def _order(self, standing: Standing) -> tuple[float, int]:
        value = standing.value(self.data, [fold for fold in self.folds if fold in standing.fits])
        return (-value if np.isfinite(value) else np.inf, SIMPLICITY[standing.candidate.family])

    # Telling --------------------------------------------------------------------------------------------------------

    def _overrun(self) -> list[str]:
        """What to say if one fit, which could not be stopped midway, took the others' time."""
        over = self.clock() - self.plan.deadline
        if not self.plan.timed or over <= max(_LATE_SECONDS, _LATE_FRACTION * self.total):
            return []
        seconds, name = self.runner.longest
        told = (
            f"The search ran {over:.0f} s over its time: one fit of {name} took {seconds:.0f} s. Make it cheaper, "
            "leave it out (candidates), or give more time (budget_seconds)."
        )
        return [told]

    def _share(self, share: float) -> float:
        if not self.plan.timed:
            return float("inf")
        return self._started + max(share * self.total, min(_SHORTEST_RACE, 0.8 * self.total))

    def _decide(self, text: str) -> None:
        self._progress.decisions.append(text)

    def _tell(self, jobs: list[Job]) -> None:
        doing = "; ".join(f"{job.part} of {job.standing.candidate.name}" for job in jobs)
        best = ""
        if self.done:
            leader = min(self.done, key=self._order)
            best = f"; best {self.data.metric} {abs(leader.value(self.data, self.folds)):.4g} ({leader.candidate.name})"
        fraction = None
        if self.plan.timed and self.total > 0:
            fraction = min(1.0, max(0.0, (self.clock() - self._started) / self.total))
        self._report(f"{doing}{best}", fraction)
