"""What a verb is handed besides its request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["WorkContext"]


def _silent(message: str, fraction: float | None = None) -> None:
    """Report to nobody."""


def _nothing() -> None:
    """Nobody can cancel."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class WorkContext:
    """The job a verb runs in.

    Parameters
    ----------
    job_id : str
        Name of the job.
    journal_dir : pathlib.Path
        Folder for finished pieces of work; the same folder is handed over when a killed job resumes.
    report : callable
        ``report(message, fraction)`` tells progress; raises `JobCancelledError` if the job was cancelled.
    clock : callable
        Monotonic seconds; the only clock that time budgets are measured by.
    started : float
        Reading of `clock` when the child was ready.
    keep_best : callable
        Tells that there is something to keep: a first cancel then asks for it instead of ending the job.
    asked_to_stop : callable
        Whether somebody cancelled the job after that and waits for the best so far.
    """

    job_id: str
    journal_dir: Path
    report: Callable[[str, float | None], None] = _silent
    clock: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)
    keep_best: Callable[[], None] = _nothing
    asked_to_stop: Callable[[], bool] = _never
