"""What a search knows at a moment, what that will cost, and how much time is left for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ml_engineer.modelling.candidate import SIMPLICITY
from ml_engineer.modelling.choosing import chosen_weights, order_loss
from ml_engineer.modelling.ensemble import greedy_weights, selection_loss
from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.fits import Clock, Failure, Fit, Journal
from ml_engineer.modelling.memory import expected_bytes
from ml_engineer.modelling.race_rows import race_rows
from ml_engineer.modelling.running import Job, Runner
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import Predictions, TrainingData

__all__ = ["AT_ONCE_SECONDS", "HOLDOUT_ROWS", "AskedToStopError", "Report", "SearchState"]

Report = Callable[[str, float | None], None]

HOLDOUT_ROWS = 100_000
"""From so many rows on, candidates are compared on one fold: a holdout."""
AT_ONCE_SECONDS = 1.5
"""A fit that takes no longer may be done when the time is out already, because a weak model is better than none."""
_REFIT = 1.35
"""A fit on all rows takes about this many times the fit on a fold's training rows."""
_SPARE_SHARE, _SPARE_SECONDS = 0.03, 3.0
"""Of the time, kept for what fits on all rows take longer than thought; at most so many seconds."""
_CHOOSING_SECONDS, _MOST_CHOSEN_BY = 3e-5, 100_000
"""For each out-of-fold prediction, for choosing between average and single model and for calibrating; and at most for so
many, because calibrations are learned on a sample, and of very many rows one fold is predicted."""


_LATE_SHARE, _LATE_SECONDS = 0.025, 1.2
"""Half of what a budget may be overrun by: 5 % or 2 s."""


_SLOWER = 3.0
"""How many times what its first try took a model of a sample may take: it is what is left when time is short, and time is short
where others use the processor, now more and now less."""
_STOPPING_SECONDS = 10.0
"""Time for fits on all rows after somebody asked for the best so far; more if the best one needs more."""


class AskedToStopError(Exception):
    """Somebody wants the best so far now."""


class SearchState:
    """What a search knows at a moment.

    Parameters
    ----------
    data : TrainingData
        Development rows with their folds.
    executor : Executor
        Who does the fits.
    plan : SearchPlan
        The budget.
    clock : callable
        Monotonic seconds.
    journal : Journal
        Finished fits, which are not done again.
    report : callable
        ``report(message, fraction)``; may raise `JobCancelledError`.
    finished : callable
        Called with each candidate that has all its folds, as soon as it has.
    asked_to_stop : callable
        Whether somebody wants the best so far now.

    Attributes
    ----------
    standings : list of Standing
        Every candidate, in the order in which they came.
    planned : tuple of int
        Positions of the folds that may be used: all, or one where rows are so many that it tells enough.
    folds : tuple of int
        Positions of the folds that candidates are compared on, of those.
    learn, watch : numpy.ndarray of int
        Rows of the race.
    weights : dict of str to float
        Parts that the champion would have now, by name.
    decisions : list of str
        What was decided for the search as a whole.
    naive : Standing, optional
        The naive rule, with a race and all planned folds, once it has them.
    stopped_early : bool
        Whether somebody wanted the best so far.
    refused_bytes : float
        The least that a fit would have taken which was not begun for want of memory; infinite if all were begun.
    """

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
        asked_to_stop: Callable[[], bool],
    ) -> None:
        self.data = data
        self.executor = executor
        self.plan = plan
        self.clock = clock
        self.finished = finished
        self.started = clock()
        self.runner = Runner(
            executor, data, journal=journal, clock=clock, tell=self._tell, most_fits=plan.budget_evaluations
        )
        self.standings: list[Standing] = []
        self.planned = _planned_folds(data)
        self.folds = self.planned
        self.learn, self.watch = race_rows(data, seed=plan.seed)
        self.weights: dict[str, float] = {}
        self.decisions: list[str] = []
        self.naive: Standing | None = None
        self.stopped_early = False
        self.refused_bytes = float("inf")
        self._asked_to_stop = asked_to_stop
        self._report = report
        self._prepare_seconds: dict[str, float] = {}

    # Who stands where -----------------------------------------------------------------------------------------------

    @property
    def done(self) -> list[Standing]:
        """Candidates that can be compared, in the order in which they came: so that chance decides nothing."""
        return [
            one
            for one in self.standings
            if one.status == "finished"
            and not one.useless
            and not one.candidate.mitigates
            and all(fold in one.fits for fold in self.folds)
        ]

    def leaders(self) -> list[Standing]:
        """Those that can be compared, best first."""
        return sorted(self.done, key=self.order)

    def order(self, standing: Standing) -> tuple[float, int]:
        """Sorts the better before the worse, and of equals the simpler before the other."""
        value = standing.value(self.data, [fold for fold in self.folds if fold in standing.fits])
        return (-value if np.isfinite(value) else np.inf, SIMPLICITY[standing.candidate.family])

    def complete(self, standing: Standing) -> None:
        """Note that a candidate has all its folds."""
        if standing.status == "finished":
            self.weigh()  # it has the folds that were added since, and can be compared again
            return
        standing.status = "finished"
        standing.useless = self.does_worse_than_naive(standing)
        score = abs(standing.value(self.data, self.folds))
        standing.story.append(
            f"{len(self.folds)} folds: {self.data.metric} {score:.5g} in {standing.fit_seconds:.3g} s"
        )
        self.finished(standing)
        self.weigh()

    def weigh(self) -> None:
        """Work out which parts the champion would have now."""
        done = self.done
        weights = self.best_average() if done else {}
        self.weights = {done[place].candidate.name: weight for place, weight in weights.items()}

    def best_average(self) -> dict[int, float]:
        """Positions in `done` and weights of the best average; where none can be had, the best one alone."""
        if not self.data.averages:
            done = self.done
            return {min(range(len(done)), key=lambda place: self.order(done[place])): 1.0}
        return chosen_weights(
            self.done, self.data, self.folds, seed=self.plan.seed, price_milliseconds=self.plan.price_milliseconds
        )

    # Losses ---------------------------------------------------------------------------------------------------------

    def loss(self, predictions: Predictions) -> float:
        """What selection minimises, over the rows that have a prediction."""
        rows = self.data.predicted_rows(predictions)
        if self.data.by_order:
            return order_loss(self.data, predictions[rows], rows)
        return selection_loss(predictions[rows], self.data.actual[rows], self.data.loss)

    @property
    def naive_race_loss(self) -> float:
        """Loss of the naive rule on the rows that the race watches; infinite where it could not be tried."""
        return self.naive.race_loss if self.naive is not None else np.inf

    def does_worse_than_naive(self, standing: Standing) -> bool:
        """Whether its loss over the folds that it has is above the naive rule's over the same ones."""
        if self.naive is None:
            return False
        folds = standing.first_folds(self.data)
        return self.loss(standing.predictions(self.data, folds)) > self.loss(self.naive.predictions(self.data, folds))

    def watched_loss(self, fit: Fit) -> float:
        """The same for a race."""
        if self.data.by_order:
            return order_loss(self.data, fit.predictions, self.watch)
        return selection_loss(fit.predictions, self.data.actual[self.watch], self.data.loss)

    def watched_weights(self, standings: Sequence[Standing]) -> list[float]:
        """Weights of the average that is best on the race's watched rows; where none can be had, all weight is the best one's."""
        if not self.data.averages:
            losses = [one.race_loss for one in standings]
            return [float(place == int(np.argmin(losses))) for place in range(len(losses))]
        raced = [one.race.predictions for one in standings if one.race is not None]
        weights = greedy_weights(
            raced,
            self.data.actual[self.watch],
            loss=self.data.loss,
            units=self.data.units(self.watch),
            seed=self.plan.seed,
        )
        return [float(weight) for weight in weights]

    def watched_average_loss(self, standings: Sequence[Standing]) -> float:
        """Loss of the average of some that ran the race, on the rows it watched."""
        weights = self.watched_weights(standings)
        raced = [(one.race, weight) for one, weight in zip(standings, weights, strict=True) if one.race is not None]
        if not self.data.averages:
            return min(one.race_loss for one in standings)
        average = np.asarray(sum(weight * fit.predictions for fit, weight in raced))
        return selection_loss(average, self.data.actual[self.watch], self.data.loss)

    # Time -----------------------------------------------------------------------------------------------------------

    @property
    def holds_out(self) -> bool:
        """Whether rows are so many that candidates are compared on one fold."""
        return len(self.planned) < len(self.data.pairs)

    @property
    def total(self) -> float:
        """Seconds that the search was given; infinite if the clock decides nothing."""
        return self.plan.deadline - self.started

    @property
    def late_seconds(self) -> float:
        """Seconds that fits on all rows may be late, where the clock decides; what follows them is kept apart."""
        return max(_LATE_SHARE * self.total, _LATE_SECONDS) if self.plan.timed else 0.0

    @property
    def search_until(self) -> float:
        """Reading of the clock up to which there is time for other fits than those on all rows."""
        return self.plan.deadline - self.refit_seconds()

    def time_for(self, seconds: float) -> bool:
        """Whether so many seconds are left beside the fits on all rows."""
        return self.search_until - self.clock() > seconds

    def stop_early(self) -> None:
        """Leave no more time than the best so far needs on all rows."""
        self.stopped_early = True
        best = next(iter(self.leaders()), None)
        needed = 1.5 * self.seconds_to_refit(best) if best is not None else 0.0
        soon = self.clock() + max(_STOPPING_SECONDS, needed)
        self.plan = replace(self.plan, deadline=min(self.plan.deadline, soon))
        tried = sum(one.race is not None for one in self.standings)
        self.decide(
            f"Somebody asked for the best so far, after {tried} of {len(self.standings)} candidates had a first try "
            f"and {len(self.done)} their folds: the search was ended there."
        )

    def seconds_per_fold(self, standing: Standing) -> float:
        """Seconds that one fold takes; what the race took is scaled by the rows."""
        if standing.fits or standing.race is None:
            return standing.seconds_per_fold()
        learned = len(self.data.all_pairs[self.folds[-1]][0])
        if standing.candidate.most_rows is not None:
            learned = min(learned, standing.candidate.most_rows)
        more = max(1.0, learned / len(self.learn))
        return standing.seconds_per_fold() * more * standing.lean

    def seconds_to_refit(self, standing: Standing) -> float:
        """Seconds that a fit on all rows takes, which prepares them for itself."""
        if standing.candidate.most_rows is not None:
            return _REFIT * self.seconds_per_fold(standing)  # it prepared its rows for itself in the fold too
        preparing = self._prepare_seconds.get(standing.candidate.view, 0.0)
        return _REFIT * (self.seconds_per_fold(standing) + preparing)

    def has_time_to_refit(self, standing: Standing) -> bool:
        """Whether time is left for its fit on all rows."""
        return self.clock() + self.seconds_to_refit(standing) <= self.plan.deadline + self.late_seconds

    # A sample of the rows -------------------------------------------------------------------------------------------

    @property
    def may_sample(self) -> bool:
        """Whether rows are so many, and time so short, that a model of a part of them may be better than none."""
        # Queries are learned whole, and survival by who outlives whom.
        return self.holds_out and self.plan.timed and self.data.queries is None and not self.data.by_order

    def insurers(self) -> list[Standing]:
        """Those whose first try was better than the naive rule, and that were not dropped, in the order in which they came."""
        return [
            one
            for one in self.standings
            if one.race is not None
            and one.status in {"finished", "out_of_time"}
            and not one.candidate.mitigates
            and one.candidate.most_rows is None
            and one.race_loss < self.naive_race_loss
        ]

    def seconds_on_sample(self, standing: Standing, rows: int) -> float:
        """Seconds that a fold and the fit for good take a candidate that ran the race and learns from so many rows."""
        race = standing.race
        if race is None:
            return float("inf")
        alike = [one.race for one in self.standings if one.candidate.view == standing.candidate.view]
        prepared = max((fit.prepare_seconds for fit in alike if fit is not None), default=0.0)
        prepared /= len(self.learn) + len(self.watch)
        learning = (race.fit_seconds - race.prepare_seconds) / len(self.learn) + prepared
        judged = len(self.data.pairs[self.folds[0]][1])
        judging = (race.predict_seconds / len(self.watch) + prepared) * judged
        return _SLOWER * (2 * learning * rows + judging)

    @property
    def insurance_seconds(self) -> float:
        """Time to keep, while nothing good is there, for a model of as few rows as the race's."""
        if not self.may_sample:
            return 0.0
        return min((self.seconds_on_sample(one, len(self.learn)) for one in self.insurers()), default=0.0)

    # Memory ---------------------------------------------------------------------------------------------------------

    def bytes_for(self, standing: Standing, rows: int) -> int:
        """Memory that a fit on so many rows, or on its sample of them, is expected to take."""
        if standing.candidate.most_rows is not None:
            rows = min(rows, standing.candidate.most_rows)
        return expected_bytes(standing, self.data, tried=len(self.learn), rows=rows)

    def too_large(self, standing: Standing, rows: int) -> str:
        """Why a fit on so many rows is not begun for want of memory; empty if it can be."""
        limit, needed = self.executor.memory_limit, self.bytes_for(standing, rows)
        if limit is None or needed <= limit:
            return ""
        self.refused_bytes = min(self.refused_bytes, needed)
        return (
            f"a fit on {rows:,} rows would take about {needed / 2**20:,.0f} MB, and all fits together may take "
            f"{limit / 2**20:,.0f} MB"
        )

    def refit_seconds(self) -> float:
        """Time to keep for choosing the champion, and for fitting its parts on all rows."""
        if not self.plan.timed:
            return 0.0
        each = [self.seconds_to_refit(one) for one in self._parts()]
        needed = max(max(each, default=0.0), sum(each) / self.executor.workers)
        predicted = sum(len(self.data.pairs[fold][1]) for fold in self.planned)
        choosing = _CHOOSING_SECONDS * min(predicted, _MOST_CHOSEN_BY)
        return 1.25 * needed + choosing + min(_SPARE_SHARE * self.total, _SPARE_SECONDS)

    def _parts(self) -> list[Standing]:
        """The parts that the champion would have now; before any, what leads the race."""
        parts = [one for one in self.done if one.candidate.name in self.weights]
        if parts:
            return parts
        ran = [one for one in self.standings if one.race is not None and not one.failed]
        return sorted(ran, key=lambda one: one.race_loss)[:1]

    def note_preparation(self, job: Job, outcome: Fit | Failure) -> None:
        """Remember what preparing rows takes, which a fit on all rows does anew."""
        if isinstance(outcome, Fit):
            view = job.standing.candidate.view
            self._prepare_seconds[view] = max(self._prepare_seconds.get(view, 0.0), outcome.prepare_seconds)

    # Telling --------------------------------------------------------------------------------------------------------

    def decide(self, text: str) -> None:
        """Write down a decision for the search as a whole."""
        self.decisions.append(text)

    def _tell(self, jobs: list[Job]) -> None:
        doing = "; ".join(f"{job.part} of {job.standing.candidate.name}" for job in jobs)
        best = ""
        leader = next(iter(self.leaders()), None)
        if leader is not None:
            best = f"; best {self.data.metric} {abs(leader.value(self.data, self.folds)):.4g} ({leader.candidate.name})"
        fraction = None
        if self.plan.timed and self.total > 0:
            fraction = min(1.0, max(0.0, (self.clock() - self.started) / self.total))
        self._report(f"{'asked to stop; ' if self.stopped_early else ''}{doing}{best}", fraction)
        if not self.stopped_early and self._asked_to_stop():
            raise AskedToStopError


def _planned_folds(data: TrainingData) -> tuple[int, ...]:
    """All folds; of very many rows one, because more would tell little and cost the time of other candidates."""
    places = tuple(range(len(data.pairs)))
    if data.rows < HOLDOUT_ROWS:
        return places
    # With folds in time, the last one is learned from the most rows.
    return places[-1:] if data.time_order is not None else places[:1]
