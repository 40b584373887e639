"""A process that holds the development rows and forks a process per fit, so that a fit can be stopped at any moment.

Forking is safe here because this process computes nothing and has one thread. Each fit shares the rows with it
(copy on write) and leaves its result in a file. When the parent is gone, the server ends; when the server is
gone, its fits end.

Messages are pickles behind their length: ``("load", path)``, ``("fit", ticket, task_path, result_path, library)``
and ``("kill", ticket)`` come in; ``("ready",)``, ``("begun", ticket, pid)`` and ``("done", ticket, status)`` go out.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pickle
import resource
import select
import shutil
import signal
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["read_message", "serve", "write_message"]

_LENGTH = struct.Struct("<Q")


def write_message(descriptor: int, message: object) -> None:
    """Write one message whole."""
    data = pickle.dumps(message)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_message(descriptor: int) -> Any | None:
    """The next message, or None at the end of the stream."""
    head = _read(descriptor, _LENGTH.size)
    if head is None:
        return None
    body = _read(descriptor, _LENGTH.unpack(head)[0])
    # The other end is the process that started us, or that we started.
    return None if body is None else pickle.loads(body)  # noqa: S301  (the parent wrote it)


def _read(descriptor: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(descriptor, size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def serve(scratch: Path, imports: Sequence[str]) -> None:
    """Serve fits until the parent closes the stream."""
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what libraries print must not be taken for a message
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    alive, life = os.pipe()  # closes when this process ends, however it ends
    for name in imports:  # once, for all fits
        importlib.import_module(name)
    server = _Server(scratch, outgoing, alive, inherited=(incoming, outgoing, woken, wake, life))
    try:
        write_message(outgoing, ("ready",))
        _listen(server, incoming, woken)
    except BrokenPipeError:
        pass  # nobody is there to be told
    finally:
        server.kill_all()
        # A parent that was killed cannot tidy up any more.
        shutil.rmtree(scratch, ignore_errors=True)


def _listen(server: _Server, incoming: int, woken: int) -> None:
    """Do what the parent says until it is gone."""
    while True:
        readable, _, _ = select.select([incoming, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
            server.reap()
        if incoming in readable:
            message = read_message(incoming)
            if message is None:
                return
            server.handle(message)


class _Server:
    def __init__(self, scratch: Path, outgoing: int, alive: int, *, inherited: tuple[int, ...]) -> None:
        self._scratch = scratch
        self._outgoing = outgoing
        self._alive = alive
        self._inherited = inherited
        self._data: Any = None
        self._running: dict[int, int] = {}

    def handle(self, message: tuple[Any, ...]) -> None:
        verb, *details = message
        if verb == "load":
            self._data = pickle.loads(Path(details[0]).read_bytes())  # noqa: S301  (the parent wrote it)
        elif verb == "fit":
            ticket, task_path, result_path, library = details
            if library is not None:
                importlib.import_module(library)  # once here, not once a fit
            pid = os.fork()
            if pid == 0:
                self._fit(Path(task_path), Path(result_path))
            self._running[pid] = ticket
            write_message(self._outgoing, ("begun", ticket, pid))
        elif verb == "kill":
            for pid, ticket in self._running.items():
                if ticket == details[0]:
                    os.kill(pid, signal.SIGKILL)

    def reap(self) -> None:
        """Tell of fits that have ended."""
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                write_message(self._outgoing, ("done", self._running.pop(pid), os.waitstatus_to_exitcode(status)))

    def kill_all(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)

    def _fit(self, task_path: Path, result_path: Path) -> None:
        """Run one fit in the forked process; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in self._inherited:
                os.close(descriptor)
            threading.Thread(target=_end_with_the_server, args=(self._alive,), daemon=True).start()
            _run(task_path, result_path, self._data, self._scratch)
            status = 0
        finally:
            os._exit(status)


def _end_with_the_server(alive: int) -> None:
    os.read(alive, 1)
    os._exit(2)


def _run(task_path: Path, result_path: Path, data: Any, scratch: Path) -> None:
    from ml_engineer.independent_fits import attempt

    task = pickle.loads(task_path.read_bytes())  # noqa: S301  (the parent wrote it)
    before = _resident_bytes()
    result = attempt(lambda: task.run(data, scratch=scratch, clock=time.monotonic))
    if hasattr(result, "peak_bytes"):
        # This process did nothing else, so its highest mark is that of the fit.
        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        result = dataclasses.replace(result, peak_bytes=max(0, highest - before))
    temporary = result_path.with_suffix(".part")
    temporary.write_bytes(pickle.dumps(result))
    temporary.replace(result_path)


def _resident_bytes() -> int:
    """What this process holds now; forking is done on Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2:])
