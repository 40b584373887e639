"""The practice verb."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from ml_engineer.errors import InputError, RefusedError
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import Finding
from practice_verbs import PractiseReply, PractiseRequest

_TICK = threading.Event()


def practise(request: PractiseRequest, context: WorkContext) -> PractiseReply:
    """Do one of the things that happen to jobs."""
    project = Path(request.project_dir)
    project.mkdir(parents=True, exist_ok=True)
    (context.journal_dir / f"piece-{len(list(context.journal_dir.iterdir()))}").touch()
    context.report("practising", 0.25)
    _ACTIONS.get(request.action, _nothing)(project, context)
    return PractiseReply(
        status="done",
        summary="Practised.",
        attempts=len(list(context.journal_dir.iterdir())),
        stdin=sys.stdin.read(),
        openmp=os.environ.get("OMP_WAIT_POLICY", ""),
    )


def _nothing(_project: Path, _context: WorkContext) -> None:
    """Answer at once."""


def _wait(project: Path, context: WorkContext) -> None:
    while not (project / "release").exists():
        context.report("waiting for the release", 0.5)
        _TICK.wait(0.02)


def _best(project: Path, context: WorkContext) -> None:
    context.keep_best()
    while not context.asked_to_stop() and not (project / "release").exists():
        context.report("looking for something better", 0.5)
        _TICK.wait(0.02)


def _greedy(project: Path, context: WorkContext) -> None:
    context.keep_best()
    _wait(project, context)


def _stubborn(project: Path, _context: WorkContext) -> None:
    while not (project / "release").exists():
        with suppress(Exception):
            _TICK.wait(0.02)


def _spawn(project: Path, context: WorkContext) -> None:
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    (project / "grandchildren").write_text(f"{grandchild.pid} {stranger.pid}", encoding="utf-8")
    context.report("spawned", 0.5)
    _wait(project, context)


def _refuse(_project: Path, _context: WorkContext) -> None:
    raise InputError("There is no column 'taget'", found="columns: 'target'", remedy="Pass target='target'")


def _guardrail(_project: Path, _context: WorkContext) -> None:
    finding = Finding(
        code="LEA001", title="A leak", guardrail="data_quality", outcome="issue", blocks=True, found="a copy of y"
    )
    raise RefusedError("A guardrail blocks training", found="LEA001", remedy="Drop the column", findings=(finding,))


def _crash(_project: Path, _context: WorkContext) -> None:
    secret = "secret detail"
    raise RuntimeError(secret)


def _exit(_project: Path, _context: WorkContext) -> None:
    sys.exit(0)


def _chatter(_project: Path, _context: WorkContext) -> None:
    print("stray print", flush=True)  # noqa: T201 - the stray print that must not reach anybody's protocol
    os.write(1, b"stray write\n")


_ACTIONS = {
    "wait": _wait,
    "best": _best,
    "greedy": _greedy,
    "spawn": _spawn,
    "refuse": _refuse,
    "guardrail": _guardrail,
    "crash": _crash,
    "exit": _exit,
    "chatter": _chatter,
    "stubborn": _stubborn,
}
