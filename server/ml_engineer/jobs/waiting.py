"""Watching a job: each change once, and a wait that is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable

from ml_engineer.jobs.store import JobStore
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job

__all__ = ["POLL_SECONDS", "JobWatch", "wait_for_job"]

POLL_SECONDS = 0.05
"""How often a watcher looks; one look costs reading a file of half a kilobyte."""


class JobWatch:
    """One watcher's memory of a job: tells a change from what was seen before.

    Parameters
    ----------
    store : JobStore
        Where jobs are kept.
    job_id : str
        The job to watch.
    """

    def __init__(self, store: JobStore, job_id: str) -> None:
        self._store = store
        self._job_id = job_id
        self._seen: Job | None = None

    def look(self) -> tuple[Job, bool]:
        """The job now, and whether anything a person would see has changed since the last look."""
        job = self._store.load(self._job_id)
        changed = self._seen is None or _visible(job) != _visible(self._seen)
        self._seen = job
        return job, changed


def _visible(job: Job) -> tuple[object, ...]:
    return job.state, job.message, job.fraction_done


def wait_for_job(
    store: JobStore,
    job_id: str,
    *,
    seconds: float | None = None,
    on_change: Callable[[Job], None] | None = None,
) -> Job:
    """Wait until the job has ended or `seconds` have passed; the job goes on either way.

    Parameters
    ----------
    store : JobStore
        Where jobs are kept.
    job_id : str
        The job.
    seconds : float, optional
        How long to wait at most; by default until it ends.
    on_change : callable, optional
        Called with the job at first, and after each change of state, message or fraction.
    """
    watch = JobWatch(store, job_id)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        job, changed = watch.look()
        if changed and on_change is not None:
            on_change(job)
        if job.state in TERMINAL_STATES:
            return job
        left = POLL_SECONDS if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return job
        time.sleep(min(POLL_SECONDS, left))
