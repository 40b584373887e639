"""What a verb is handed besides its request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["WorkContext"]


def _silent(message: str, fraction: float | None = None) -> None:
    """Report to nobody."""


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
    """

    job_id: str
    journal_dir: Path
    report: Callable[[str, float | None], None] = _silent
    clock: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)
