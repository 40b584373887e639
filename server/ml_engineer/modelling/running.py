"""Keeps the workers busy with fits until a moment, and tells how each ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.fits import Clock, Failure, Fit, FitTask, Journal, journal_key
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData

__all__ = ["Job", "Runner"]

_LOOKED_AT_EVERY = 0.2


@dataclass(frozen=True)
class Job:
    """A fit that the search wants.

    Parameters
    ----------
    standing : Standing
        Whose fit it is.
    part : str
        What of it: 'race', 'fold 3', 'all rows'.
    task : FitTask
        The work.
    seconds : float
        After so long it is stopped, where it can be.
    kept : bool
        Whether its result goes into the journal.
    memory : int
        Bytes that it is expected to take; it waits for others if all together would take too much.
    """

    standing: Standing
    part: str
    task: FitTask
    seconds: float = float("inf")
    kept: bool = True
    memory: int = 0


class Runner:
    """Runs jobs on an executor.

    Parameters
    ----------
    executor : Executor
        Who does the fits.
    data : TrainingData
        What the journal's keys depend on.
    journal : Journal
        Finished fits, which are not done again.
    clock : callable
        Monotonic seconds.
    tell : callable
        Called with the jobs that run, several times a second; may raise `JobCancelledError`.
    most_fits : int, optional
        A budget of fits; counts also those that the journal had, and those that a failed candidate is spared.
    """

    def __init__(
        self,
        executor: Executor,
        data: TrainingData,
        *,
        journal: Journal,
        clock: Clock,
        tell: Callable[[list[Job]], None],
        most_fits: int | None = None,
    ) -> None:
        self._executor = executor
        self._data = data
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self.fits_left = float("inf") if most_fits is None else most_fits
        self.longest: tuple[float, str] = (0.0, "")

    def run(
        self,
        jobs: Iterable[Job],
        *,
        until: float | Callable[[], float],
        ended: Callable[[Job, Fit | Failure], None],
    ) -> None:
        """Run jobs, in their order, until they or the time are out; jobs are asked for only when a worker is free.

        Parameters
        ----------
        jobs : iterable of Job
            May decide at each step, from what has ended so far.
        until : float or callable
            Reading of the clock after which no job begins, and at which running ones are stopped where they can be; a
            callable is asked again and again, because what has ended may change what must be kept for later.
        ended : callable
            ``ended(job, outcome)``, once per job.
        """
        end = until if callable(until) else lambda: until
        waiting = iter(jobs)
        running: dict[int, tuple[Job, float, float]] = {}
        try:
            while True:
                waiting = self._fill(running, waiting, end, ended)
                if not running:
                    return
                self._tell([job for job, _, _ in running.values()])
                for ticket, outcome in self._executor.wait(_LOOKED_AT_EVERY):
                    self._end(running, ticket, outcome, ended)
                self._stop_overdue(running, end, ended)
        finally:
            for ticket in running:
                self._executor.stop(ticket)

    def _fill(
        self,
        running: dict[int, tuple[Job, float, float]],
        waiting: Iterator[Job],
        end: Callable[[], float],
        ended: Callable[[Job, Fit | Failure], None],
    ) -> Iterator[Job]:
        """Begin jobs while workers are free; gives those that are still waiting."""
        while len(running) < self._executor.workers and self._clock() < end() and self.fits_left > 0:
            job = next(waiting, None)
            if job is None:
                break
            if running and job.memory + sum(one.memory for one, _, _ in running.values()) > self._most_memory:
                return chain([job], waiting)
            self.fits_left -= 1
            if job.standing.failed:
                continue  # counted all the same: with more workers it would have begun before the others failed
            kept = self._journal.find(self._key(job)) if job.kept else None
            if kept is not None:
                ended(job, Fit.from_arrays(kept))
                continue
            now = self._clock()
            running[self._executor.submit(job.task)] = (job, now, now + job.seconds)
        return waiting

    @property
    def _most_memory(self) -> float:
        # Workers elsewhere each have a limit of their own, and fits are dealt out by somebody else.
        limit = self._executor.memory_limit
        return float("inf") if limit is None or self._executor.is_remote else limit

    def _end(
        self,
        running: dict[int, tuple[Job, float, float]],
        ticket: int,
        outcome: Fit | Failure,
        ended: Callable[[Job, Fit | Failure], None],
    ) -> None:
        job, started, _ = running.pop(ticket)
        self.longest = max(self.longest, (self._clock() - started, job.standing.candidate.name))
        if isinstance(outcome, Fit) and job.kept:
            self._journal.keep(self._key(job), outcome.arrays())
        ended(job, outcome)

    def _stop_overdue(
        self,
        running: dict[int, tuple[Job, float, float]],
        end: Callable[[], float],
        ended: Callable[[Job, Fit | Failure], None],
    ) -> None:
        if not self._executor.can_stop:
            return
        now, until = self._clock(), end()
        for ticket, (job, started, stop_at) in list(running.items()):
            if now < min(stop_at, until):
                continue
            self._executor.stop(ticket)
            del running[ticket]
            why = f"stopped after {now - started:.3g} s" + (", when the time was out" if now >= until else "")
            ended(job, Failure(f"{job.part}: {why}", out_of_time=True))

    def _key(self, job: Job) -> str:
        return journal_key(self._data, job.standing.candidate, job.part)
