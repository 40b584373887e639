"""Whether a request asks for a task that predicts nothing; light, because every framing asks."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.errors import InputError
from ml_engineer.project.earlier import recall
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.problem import WITHOUT_TARGET, TaskType
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["task_without_target"]


def task_without_target(request: FrameProblemRequest) -> TaskType | None:
    """The task that is asked for, or was before, if it is one that predicts nothing.

    Raises
    ------
    InputError
        If no column to predict is named, and none of these tasks; or if an argument of theirs is given for another one.
    """
    task = request.task_type
    if task is None:
        before = recall(ProjectLayout(Path(request.project_dir)), target=request.target).arguments.get("task_type")
        task = before if before in WITHOUT_TARGET else None
    if task in WITHOUT_TARGET:
        return task
    if not request.target:
        raise InputError(
            "No column to predict is named",
            remedy="Name a target (in a libsvm file it is called 'target'); only task_type='clustering' and task_type='anomaly_detection' do without",
        )
    for name in ("clusters", "expected_fraction"):
        if getattr(request, name) is not None:
            wanted = "clustering" if name == "clusters" else "anomaly_detection"
            raise InputError(
                f"{name} is for {wanted}", found=f"the target is {request.target!r}", remedy=f"Leave {name} out"
            )
    return None
