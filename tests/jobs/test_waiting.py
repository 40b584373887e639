"""Waiting is bounded, and each change is told once."""

from __future__ import annotations

from ml_engineer.jobs.outcome import describe_job, running_reply
from ml_engineer.jobs.waiting import JobWatch, wait_for_job
from ml_engineer.vocabulary.replies import Reply


def test_a_wait_ends_in_time_and_the_job_goes_on(store, start, until, tmp_path):
    job = until(start("wait"), "waiting")
    assert wait_for_job(store, job.job_id, seconds=0).state == "running"
    (tmp_path / "ml" / "release").touch()
    assert until(job).state == "done"


def test_each_change_is_told_once_and_the_last_word_always(store, start):
    seen = []
    job = start()
    wait_for_job(store, job.job_id, seconds=30, on_change=seen.append)
    told = [(job.state, job.message, job.fraction_done) for job in seen]
    assert told[-1] == ("done", "Practised.", 1.0)
    assert len(set(told)) == len(told)


def test_a_watcher_tells_no_change_where_there_is_none(store, start, until):
    watch = JobWatch(store, until(start()).job_id)
    assert [watch.look()[1], watch.look()[1]] == [True, False]


def test_who_stops_waiting_is_told_what_to_call(store, start, until):
    job = until(start("wait"), "waiting")
    reply = running_reply(job, Reply)
    assert (reply.status, reply.job_id) == ("running", job.job_id)
    assert "waiting for the release" in reply.summary
    assert "50%" in reply.summary
    assert job.job_id in reply.next_step
    assert describe_job(store, job).status == "running"
