"""Ending a job that somebody no longer wants."""

from __future__ import annotations

from ml_engineer.jobs.processes import end_family
from ml_engineer.jobs.store import JobStore, now
from ml_engineer.jobs.waiting import wait_for_job
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job

__all__ = ["cancel_job"]

_GRACE_SECONDS = 3.0
"""Time for the child to tidy up before it is killed."""
_PATIENCE_SECONDS = 30.0


def cancel_job(
    store: JobStore,
    job_id: str,
    *,
    grace_seconds: float = _GRACE_SECONDS,
    patience_seconds: float | None = _PATIENCE_SECONDS,
) -> Job:
    """Stop a job with everything it started; one that has already ended stays as it is.

    A job that has something to keep is asked to end with the best so far, and is done then. Cancelled once more before
    that, it is ended like any other: its journal is kept, so it can be resumed.

    Parameters
    ----------
    store : JobStore
        Where jobs are kept.
    job_id : str
        The job.
    grace_seconds : float
        Time to tidy up before it is killed.
    patience_seconds : float, optional
        How long to wait for the best so far; None waits until it is there. The job goes on to it either way.

    Raises
    ------
    InputError
        If there is no such job.
    """
    job = store.load(job_id)
    if job.state in TERMINAL_STATES or job.pid is None or job.process_started is None:
        return job
    if job.keeps_best and not store.stop_mark(job_id).exists():
        store.stop_mark(job_id).touch()
        return wait_for_job(store, job_id, seconds=patience_seconds)
    store.cancel_mark(job_id).touch()
    end_family(job.pid, job.process_started, grace_seconds=grace_seconds)
    job = store.read(job_id)
    if job.state in TERMINAL_STATES:
        return job
    cancelled = job.model_copy(update={"state": "cancelled", "message": "cancelled", "updated_at": now()})
    store.save(cancelled)
    return cancelled
