"""The real server process: what it loads, what reaches the wire, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client, StdioServerParameters

from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.waiting import wait_for_job

_HEAVY = ("pandas", "numpy", "sklearn", "mlflow", "duckdb", "pyarrow", "lightgbm", "scipy", "matplotlib")
_TELLING = """
import os, sys
from ml_engineer.doors.desk import Desk
from ml_engineer.doors.mcp.server import build_server
from ml_engineer.jobs.store import JobStore
from ml_engineer.project.workspace import Workspace
from pathlib import Path
import practice_verbs
here = Workspace(Path(sys.argv[1]), "the test")
desk = Desk(here, here, JobStore(Path(sys.argv[2])), practice_verbs.VERBS, practice_verbs.PACKAGE)
print("a stray print before serving", file=sys.stderr)
build_server(desk).run()
"""
TESTS = Path(__file__).resolve().parents[2]


class Wire:
    """A client that writes and reads the lines themselves."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._id = 0

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        while True:
            message = json.loads(self.process.stdout.readline())  # anything else on the wire fails here
            if message.get("id") == self._id:
                return message["result"]

    def send(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def shake_hands(self) -> dict[str, Any]:
        who = {"name": "test", "version": "1"}
        result = self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=who)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", name=tool, arguments=arguments)


@contextmanager
def serving(command: list[str], **options: Any) -> Iterator[Wire]:
    """A server process that is killed at the end, if it has not ended."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as process:
        try:
            yield Wire(process)
        finally:
            process.kill()


@pytest.fixture
def practice_server(tmp_path, monkeypatch):
    """Command of a server with the practice verbs, and its folders."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    (tmp_path / "workspace").mkdir()
    yield [sys.executable, "-c", _TELLING, str(tmp_path / "workspace"), str(tmp_path / "jobs")]
    store = JobStore(tmp_path / "jobs")
    for job in store.recent(100):
        cancel_job(store, job.job_id, grace_seconds=0.2)


def listening(pid: int) -> set[str]:
    """Addresses a process listens on, once there are any."""
    process, pause, deadline = psutil.Process(pid), threading.Event(), time.monotonic() + 30
    while time.monotonic() < deadline:
        bound = {link.laddr.ip for link in process.net_connections() if link.status == psutil.CONN_LISTEN}
        if bound:
            return bound
        pause.wait(0.05)
    return set()


def test_the_server_answers_without_loading_anything_heavy():
    code = (
        "import sys; from ml_engineer.doors.mcp.server import build_server; "
        "from ml_engineer.doors.desk import assistant_desk; build_server(assistant_desk()); "
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["jobs"]])
def test_the_command_line_answers_without_loading_anything_heavy(arguments):
    code = (
        "import sys; from ml_engineer.doors.command_line.commands import run_commands; "
        f"run_commands({arguments!r}); print([name for name in {(*_HEAVY, 'mcp')!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_the_server_speaks_both_eras_over_stdio(era, tmp_path):
    names = ("PATH", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    environment = {name: os.environ[name] for name in names}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "ml_engineer", "mcp"], cwd=tmp_path, env=environment
    )
    async with Client(server, mode=era) as client:
        assert client.server_info.name == "ml-engineer"
        assert "train" in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.call_tool("job_status", {})).structured_content["summary"] == "No jobs yet."


def test_stray_output_of_server_and_child_does_not_reach_the_wire(practice_server):
    with serving(practice_server) as wire:
        wire.shake_hands()
        result = wire.call("practise", project_dir="ml", action="chatter")
        assert result["structuredContent"]["summary"] == "Practised."


def test_a_client_that_hangs_up_leaves_no_process_but_the_job(practice_server, tmp_path):
    store = JobStore(tmp_path / "jobs")
    with serving(practice_server) as wire:
        wire.shake_hands()
        wire.call("practise", project_dir="ml")  # prepares a warm child
        reply = wire.call("practise", project_dir="two", action="wait", wait_seconds=0)["structuredContent"]
        worker = store.read(reply["job_id"]).pid
        wire.call("practise", project_dir="ml")  # and another one, since the job took the first
        idle = [child for child in psutil.Process(wire.process.pid).children(recursive=True) if child.pid != worker]
        assert idle
        wire.process.stdin.close()
        wire.process.wait(timeout=15)
        left = psutil.wait_procs(idle, timeout=15)[1]
        assert [child for child in left if child.status() != psutil.STATUS_ZOMBIE] == []
    release = tmp_path / "workspace" / "two" / "release"
    release.parent.mkdir(exist_ok=True)
    release.touch()
    assert wait_for_job(store, reply["job_id"], seconds=30).state == "done"


def test_the_server_ends_when_whoever_started_it_is_killed(tmp_path):
    code = (
        "import subprocess, sys; "
        "server = subprocess.Popen([sys.executable, '-m', 'ml_engineer', 'mcp'], stdin=sys.stdin); "
        "print(server.pid, flush=True); server.wait()"
    )
    # The pipe stays open in this process: only the parent's death tells the server.
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        server = psutil.Process(int(parent.stdout.readline()))
        handshake = Wire(parent)
        handshake.shake_hands()
        parent.kill()
        parent.wait()
        left = psutil.wait_procs([server], timeout=15)[1]
        assert left == [] or server.status() == psutil.STATUS_ZOMBIE
        parent.stdin.close()


def test_http_serves_on_loopback_only(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving([sys.executable, "-m", "ml_engineer", "mcp", "--http", str(port)], cwd=tmp_path) as wire:
        assert listening(wire.process.pid) == {"127.0.0.1"}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/mcp",
            data=body,
            headers={"Host": "evil.example", "Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == 421, "another host's name is refused, so no web page can reach the server"
        caught.value.close()
