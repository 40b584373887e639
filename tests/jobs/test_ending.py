"""Cancelling ends everything a job started, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from ml_engineer.errors import JobCancelledError
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.outcome import raise_or_reply
from ml_engineer.jobs.processes import is_alive
from ml_engineer.jobs.starting import resume_job
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.waiting import wait_for_job
from practice_verbs import PACKAGE, PractiseReply

_CLIENT = """
import sys
from pathlib import Path
from practice_verbs import PACKAGE, VERBS, PractiseRequest
from ml_engineer.jobs.starting import start_job
from ml_engineer.jobs.store import JobStore
root, project = sys.argv[1:]
request = PractiseRequest(project_dir=project, action="wait")
job = start_job(JobStore(Path(root)), VERBS["practise"], request=request, folder=Path(root).parent, package=PACKAGE)
print(job.model_dump_json(), flush=True)
sys.stdin.read()
"""


def test_cancelling_ends_the_child_and_its_grandchildren(store, start, until, tmp_path):
    job = until(start("spawn"), "waiting")
    pids = [int(pid) for pid in (tmp_path / "ml" / "grandchildren").read_text(encoding="utf-8").split()]
    family = [psutil.Process(pid) for pid in [job.pid, *pids]]
    cancelled = cancel_job(store, job.job_id)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert cancelled.state == "cancelled"
    assert store.load(job.job_id).state == "cancelled"


def test_a_child_that_does_not_listen_is_killed(store, start, until):
    job = until(start("stubborn"), "practising")
    assert cancel_job(store, job.job_id, grace_seconds=0.3).state == "cancelled"
    assert not is_alive(job.pid, job.process_started)


def test_a_job_with_something_to_keep_ends_with_it(store, start, until):
    job = until(start("best"), "looking for something better")
    assert job.keeps_best
    ended = cancel_job(store, job.job_id)
    assert ended.state == "done"
    assert raise_or_reply(store, ended, PractiseReply).summary == "Practised."


def test_cancelled_twice_a_job_ends_at_once_whatever_it_keeps(store, start, until):
    job = until(start("greedy"), "waiting")
    assert cancel_job(store, job.job_id, patience_seconds=0.2).state == "running"
    assert cancel_job(store, job.job_id).state == "cancelled"


def test_a_cancelled_job_raises_and_says_how_to_go_on(store, start, until):
    job = until(start("wait"), "waiting")
    with pytest.raises(JobCancelledError, match=f"jobs resume {job.job_id}"):
        raise_or_reply(store, cancel_job(store, job.job_id), PractiseReply)


def test_a_cancelled_job_can_be_resumed(store, start, until, tmp_path):
    job = until(start("wait"), "waiting")
    cancel_job(store, job.job_id)
    (tmp_path / "ml" / "release").touch()
    reply = raise_or_reply(store, until(resume_job(store, job.job_id)), PractiseReply)
    assert reply.attempts == 2


def test_cancelling_a_finished_job_changes_nothing(store, start, until):
    job = until(start())
    assert cancel_job(store, job.job_id) == job


def test_cancelling_never_touches_a_process_that_reused_the_pid(store, start, until):
    job = until(start())
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = psutil.Process(bystander.pid).create_time() - 100
        store.save(job.model_copy(update={"state": "running", "pid": bystander.pid, "process_started": started}))
        assert cancel_job(store, job.job_id).state == "lost"
        assert bystander.poll() is None
    finally:
        bystander.communicate()


def test_a_job_outlives_the_client_that_was_killed(store, tmp_path, until):
    project = tmp_path / "ml"
    command = [sys.executable, "-c", _CLIENT, str(store.root), str(project)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        job_id = json.loads(client.stdout.readline())["job_id"]
        until(store.read(job_id), "waiting")
    finally:
        client.kill()
        client.communicate()
    elsewhere = JobStore(store.root)
    assert elsewhere.load(job_id).state == "running"
    (project / "release").touch()
    assert wait_for_job(elsewhere, job_id, seconds=30).state == "done"
    assert elsewhere.order(job_id).package == PACKAGE
