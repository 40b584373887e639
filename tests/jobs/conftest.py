"""Jobs on the practice verb, each test with a store of its own, nothing left running."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.starting import start_job
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.waiting import wait_for_job
from ml_engineer.vocabulary.jobs import Job
from practice_verbs import PACKAGE, VERBS, PractiseRequest

TESTS = Path(__file__).resolve().parents[1]
Start = Callable[..., Job]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStore]:
    """A store whose children can import the practice verbs; what still runs at the end is cancelled."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    store = JobStore(tmp_path / "jobs")
    yield store
    for job in store.recent(100):
        cancel_job(store, job.job_id, grace_seconds=0.2)


@pytest.fixture
def start(store: JobStore, tmp_path: Path) -> Start:
    """Start the practice verb: ``start("wait")``."""

    def _start(action: str = "answer", **options: object) -> Job:
        project = options.pop("project", tmp_path / "ml")
        verb = VERBS[options.pop("verb", "practise")]
        request = PractiseRequest(project_dir=str(project), action=action)
        return start_job(store, verb, request=request, folder=tmp_path, package=PACKAGE, **options)

    return _start


@pytest.fixture
def until(store: JobStore) -> Callable[..., Job]:
    """Wait, at most 30 s, until a job has a message or an end."""

    class SeenError(Exception):
        """The message was there."""

    def _until(job: Job, message: str | None = None) -> Job:
        def look(now: Job) -> None:
            if message is not None and message in now.message:
                raise SeenError

        try:
            ended = wait_for_job(store, job.job_id, seconds=30, on_change=look)
        except SeenError:
            return store.read(job.job_id)
        assert message is None, f"never said {message!r}: {ended}"
        assert ended.state not in ("starting", "running"), ended
        return ended

    return _until
