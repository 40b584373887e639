"""The disk that ended jobs and old training runs hold."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import Field

from ml_engineer.errors import ProjectStateError
from ml_engineer.jobs.store import JobStore
from ml_engineer.project.approvals import load_approvals
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.vocabulary.jobs import TERMINAL_STATES
from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["DiskUse", "find_disk_use", "free_disk"]

_RESUMABLE = frozenset({"lost", "cancelled", "failed"})
_DAY_SECONDS = 86_400.0


class DiskUse(Record):
    """One folder that could be removed."""

    kind: Literal["job", "training_run"] = Field(description="What it belongs to.")
    name: str = Field(description="Id of the job or of the training run.")
    about: str = Field(description="What it was, in a few words.")
    path: str = Field(description="The folder, absolute.")
    size_bytes: int = Field(ge=0, description="What its files hold.")


def find_disk_use(
    store: JobStore,
    *,
    project_dir: str | None = None,
    older_than_days: float = 0.0,
    include_resumable: bool = False,
) -> tuple[DiskUse, ...]:
    """What could be freed.

    Parameters
    ----------
    store : JobStore
        The jobs; those at work are never listed.
    project_dir : str, optional
        A project whose training runs and tracked models are listed too, except those of the champion and of models
        that were promoted; none while a job is at work on it.
    older_than_days : float
        Least age of the folder's last change.
    include_resumable : bool
        Whether lost, cancelled and failed jobs are listed, which could still be resumed.
    """
    newest = time.time() - older_than_days * _DAY_SECONDS
    found = [*_ended_jobs(store, include_resumable=include_resumable)]
    if project_dir is not None:
        layout = ProjectLayout(Path(project_dir).absolute())
        at_work = any(
            job.project_dir == str(layout.root) for job in store.recent(limit=100) if job.state not in TERMINAL_STATES
        )
        found += [] if at_work else [*_old_runs(layout), *_old_models(layout)]
    return tuple(use for use in found if Path(use.path).stat().st_mtime <= newest)


def _ended_jobs(store: JobStore, *, include_resumable: bool) -> Iterator[DiskUse]:
    for job in store.recent(limit=100_000):
        if job.state in TERMINAL_STATES and (include_resumable or job.state not in _RESUMABLE):
            yield _use("job", store.folder(job.job_id), f"{job.verb}, {job.state}, {job.created_at[:16]}")


def _old_runs(layout: ProjectLayout) -> Iterator[DiskUse]:
    kept = {_champion_run(layout), *_promoted_runs(layout)}
    runs = layout.run_dir("x").parent
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if folder.is_dir() and folder.name not in kept:
            yield _use("training_run", folder, f"run of {layout.root}")


def _old_models(layout: ProjectLayout) -> Iterator[DiskUse]:
    """What MLflow keeps of runs that are neither the champion's nor were promoted: artefacts and models."""
    champion = find_record(layout, TrainingRun)
    if champion is None or not layout.tracking_artifacts.is_dir():
        return
    models = layout.tracking_artifacts / "models"
    kept = {champion.mlflow_run_id, *_tracked_runs(layout, _promoted_runs(layout))}
    for folder in sorted(layout.tracking_artifacts.iterdir()):
        if folder.is_dir() and folder != models and folder.name not in kept:
            yield _use("training_run", folder, f"tracked files of a run of {layout.root}")
    for folder in sorted(models.iterdir()) if models.is_dir() else ():
        description = folder / "artifacts" / "MLmodel"
        with suppress(FileNotFoundError):
            text = description.read_text(encoding="utf-8")
            if not any(f"run_id: {run}" in text for run in kept):
                yield _use("training_run", folder, f"tracked model of a run of {layout.root}")


def _promoted_runs(layout: ProjectLayout) -> set[str]:
    """Runs that were put into use, which one may want to go back to."""
    return {approval.run_id for approval in load_approvals(layout)}


def _tracked_runs(layout: ProjectLayout, runs: Iterable[str]) -> Iterator[str]:
    """What MLflow calls these runs."""
    for run_id in runs:
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads((layout.run_dir(run_id) / "record.json").read_text(encoding="utf-8"))
            yield str(record["mlflow_run_id"])


def _champion_run(layout: ProjectLayout) -> str | None:
    """The run that the champion came from.

    Raises
    ------
    ProjectStateError
        If the champion's manifest cannot be read: then nobody can say which run to keep.
    """
    try:
        return str(json.loads(layout.champion_manifest.read_text(encoding="utf-8"))["run_id"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectStateError(
            f"{layout.champion_manifest} cannot be read, so the champion's run is not known",
            found=str(error)[:200],
            remedy="Call train again, or clean without --project-dir",
        ) from error


def _use(kind: Literal["job", "training_run"], folder: Path, about: str) -> DiskUse:
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            size += path.lstat().st_size if not path.is_dir() else 0
    return DiskUse(kind=kind, name=folder.name, about=about, path=str(folder), size_bytes=size)


def free_disk(store: JobStore, uses: Iterable[DiskUse]) -> tuple[DiskUse, ...]:
    """Remove the folders; gives those that were removed. A job that was resumed meanwhile stays."""
    return tuple(use for use in uses if (_free_job(store, use.name) if use.kind == "job" else _remove(Path(use.path))))


def _free_job(store: JobStore, job_id: str) -> bool:
    try:
        with FileLock(store.lock(job_id), timeout=0):
            return store.load(job_id).state in TERMINAL_STATES and _remove(store.folder(job_id))
    except Timeout:
        return False


def _remove(folder: Path) -> bool:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ProjectStateError(
            f"Cannot remove {folder}", found=error.strerror or str(error), remedy="Make it writable, then clean again"
        ) from error
    return True
