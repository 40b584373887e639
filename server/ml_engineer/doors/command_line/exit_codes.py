"""What the command line's exit status says."""

from __future__ import annotations

from enum import IntEnum

from ml_engineer.errors import (
    BusyError,
    JobCancelledError,
    JobFailedError,
    JobLostError,
    MlEngineerError,
    RefusedError,
)
from ml_engineer.vocabulary.replies import Reply

__all__ = ["MEANING", "ExitCode", "code_of_error", "code_of_reply"]


class ExitCode(IntEnum):
    """Exit status of ``ml-engineer``."""

    DONE = 0
    INTERNAL_ERROR = 1
    BAD_INPUT = 2
    BLOCKED = 3
    CANCELLED = 4
    BUSY = 5


MEANING: dict[ExitCode, str] = {
    ExitCode.DONE: "done, or at work in the background after --detach",
    ExitCode.INTERNAL_ERROR: "an internal error, or the job's process died; the message names the log",
    ExitCode.BAD_INPUT: "bad usage or input, a record or a part of the installation is missing; the message says how to mend it",
    ExitCode.BLOCKED: "a guardrail blocks: training or promotion was refused, or the verdict is 'block', 'invalid' or 'differs'",
    ExitCode.CANCELLED: "the job was cancelled (Ctrl-C, or by another client) with nothing to keep",
    ExitCode.BUSY: "another job is writing the project",
}


def code_of_reply(reply: Reply) -> ExitCode:
    """Exit status for a reply: a refusal or a blocking verdict must stop a CI job."""
    if reply.status == "refused" or getattr(reply, "verdict", None) in {"block", "invalid", "differs"}:
        return ExitCode.BLOCKED
    return ExitCode.DONE


def code_of_error(error: MlEngineerError) -> ExitCode:
    """Exit status for an error that a caller can act on."""
    match error:
        case BusyError():
            return ExitCode.BUSY
        case JobCancelledError():
            return ExitCode.CANCELLED
        case JobLostError() | JobFailedError():
            return ExitCode.INTERNAL_ERROR
        case RefusedError():
            return ExitCode.BLOCKED
        case _:
            return ExitCode.BAD_INPUT
