"""Background work."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.records import Fraction, Record

__all__ = ["TERMINAL_STATES", "Job", "JobState"]

JobState = Literal["starting", "running", "done", "refused", "failed", "cancelled", "lost"]
TERMINAL_STATES: frozenset[JobState] = frozenset({"done", "refused", "failed", "cancelled", "lost"})


class Job(Record):
    """A verb at work in a process of its own, as its state file tells it."""

    job_id: str = Field(description="Name of the job.")
    verb: str = Field(description="What it does.")
    project_dir: str = Field(default="", description="Project it writes, absolute; empty if none.")
    state: JobState = Field(description="Where it stands; 'lost' means that its process died without a word.")
    message: str = Field(default="", description="What it is doing, or how it ended.")
    fraction_done: Fraction | None = Field(default=None, description="Progress, if known.")
    created_at: str = Field(description="Time, ISO 8601 UTC.")
    updated_at: str = Field(description="Time of the last change, ISO 8601 UTC.")
    pid: int | None = Field(default=None, description="Process id of the child.")
    process_started: float | None = Field(
        default=None, description="Start time of that process, seconds since the epoch: tells a reused pid."
    )
    attempts: int = Field(default=1, ge=1, description="How often it was started; more than 1 after a resume.")
    keeps_best: bool = Field(
        default=False, description="Whether it has something to keep: cancelling then ends it with the best so far."
    )
    log_path: str = Field(default="", description="File with everything the child printed.")
