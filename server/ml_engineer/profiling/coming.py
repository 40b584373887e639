"""Task types that have a name and no way yet, each with what to do until then."""

from __future__ import annotations

from typing import Final

from ml_engineer.errors import UnsupportedTaskError
from ml_engineer.vocabulary.problem import SUPPORTED_TASKS, TaskType

__all__ = ["refuse_coming"]

_COMING: Final[dict[TaskType, str]] = {
    "multilabel": "frame one label at a time as a binary task",
}


def refuse_coming(task_type: TaskType | None) -> None:
    """Refuse a task type that has not landed.

    Raises
    ------
    UnsupportedTaskError
        Saying how the question can be framed until then.
    """
    if task_type in _COMING:
        raise UnsupportedTaskError(
            f"The task type {task_type!r} has not landed yet",
            found=f"whole today: {', '.join(sorted(SUPPORTED_TASKS))}",
            remedy=f"Until then, {_COMING[task_type]}",
        )
