"""Ending a job that somebody no longer wants."""

from __future__ import annotations

from ml_engineer.jobs.processes import end_family
from ml_engineer.jobs.store import JobStore, now
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job

__all__ = ["cancel_job"]

_GRACE_SECONDS = 3.0
"""Time for the child to tidy up before it is killed."""


def cancel_job(store: JobStore, job_id: str, *, grace_seconds: float = _GRACE_SECONDS) -> Job:
    """Stop a job with everything it started; one that has already ended stays as it is.

    Its journal is kept, so it can be resumed.

    Raises
    ------
    InputError
        If there is no such job.
    """
    job = store.load(job_id)
    if job.state in TERMINAL_STATES or job.pid is None or job.process_started is None:
        return job
    store.cancel_mark(job_id).touch()
    end_family(job.pid, job.process_started, grace_seconds=grace_seconds)
    job = store.read(job_id)
    if job.state in TERMINAL_STATES:
        return job
    cancelled = job.model_copy(update={"state": "cancelled", "message": "cancelled", "updated_at": now()})
    store.save(cancelled)
    return cancelled
