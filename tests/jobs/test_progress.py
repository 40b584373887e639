"""Progress is written seldom, its last word is never lost, and cancelling is noticed."""

from __future__ import annotations

import threading

import pytest

from ml_engineer.errors import JobCancelledError
from ml_engineer.jobs.progress import Progress
from ml_engineer.jobs.store import JobOrder, JobStore
from ml_engineer.vocabulary.jobs import Job


class CountingStore(JobStore):
    """Counts the writings, and lets a test wait for a message."""

    def watch(self) -> CountingStore:
        object.__setattr__(self, "saved", [])
        object.__setattr__(self, "written", threading.Event())
        return self

    def save(self, job: Job) -> None:
        super().save(job)
        self.saved.append(job)
        self.written.set()


@pytest.fixture
def counted(tmp_path):
    return CountingStore(tmp_path).watch()


@pytest.fixture
def job(counted):
    job_id = counted.create(JobOrder(verb="practise", package="practice_verbs", request={}, folder="."))
    moment = "2026-01-01T00:00:00+00:00"
    return Job(job_id=job_id, verb="practise", state="starting", created_at=moment, updated_at=moment)


def test_quick_reports_are_written_once_and_the_last_of_them_soon_after(counted, job):
    progress = Progress(counted, job, interval_seconds=0.05)
    for step in range(100):
        progress.report(f"step {step}", step / 100)
    counted.written.clear()
    assert counted.written.wait(5)
    assert counted.saved[-1].message == "step 99"
    assert len(counted.saved) < 20


def test_nothing_is_written_after_the_last_word(counted, job):
    progress = Progress(counted, job, interval_seconds=0.01)
    progress.report("one", None)
    progress.report("two", None)
    progress.close("done", "finished")
    counted.written.clear()
    assert not counted.written.wait(0.1)
    assert counted.read(job.job_id).message == "finished"


def test_messages_become_one_short_line_and_fractions_stay_in_range(counted, job):
    Progress(counted, job).report("a\nb" + "x" * 1000, 7.0)
    told = counted.saved[0]
    assert told.message.startswith("a bx")
    assert len(told.message) == 300
    assert told.fraction_done == 1.0


def test_a_fraction_that_is_no_number_is_left_out(counted, job):
    Progress(counted, job).report("dividing by zero rows", float("nan"))
    assert counted.saved[0].fraction_done is None


def test_reporting_notices_that_the_job_was_cancelled(counted, job):
    counted.cancel_mark(job.job_id).touch()
    with pytest.raises(JobCancelledError):
        Progress(counted, job).report("going on", 0.5)
