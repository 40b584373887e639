"""What can go wrong, as far as a caller can act on it.

::

    MlEngineerError
    ├── InputError               an argument, path or value that cannot be used as given
    │   ├── SourceError          a file, folder or query that cannot be read as a table
    │   ├── DefinitionError      problem.yaml does not hold a valid problem (names line and key)
    │   └── UnsupportedTaskError a task type that does not fit the data
    ├── ProjectStateError        a record is missing, stale or was changed by hand
    │   └── BusyError            another job is writing this project
    ├── SealError                the vault, the ledger or the deal does not add up
    ├── RefusedError             a guardrail refuses; carries the findings that block
    ├── UserCodeError            features.py or candidates.py of the project raised or gave the wrong thing
    ├── MissingExtraError        an optional part is not installed (names the command)
    ├── JobCancelledError        somebody asked the job to stop
    ├── JobLostError             the job's process died without a word; the job can be resumed
    └── JobFailedError           a defect of ours ended the job; names the log

Every error says what is wrong, what was found and what to do next. Expected absence is a value,
not an error. Anything that is not an `MlEngineerError` is a defect: doors log it and say
"internal error, see LOG".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_engineer.vocabulary.guardrails import Finding

__all__ = [
    "BusyError",
    "DefinitionError",
    "InputError",
    "JobCancelledError",
    "JobFailedError",
    "JobLostError",
    "MissingExtraError",
    "MlEngineerError",
    "ProjectStateError",
    "RefusedError",
    "SealError",
    "SourceError",
    "UnsupportedTaskError",
    "UserCodeError",
]


class MlEngineerError(Exception):
    """Base of all errors that a caller can act on.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence without its full stop.
    found : str
        What was found instead, with the name, value or file concerned; empty if `problem` says it.
    remedy : str
        What to do next: an argument to pass, a file to edit, a command to run.
    """

    def __init__(self, problem: str, *, found: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.found = found
        self.remedy = remedy
        super().__init__(problem, found, remedy)

    def __str__(self) -> str:
        return " ".join(f"{part.rstrip('.')}." for part in (self.problem, self.found, self.remedy) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.found, self.remedy)


def _rebuild(kind: type[MlEngineerError], problem: str, found: str, remedy: str) -> MlEngineerError:
    return kind(problem, found=found, remedy=remedy)


class InputError(MlEngineerError):
    """An argument, path or value cannot be used as given."""


class SourceError(InputError):
    """A file, folder or query cannot be read as a table."""


class DefinitionError(InputError):
    """problem.yaml does not hold a valid problem; the text names line and key."""


class UnsupportedTaskError(InputError):
    """The task type does not fit the data."""


class ProjectStateError(MlEngineerError):
    """A record of the project is missing, stale or was changed by hand."""


class BusyError(ProjectStateError):
    """Another job is writing this project."""


class SealError(MlEngineerError):
    """The vault, the ledger or the deal does not add up."""


class RefusedError(MlEngineerError):
    """A guardrail refuses.

    Parameters
    ----------
    problem, found, remedy : str
        As in `MlEngineerError`.
    findings : tuple of Finding
        The findings that block.
    """

    def __init__(self, problem: str, *, found: str = "", remedy: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(problem, found=found, remedy=remedy)
        self.findings = findings


class UserCodeError(MlEngineerError):
    """features.py or candidates.py of the project raised, or returned something unusable."""


class MissingExtraError(MlEngineerError):
    """An optional part of the product is not installed."""


class JobCancelledError(MlEngineerError):
    """Somebody asked the job to stop."""


class JobLostError(MlEngineerError):
    """The job's process died without a word (killed, out of memory, machine switched off)."""


class JobFailedError(MlEngineerError):
    """A defect of ours ended the job; the traceback is in its log."""
