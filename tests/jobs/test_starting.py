"""A job does its verb's work in a process of its own and keeps what came of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from ml_engineer.errors import BusyError, InputError, JobFailedError, MissingExtraError, ProjectStateError
from ml_engineer.jobs.outcome import describe_job, list_jobs, raise_or_reply
from ml_engineer.jobs.starting import resume_job, start_job
from ml_engineer.jobs.store import JobStore
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.verbs import VERBS as REAL_VERBS
from practice_verbs import PACKAGE, VERBS, PractiseReply, PractiseRequest


def test_a_finished_job_gives_the_verbs_reply(store, start, until):
    job = until(start())
    reply = raise_or_reply(store, job, PractiseReply)
    assert job.state == "done"
    assert job.fraction_done == 1.0
    assert isinstance(reply, PractiseReply)
    assert reply.job_id == job.job_id
    assert reply.project_dir == job.project_dir


def test_the_child_has_an_empty_stdin_and_patient_openmp_threads(store, start, until):
    reply = raise_or_reply(store, until(start()), PractiseReply)
    assert (reply.stdin, reply.openmp) == ("", "PASSIVE")


def test_the_child_leads_a_process_group_of_its_own(start, until, tmp_path):
    job = until(start("wait"), "waiting")
    assert os.getpgid(job.pid) == job.pid != os.getpgid(0)
    (tmp_path / "ml" / "release").touch()
    assert until(job).state == "done"


def test_what_the_child_prints_goes_to_its_log(store, start, until, capfd):
    job = until(start("chatter"))
    assert "stray print" in store.log(job.job_id).read_text(encoding="utf-8")
    assert "stray write" in store.log(job.job_id).read_text(encoding="utf-8")
    assert "stray" not in capfd.readouterr().out


def test_bad_input_is_refused_with_the_verbs_own_words(store, start, until):
    job = until(start("refuse"))
    assert job.state == "refused"
    with pytest.raises(InputError) as caught:
        raise_or_reply(store, job, PractiseReply)
    assert caught.value.remedy == "Pass target='target'"
    stored = PractiseReply.model_validate_json((store.folder(job.job_id) / "reply.json").read_text(encoding="utf-8"))
    assert (stored.status, stored.next_step) == ("refused", "Pass target='target'")
    assert stored.summary == "There is no column 'taget'. columns: 'target'."


def test_a_guardrails_refusal_is_a_reply_with_its_findings(store, start, until):
    reply = raise_or_reply(store, until(start("guardrail")), PractiseReply)
    assert reply.status == "refused"
    assert [finding.code for finding in reply.findings] == ["LEA001"]


def test_a_defect_is_told_as_internal_error_and_its_traceback_stays_in_the_log(store, start, until):
    job = until(start("crash"))
    assert job.state == "failed"
    assert "secret detail" not in job.message
    assert "secret detail" in store.log(job.job_id).read_text(encoding="utf-8")
    with pytest.raises(JobFailedError, match="internal error, see"):
        raise_or_reply(store, job, PractiseReply)


def test_a_verb_that_exits_has_failed(start, until):
    assert until(start("exit")).state == "failed"


def test_a_killed_child_is_lost_and_the_same_request_continues_it(store, start, until, tmp_path):
    job = until(start("wait"), "waiting")
    os.kill(job.pid, signal.SIGKILL)
    lost = until(job)
    assert lost.state == "lost"
    (tmp_path / "ml" / "release").touch()
    again = start("wait")
    assert (again.job_id, again.attempts, again.created_at) == (job.job_id, 2, job.created_at)
    reply = raise_or_reply(store, until(again), PractiseReply)
    assert reply.attempts == 2, "the journal of the first attempt was handed on"


def test_another_request_does_not_continue_a_lost_job(start, until):
    job = until(start("wait"), "waiting")
    os.kill(job.pid, signal.SIGKILL)
    until(job)
    assert start("answer").job_id != job.job_id


def test_resuming_by_id_hands_on_the_journal(store, start, until, tmp_path):
    job = until(start("wait"), "waiting")
    os.kill(job.pid, signal.SIGKILL)
    until(job)
    (tmp_path / "ml" / "release").touch()
    resumed = until(resume_job(store, job.job_id))
    assert (resumed.state, resumed.attempts) == ("done", 2)
    with pytest.raises(InputError, match="cannot be resumed"):
        resume_job(store, job.job_id)


def test_a_running_job_cannot_be_resumed(store, start, until):
    job = until(start("wait"), "waiting")
    with pytest.raises(BusyError, match="still running"):
        resume_job(store, job.job_id)


def test_a_reused_pid_is_not_taken_for_the_child(store, start, until):
    job = until(start("wait"), "waiting")
    os.kill(job.pid, signal.SIGKILL)
    me = psutil.Process()
    store.save(job.model_copy(update={"pid": me.pid, "process_started": me.create_time() - 100}))
    assert store.load(job.job_id).state == "lost"


def test_two_jobs_on_one_project_are_one_and_a_refusal_that_names_it(store, start, until, tmp_path):
    first = until(start("wait"), "waiting")
    second = until(start("answer"))
    with pytest.raises(BusyError) as caught:
        raise_or_reply(store, second, PractiseReply)
    assert first.job_id in str(caught.value)
    assert "job_status" in caught.value.remedy
    (tmp_path / "ml" / "release").touch()
    until(first)
    assert until(start("answer")).state == "done", "the lock is free as soon as the first is done"


def test_two_projects_do_not_wait_for_each_other(start, until, tmp_path):
    until(start("wait"), "waiting")
    assert until(start("answer", project=tmp_path / "other")).state == "done"


def test_a_job_that_only_reads_does_not_wait_for_the_writer(start, until):
    until(start("wait"), "waiting")
    assert until(start(verb="observe")).state == "done"


def test_a_missing_extra_is_told_before_anything_is_started(store, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_engineer.installation.extras.missing_packages", lambda extra: ("pandas",))
    request = PractiseRequest(project_dir=str(tmp_path))
    with pytest.raises(MissingExtraError, match="install"):
        start_job(store, VERBS["practise"], request=request, folder=tmp_path, package=PACKAGE)
    assert store.recent(10) == []


def test_a_text_model_needs_the_part_that_reads_it(store, tmp_path, monkeypatch):
    missing = {"text": ("model2vec",)}
    monkeypatch.setattr("ml_engineer.installation.extras.missing_packages", lambda extra: missing.get(extra, ()))
    request = TrainRequest(project_dir=str(tmp_path), text_model="model")
    with pytest.raises(MissingExtraError, match=r"'text'.*model2vec.*\[text\]"):
        start_job(store, REAL_VERBS["train"], request=request, folder=tmp_path)
    assert store.recent(10) == []


def test_a_foundation_model_needs_the_part_that_reads_it(store, tmp_path, monkeypatch):
    missing = {"foundation": ("tabicl",)}
    monkeypatch.setattr("ml_engineer.installation.extras.missing_packages", lambda extra: missing.get(extra, ()))
    request = TrainRequest(project_dir=str(tmp_path), foundation_model="weights.ckpt")
    with pytest.raises(MissingExtraError, match=r"'foundation'.*tabicl.*\[foundation\]"):
        start_job(store, REAL_VERBS["train"], request=request, folder=tmp_path)
    assert store.recent(10) == []


def test_jobs_are_listed_newest_first_whoever_started_them(store, start, until):
    jobs = [until(start()) for _ in range(2)]
    listed = list_jobs(JobStore(store.root), limit=5)
    assert {job.job_id for job in listed.jobs} == {job.job_id for job in jobs}
    assert listed.jobs[0].job_id >= listed.jobs[1].job_id


def test_a_job_in_full_holds_its_verbs_reply(store, start, until):
    job = until(start())
    described = describe_job(store, job)
    assert (described.status, described.summary) == ("done", "Practised.")
    assert described.result == {"attempts": 1, "stdin": "", "openmp": "PASSIVE"}
    refused = describe_job(store, until(start("refuse")))
    assert (refused.status, refused.next_step) == ("refused", "Pass target='target'")


@pytest.mark.parametrize("name", ["../../etc", "job_1", "", "job_20260101_000000_abcdef/../x"])
def test_a_name_that_is_no_job_id_is_refused(store, name):
    with pytest.raises(InputError, match="not a job id"):
        store.read(name)


def test_an_unknown_job_is_told_as_such(store):
    with pytest.raises(InputError, match="There is no job"):
        store.load("job_20260101_000000_abcdef")


def test_a_damaged_job_does_not_hide_the_others(store, start, until):
    good, bad = until(start()), until(start())
    Path(store.folder(bad.job_id) / "state.json").write_text("{", encoding="utf-8")
    assert [job.job_id for job in store.recent(5)] == [good.job_id]


def test_the_folder_of_a_job_is_private(store, start, until):
    folder = store.folder(until(start()).job_id)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cannot_be_written_is_told_and_nothing_is_started(tmp_path):
    (tmp_path / "jobs").write_text("a file where the folder should be", encoding="utf-8")
    request = PractiseRequest(project_dir=str(tmp_path))
    with pytest.raises(ProjectStateError, match="Cannot write"):
        start_job(JobStore(tmp_path / "jobs"), VERBS["practise"], request=request, folder=tmp_path, package=PACKAGE)
