"""Arguments of `train` that only the search over rows with a target can honour, refused where there is none."""

from __future__ import annotations

from typing import Final

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import TaskType
from ml_engineer.vocabulary.requests import TrainRequest

__all__ = ["refuse_unfit_arguments"]

_TOLD: Final = {
    "trial": (
        "judges features by what they help to predict from rows",
        "Train with and without the idea, and compare the reports",
    ),
    "text_model": (
        "gives vectors of running text to models that learn a target from rows, and these models read no text",
        "Leave it out",
    ),
    "foundation_model": (
        "is a model that learns a target from rows, which these do otherwise",
        "Leave it out",
    ),
    "price_milliseconds": (
        "chooses by the time that a row's prediction takes, which is not what sets these models apart",
        "Leave it out; champion='simplest-within-noise' takes the simplest model",
    ),
}


def refuse_unfit_arguments(request: TrainRequest, task: TaskType) -> None:
    """Refuse what forecasting, clustering and anomaly detection would otherwise ignore without a word.

    Raises
    ------
    InputError
        If such an argument differs from its default.
    """
    for name, (why, remedy) in _TOLD.items():
        given = getattr(request, name)
        if given != TrainRequest.model_fields[name].default:
            raise InputError(f"{name} is not there for {task}", found=f"{name}={given!r}: it {why}", remedy=remedy)
