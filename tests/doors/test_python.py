"""The Python door: replies when the work is done or a guardrail refuses, errors otherwise."""

from __future__ import annotations

import pytest

import ml_engineer as mle
from ml_engineer.doors import python
from ml_engineer.errors import BusyError, InputError, JobFailedError
from ml_engineer.jobs.waiting import wait_for_job
from practice_verbs import PractiseReply


@pytest.fixture
def practise(desk, monkeypatch):
    """Call the practice verb through the function that all verbs go through."""
    monkeypatch.setattr(python, "person_desk", lambda: desk)

    def _practise(action, wait_seconds=None, on_progress=None):
        return python._perform("practise", PractiseReply, wait_seconds, on_progress, project_dir="ml", action=action)

    return _practise


def test_a_finished_verb_gives_its_reply_and_tells_progress(practise):
    seen = []
    reply = practise("answer", on_progress=seen.append)
    assert (reply.status, reply.attempts) == ("done", 1)
    assert seen[-1].state == "done"


def test_a_guardrails_refusal_is_returned_and_other_refusals_are_raised(practise):
    assert practise("guardrail").findings[0].code == "LEA001"
    with pytest.raises(InputError, match="Pass target='target'"):
        practise("refuse")
    with pytest.raises(JobFailedError, match="internal error"):
        practise("crash")


def test_a_bounded_wait_gives_a_running_reply_that_job_status_completes(practise, desk, workspace):
    running = practise("wait", wait_seconds=0)
    assert running.status == "running"
    (workspace / "ml").mkdir(exist_ok=True)
    (workspace / "ml" / "release").touch()
    assert mle.job_status(running.job_id, wait_seconds=None).result["attempts"] == 1
    assert [job.job_id for job in mle.job_status().jobs] == [running.job_id]


def test_jobs_can_be_cancelled_and_resumed(practise, desk, workspace, only_job):
    job_id = practise("wait", wait_seconds=0).job_id
    only_job("waiting")
    with pytest.raises(BusyError):
        mle.resume_job(job_id)
    assert mle.cancel_job(job_id).jobs[0].state == "cancelled"
    (workspace / "ml" / "release").touch()
    assert mle.resume_job(job_id).result["attempts"] == 2


def test_an_interrupt_cancels_the_job(practise, desk):
    def interrupt(job):
        if job.message == "waiting for the release":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        practise("wait", on_progress=interrupt)
    (job,) = desk.store.recent(2)
    assert wait_for_job(desk.store, job.job_id, seconds=10).state == "cancelled"


def test_sequences_of_any_kind_are_taken(practise, desk, monkeypatch):
    import pandas as pd

    placed = []
    monkeypatch.setattr("ml_engineer.doors.desk.VERBS", {})
    monkeypatch.setattr(
        python,
        "read_request",
        lambda verb, arguments: placed.append(arguments) or (_ for _ in ()).throw(InputError("x")),
    )
    with pytest.raises(InputError):
        python._perform(
            "practise", PractiseReply, None, None, columns=pd.Index(["a", "b"]), roles={"a": "group"}, text="ab"
        )
    assert placed == [{"columns": ["a", "b"], "roles": {"a": "group"}, "text": "ab"}]
