"""A child may wait for its job with the imports done, and is never left over."""

from __future__ import annotations

import subprocess
import sys

import psutil

from ml_engineer.jobs.outcome import raise_or_reply
from ml_engineer.jobs.warm import Child, WarmChild
from practice_verbs import PACKAGE, PractiseReply

_PARENT = """
from ml_engineer.jobs.warm import Child
child = Child()
print(child.pid, flush=True)
input()
"""


def test_a_warm_child_does_the_job_it_was_given(store, start, until):
    warm = WarmChild(package=PACKAGE)
    warm.prepare()
    pid = warm._child.pid
    job = start(warm=warm)
    assert job.pid == pid
    assert warm.take() is None, "it was used up"
    assert raise_or_reply(store, until(job), PractiseReply).status == "done"


def test_a_child_that_prepared_for_one_verb_does_it(store, start, until):
    warm = WarmChild(package=PACKAGE, verb="practise")
    warm.prepare()
    pid = warm._child.pid
    job = start(warm=warm)
    assert job.pid == pid
    assert raise_or_reply(store, until(job), PractiseReply).status == "done"


def test_a_job_is_started_cold_if_the_warm_child_is_gone(store, start, until):
    warm = WarmChild(package=PACKAGE)
    child = Child()
    process = psutil.Process(child.pid)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    warm._child = child
    assert until(start(warm=warm)).state == "done"


def test_a_child_without_a_job_ends_when_it_is_dismissed():
    child = Child()
    process = psutil.Process(child.pid)
    child.dismiss()
    assert psutil.wait_procs([process], timeout=10)[1] == []


def test_a_waiting_child_is_let_go_after_its_idle_time():
    warm = WarmChild(idle_seconds=0.01)
    warm._child = Child()
    process = psutil.Process(warm._child.pid)
    warm.prepare()
    assert psutil.wait_procs([process], timeout=10)[1] == []


def test_a_waiting_child_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    # Not ours, so the system has to reap it: gone or a zombie of whoever adopted it.
    child_gone = psutil.wait_procs([child], timeout=10)[1] == []
    assert child_gone or child.status() == psutil.STATUS_ZOMBIE


def test_the_folder_of_the_job_does_not_become_importable(start, until, tmp_path, monkeypatch):
    (tmp_path / "platformdirs.py").write_text("raise RuntimeError('imported from the user folder')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert until(start()).state == "done"
