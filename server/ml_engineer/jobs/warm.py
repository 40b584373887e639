"""Children that wait, imports done, for the one job they will be given."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ml_engineer.jobs.processes import detached_options

__all__ = ["VERBS_PACKAGE", "Child", "WarmChild"]

VERBS_PACKAGE = "ml_engineer.verbs"
"""Where verbs live; they are imported by name, in the child."""


class Child:
    """A child process that waits at its standard input for the folder of one job.

    It starts nothing before it is told, and ends by itself when the pipe closes first: whoever
    started it is gone then.

    Parameters
    ----------
    preload : str, optional
        Package of verbs whose imports it does while it waits.
    verb : str, optional
        The only one that it need prepare for; by default all.
    """

    def __init__(self, *, preload: str | None = None, verb: str | None = None) -> None:
        preparations = [name for name in (preload, verb) if name is not None]
        self._process = subprocess.Popen(
            # -P keeps the working directory off the import path: the user's folder may hold a pandas.py.
            [
                sys.executable,
                "-P",
                "-m",
                "ml_engineer.jobs.child",
                *(["--preload", *preparations] if preparations else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Unbuffered: closing a pipe that broke must not try to write again.
            bufsize=0,
            env=_environment(os.environ),
            **detached_options(),
        )
        # Reaps the child when it ends, however long after us it does.
        threading.Thread(target=self._process.wait, name="reap", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def assign(self, folder: Path) -> bool:
        """Tell the child its job; false if it is gone."""
        try:
            self._write(os.fsencode(folder) + b"\n")
        except OSError:
            return False
        return True

    def dismiss(self) -> None:
        """Close the pipe: a child without a job ends."""
        with suppress(OSError):
            self._write(b"")

    def _write(self, text: bytes) -> None:
        stream = self._process.stdin
        if stream is None or stream.closed:
            raise BrokenPipeError
        try:
            stream.write(text)
        finally:
            stream.close()


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child inherits; set before numpy and OpenMP are imported, which read it only once."""
    # Idle OpenMP threads spin by default and starve the other pool on a machine with few cores.
    ours = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    if sys.platform == "linux":
        # Gives the memory of columns as read back while they are converted: a quarter less at the peak of reading.
        ours["ARROW_DEFAULT_MEMORY_POOL"] = environment.get("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    return {**environment, **ours}


class WarmChild:
    """At most one waiting child, let go after some idle time.

    Parameters
    ----------
    package : str
        Package of verbs that it prepares for.
    verb : str, optional
        The only one that it prepares for; by default all.
    idle_seconds : float
        How long a child may wait before its memory is given back.
    """

    def __init__(self, *, package: str = VERBS_PACKAGE, verb: str | None = None, idle_seconds: float = 600.0) -> None:
        self._package = package
        self._verb = verb
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._timer: threading.Timer | None = None

    def prepare(self) -> None:
        """Start a child that imports and waits, unless one does already."""
        with self._lock:
            if self._child is None:
                self._child = Child(preload=self._package, verb=self._verb)
            self._restart_timer()

    def take(self) -> Child | None:
        """The waiting child, which is the caller's from now on; none if there is none."""
        with self._lock:
            child, self._child = self._child, None
            self._stop_timer()
            return child

    def close(self) -> None:
        """Let the waiting child go."""
        child = self.take()
        if child is not None:
            child.dismiss()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _restart_timer(self) -> None:
        self._stop_timer()
        self._timer = threading.Timer(self._idle_seconds, self.close)
        self._timer.daemon = True
        self._timer.start()
