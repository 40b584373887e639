"""Telling where a job stands, seldom enough to cost nothing and soon enough to be read."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress

from ml_engineer.errors import JobCancelledError, ProjectStateError
from ml_engineer.jobs.store import JobStore, now
from ml_engineer.vocabulary.jobs import Job, JobState

__all__ = ["Progress"]

_INTERVAL_SECONDS = 0.2
_LONGEST_MESSAGE = 300


class Progress:
    """The child's pen: the only writer of a running job's state.

    A message that comes too soon after the last is kept and written when its time has come, so the
    last word before a long silence is always seen.

    Parameters
    ----------
    store : JobStore
        Where jobs are kept.
    job : Job
        The job as it was started.
    interval_seconds : float
        Least time between two writings.
    """

    def __init__(self, store: JobStore, job: Job, *, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._store = store
        self._job = job
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._written = -math.inf
        self._timer: threading.Timer | None = None

    def report(self, message: str, fraction: float | None = None) -> None:
        """Tell what is happening, and how much of the whole is done (0 to 1) if that is known.

        Raises
        ------
        JobCancelledError
            If somebody asked the job to stop.
        """
        if self._store.cancel_mark(self._job.job_id).exists():
            raise JobCancelledError("The job was cancelled")
        known = fraction is not None and math.isfinite(fraction)
        update = {
            "state": "running",
            "message": _one_line(message),
            "fraction_done": min(max(float(fraction or 0.0), 0.0), 1.0) if known else None,
            "updated_at": now(),
        }
        with self._lock:
            self._job = self._job.model_copy(update=update)
            wait = self._written + self._interval - time.monotonic()
            if wait <= 0:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._write_late)
                self._timer.daemon = True
                self._timer.start()

    def keep_best(self) -> None:
        """Tell that there is something to keep, should somebody cancel the job."""
        with self._lock:
            self._job = self._job.model_copy(update={"keeps_best": True})
            self._write()

    def asked_to_stop(self) -> bool:
        """Whether somebody cancelled the job and waits for the best so far."""
        return self._store.stop_mark(self._job.job_id).exists()

    def close(self, state: JobState, message: str) -> None:
        """Write the last word."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            update: dict[str, object] = {"state": state, "message": _one_line(message), "updated_at": now()}
            if state == "done":
                update["fraction_done"] = 1.0
            self._job = self._job.model_copy(update=update)
            self._store.save(self._job)
            self._written = math.inf

    def _write_late(self) -> None:
        with self._lock:
            self._timer = None
            if self._written != math.inf:
                self._write()

    def _write(self) -> None:
        # Progress is not worth a job: a full disk is reported by the work itself, where it matters.
        with suppress(ProjectStateError):
            self._store.save(self._job)
        self._written = time.monotonic()


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"
