"""A desk for each test: a workspace of its own, the practice verbs, nothing left running."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml_engineer.doors.desk import Desk
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.waiting import wait_for_job
from ml_engineer.project.workspace import Workspace
from ml_engineer.vocabulary.jobs import Job
from practice_verbs import PACKAGE, VERBS

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The folder in which a client works."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk for the practice verbs."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    here = Workspace(workspace, "the test")
    desk = Desk(here, here, JobStore(tmp_path / "state" / "jobs"), VERBS, PACKAGE)
    yield desk
    for job in desk.store.recent(100):
        cancel_job(desk.store, job.job_id, grace_seconds=0.2)


@pytest.fixture
def only_job(desk: Desk) -> Callable[..., Job]:
    """The one job of the desk, once it has a message or an end."""

    class SeenError(Exception):
        """The message was there."""

    def _only_job(message: str | None = None) -> Job:
        (job,) = desk.store.recent(5)

        def look(now: Job) -> None:
            if message is not None and message in now.message:
                raise SeenError

        try:
            return wait_for_job(desk.store, job.job_id, seconds=30, on_change=look)
        except SeenError:
            return desk.store.read(job.job_id)

    return _only_job
