"""Arguments of `train` that only the search over rows with a target can honour, refused where there is none."""

from __future__ import annotations

from typing import Final

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import WITHOUT_TARGET, TaskType
from ml_engineer.vocabulary.requests import TrainRequest

__all__ = ["refuse_unfit_arguments"]

_TOLD: Final = {
    "trial": (
        "judges features by what they help to predict from rows",
        "Train with and without the idea, and compare the reports",
    ),
    "price_milliseconds": (
        "chooses by the time that a row's prediction takes, which is not what sets these models apart",
        "Leave it out; champion='simplest-within-noise' takes the simplest model",
    ),
}
_TOLD_WITHOUT_TARGET: Final = {
    "executor": ("sends single fits to a cluster, and here fits are short and run in this process", "Leave it out"),
    "memory_limit_mb": (
        "is kept by measuring fits in processes of their own, and here fits run one after the other in this process",
        "Leave it out, or bound the whole process (ulimit -v, or the container's memory)",
    ),
}


def refuse_unfit_arguments(request: TrainRequest, task: TaskType) -> None:
    """Refuse what forecasting, clustering and anomaly detection would otherwise ignore without a word.

    Raises
    ------
    InputError
        If such an argument differs from its default.
    """
    told = _TOLD | _TOLD_WITHOUT_TARGET if task in WITHOUT_TARGET else _TOLD
    for name, (why, remedy) in told.items():
        given = getattr(request, name)
        if given != TrainRequest.model_fields[name].default:
            raise InputError(f"{name} is not there for {task}", found=f"{name}={given!r}: it {why}", remedy=remedy)
