"""The command line: one reply, an exit status that means something, nothing else on standard output."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ml_engineer.doors.command_line import main
from ml_engineer.doors.command_line.commands import run_commands
from ml_engineer.doors.command_line.exit_codes import MEANING, ExitCode, code_of_error, code_of_reply
from ml_engineer.doors.command_line.stored_records import RECORD_OF_VERB, stored_record
from ml_engineer.errors import (
    BusyError,
    InputError,
    JobCancelledError,
    JobFailedError,
    JobLostError,
    MissingExtraError,
    ProjectStateError,
    RefusedError,
)
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.waiting import wait_for_job
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.replies import CheckGuardrailsReply, Reply, VerifyReply

TESTS = Path(__file__).resolve().parents[2]
_PROGRAM = """
import signal
import sys
# A suite that runs in the background hands on that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
import practice_verbs
from ml_engineer.doors.command_line.commands import run_commands
from ml_engineer.doors.desk import Desk
from ml_engineer.jobs.store import JobStore
from ml_engineer.project.workspace import Workspace
here = Workspace(Path.cwd(), "the test")
desk = Desk(here, None, JobStore(Path(sys.argv[1])), practice_verbs.VERBS, practice_verbs.PACKAGE)
sys.exit(run_commands(sys.argv[2:], desk))
"""


@pytest.fixture
def practise(desk):
    """Run the practice verb: ``practise("answer", "--json")`` gives the exit status."""

    def _practise(action: str, *more: str) -> int:
        return run_commands(["practise", "--project-dir", "ml", "--action", action, *more], desk)

    return _practise


@pytest.mark.parametrize(
    ("action", "status"), [("answer", 0), ("refuse", 2), ("guardrail", 3), ("crash", 1), ("chatter", 0)]
)
def test_json_is_one_document_and_nothing_else_whatever_happens(practise, capfd, action, status):
    assert practise(action, "--json", "--quiet") == status
    out, err = capfd.readouterr()
    reply = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert reply["status"] == ("done" if status == 0 else "refused")
    assert reply["summary"]


def test_json_is_the_very_reply_that_was_stored(practise, desk, capfd):
    practise("answer", "--json")
    (job,) = desk.store.recent(2)
    stored = (desk.store.folder(job.job_id) / "reply.json").read_text(encoding="utf-8")
    assert json.loads(capfd.readouterr().out) == json.loads(stored)


def test_a_person_reads_the_summary_and_progress_goes_to_standard_error(practise, capfd):
    assert practise("answer") == 0
    out, err = capfd.readouterr()
    assert "Practised." in out
    assert "practise: starting" in err


def test_an_error_says_what_was_found_and_what_to_do(practise, capfd):
    assert practise("refuse", "-q") == ExitCode.BAD_INPUT
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ("Error: There is no column 'taget'\nFound: columns: 'target'\nDo:    Pass target='target'\n")


def test_a_defect_names_the_log_and_shows_no_traceback(practise, capfd):
    assert practise("crash", "-q") == ExitCode.INTERNAL_ERROR
    err = capfd.readouterr().err
    assert "log.txt" in err
    assert "secret" not in err
    assert "Traceback" not in err


def test_a_defect_of_the_door_is_logged_too(desk, capfd, monkeypatch):
    def break_down(*_args, **_options):
        raise RuntimeError("secret")

    monkeypatch.setattr("ml_engineer.doors.desk.start_job", break_down)
    assert run_commands(["practise", "--project-dir", "ml"], desk) == ExitCode.INTERNAL_ERROR
    err = capfd.readouterr().err
    log = Path(err.strip().removeprefix("internal error, see "))
    assert "RuntimeError: secret" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [["no-such-verb"], ["practise"], ["practise", "--project-dir", "ml", "--unknown"], ["jobs", "show", "job_x"]],
)
def test_bad_usage_has_its_own_status(desk, capfd, arguments):
    assert run_commands(arguments, desk) == ExitCode.BAD_INPUT
    assert capfd.readouterr().out == ""


def test_a_value_that_does_not_fit_is_bad_input(desk, capfd):
    assert run_commands(["practise", "--project-dir", "ml", "--action", "fly"], desk) == ExitCode.BAD_INPUT


def test_detached_work_goes_on_and_is_shown_when_it_is_done(practise, desk, workspace, capfd):
    assert practise("wait", "--detach", "--json") == ExitCode.DONE
    running = json.loads(capfd.readouterr().out)
    assert running["status"] == "running"
    (workspace / "ml").mkdir(exist_ok=True)
    (workspace / "ml" / "release").touch()
    assert run_commands(["jobs", "show", running["job_id"], "--wait", "--json"], desk) == ExitCode.DONE
    shown = json.loads(capfd.readouterr().out)
    assert (shown["status"], shown["summary"], shown["result"]["attempts"]) == ("done", "Practised.", 1)


def test_a_second_writer_is_busy(practise, desk, only_job, capfd):
    practise("wait", "--detach", "--json")
    first = only_job("waiting")
    assert practise("answer", "-q") == ExitCode.BUSY
    assert first.job_id in capfd.readouterr().err


def test_cancelling_and_resuming_by_id(practise, desk, workspace, only_job, capfd):
    practise("wait", "--detach", "--json")
    job = only_job("waiting")
    assert run_commands(["jobs", "cancel", job.job_id, "--json"], desk) == ExitCode.DONE
    capfd.readouterr()
    (workspace / "ml" / "release").touch()
    assert run_commands(["jobs", "resume", job.job_id, "--json", "-q"], desk) == ExitCode.DONE
    assert json.loads(capfd.readouterr().out)["attempts"] == 2


@pytest.mark.parametrize("listing", [["jobs"], ["jobs", "list"]])
def test_jobs_are_listed(practise, desk, capfd, listing):
    practise("answer", "--json")
    capfd.readouterr()
    assert run_commands([*listing, "--json"], desk) == ExitCode.DONE
    (job,) = json.loads(capfd.readouterr().out)["jobs"]
    assert job["state"] == "done"
    assert run_commands(listing, desk) == ExitCode.DONE
    assert job["job_id"] in capfd.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_an_end_from_outside_cancels_the_job_and_says_how_to_go_on(desk, workspace, monkeypatch, sent):
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    command = [sys.executable, "-c", _PROGRAM, str(desk.store.root), "practise", "--project-dir", "ml"]
    with subprocess.Popen(
        [*command, "--action", "wait"], cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        for line in program.stderr:
            if "practise" in line:
                break
        (job,) = desk.store.recent(2)
        child = psutil.Process(job.pid)
        program.send_signal(sent)
        try:
            out, err = program.communicate(timeout=30)
        finally:
            program.kill()
    assert program.returncode == ExitCode.CANCELLED
    assert out == ""
    assert f"jobs resume {job.job_id}" in err.replace("\n", " ")
    assert psutil.wait_procs([child], timeout=10)[1] == []
    assert desk.store.load(job.job_id).state == "cancelled"


def test_a_killed_command_line_leaves_the_job_at_work(desk, workspace, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    command = [sys.executable, "-c", _PROGRAM, str(desk.store.root), "practise", "--project-dir", "ml"]
    with subprocess.Popen([*command, "--action", "wait"], cwd=workspace, stderr=subprocess.PIPE) as program:
        program.stderr.readline()
        program.kill()
    (job,) = JobStore(desk.store.root).recent(2)
    (workspace / "ml").mkdir(exist_ok=True)
    (workspace / "ml" / "release").touch()
    assert wait_for_job(desk.store, job.job_id, seconds=30).state == "done"


def test_the_record_is_printed_as_it_is_stored(workspace):
    layout = ProjectLayout(workspace)
    layout.records.mkdir(parents=True)
    for verb, kind in RECORD_OF_VERB.items():
        (layout.records / f"{kind}.json").write_text('{"a": 1}\n', encoding="utf-8")
        assert json.loads(stored_record(verb, str(workspace))) == {"a": 1}


@pytest.mark.parametrize("verb", RECORD_OF_VERB)
def test_a_record_that_is_not_there_is_told_as_such(workspace, verb):
    with pytest.raises(ProjectStateError):
        stored_record(verb, str(workspace / "elsewhere"))


def test_a_real_verb_refuses_through_the_command_line_with_its_remedy(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert run_commands(["evaluate", "--json", "-q"]) == ExitCode.BAD_INPUT
    reply = json.loads(capfd.readouterr().out)
    assert reply["status"] == "refused"
    assert "frame_problem" in reply["next_step"] + reply["summary"]


def test_a_server_that_cannot_start_says_why(monkeypatch, capsys):
    monkeypatch.setenv("ML_ENGINEER_WORKSPACE", "/no/such/folder")
    with pytest.raises(SystemExit) as caught:
        main(["mcp"])
    gc.enable()
    assert "ML_ENGINEER_WORKSPACE does not name a folder" in str(caught.value)


def test_every_error_has_an_exit_status_and_every_status_a_meaning():
    assert [code_of_error(kind("x")) for kind in (InputError, MissingExtraError, BusyError, RefusedError)] == [
        2,
        2,
        5,
        3,
    ]
    assert [code_of_error(kind("x")) for kind in (JobCancelledError, JobLostError, JobFailedError)] == [4, 1, 1]
    assert code_of_reply(Reply(status="refused", summary="x")) == 3
    assert code_of_reply(CheckGuardrailsReply(status="done", summary="x", verdict="block")) == 3
    assert code_of_reply(CheckGuardrailsReply(status="done", summary="x", verdict="warn")) == 0
    assert code_of_reply(VerifyReply(status="done", summary="x", verdict="invalid")) == 3
    assert code_of_reply(VerifyReply(status="done", summary="x", verdict="valid")) == 0
    assert sorted(MEANING) == sorted(ExitCode)


def test_help_lists_every_exit_status(desk, capfd):
    assert run_commands(["--help"], desk) == 0
    told = " ".join(capfd.readouterr().out.split())
    assert all(f"{code.value} {meaning}" in told for code, meaning in MEANING.items())


def test_the_version_is_told(desk, capfd):
    assert run_commands(["--version"], desk) == 0
    assert capfd.readouterr().out.startswith("ml-engineer ")


def test_completion_is_offered_for_the_shell(tmp_path):
    environment = {
        **os.environ,
        "_ML_ENGINEER_COMPLETE": "complete_bash",
        "COMP_WORDS": "ml-engineer eval",
        "COMP_CWORD": "1",
    }
    code = "import sys; sys.argv[0] = 'ml-engineer'; from ml_engineer.doors.command_line import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["evaluate"]
