"""What a training may use: workers, memory, and the part of its time that goes to data checks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from ml_engineer.independent_fits import Executor
from ml_engineer.modelling.executors import ENGINE, make_executor
from ml_engineer.threads import available_cores
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import TrainRequest

__all__ = ["has_time_to_check", "most_workers", "workers_of"]

_MOST_WORKERS: Final = 8
_CHECKING_SHARE, _CHECKING_SECONDS = 0.3, 8.0
"""Of the time, for reading and checking; but at least so many seconds, because a leak makes the rest worthless."""


def most_workers() -> int:
    """Fits at a time on this machine."""
    return min(available_cores(), _MOST_WORKERS)


def workers_of(request: TrainRequest, *, imports: Sequence[str] = ENGINE) -> AbstractContextManager[Executor]:
    """Whoever does the fits of a training, as it was asked for.

    It is begun before the rows are read: what fits import is loaded while they are read and checked.

    Parameters
    ----------
    request : TrainRequest
        Says where fits are done and what memory they may take.
    imports : sequence of str
        Modules that all fits need.
    """
    memory = None if request.memory_limit_mb is None else request.memory_limit_mb * 2**20
    return make_executor(workers=most_workers(), memory_limit=memory, address=request.executor, imports=imports)


def has_time_to_check(request: TrainRequest, context: WorkContext) -> bool:
    """Whether checks that fit models and cannot block still leave most of the time to the search."""
    share = max(_CHECKING_SHARE * request.budget_seconds, _CHECKING_SECONDS)
    return bool(request.budget_evaluations) or context.clock() < context.started + share
