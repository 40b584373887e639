"""Processes as the operating system knows them: who is alive, and how a whole family ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

import psutil

__all__ = ["detached_options", "end_family", "is_alive", "started_at"]

_CLOCK_TOLERANCE_SECONDS = 2.0
"""How far two readings of a process's start time may lie apart: the wall clock may have been set in between."""


def started_at(pid: int) -> float:
    """Start time of a process, seconds since the epoch; with the pid it names one process for good."""
    return float(psutil.Process(pid).create_time())


def _find(pid: int, started: float) -> psutil.Process | None:
    """The process of this pid *and* start time; none if it ended or the pid now belongs to another."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) <= _CLOCK_TOLERANCE_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        # Ours would be readable, so the pid was reused by somebody else's process.
        return None


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether the process that was noted as (`pid`, `started`) still runs; a reused pid is not trusted."""
    return pid is not None and started is not None and _find(pid, started) is not None


def detached_options() -> dict[str, Any]:
    """Options of `subprocess.Popen` that take a child out of our terminal, process group and signals."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _signal_group(pid: int, name: str) -> None:
    """Signal the process group led by `pid`, members whose parent already died included."""
    if sys.platform != "win32":
        # A group outlives its leader, and its number is not given away while it does.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.Signals[name])


def end_family(pid: int, started: float, *, grace_seconds: float) -> None:
    """End a process, its descendants and its process group: asked first, then killed.

    Parameters
    ----------
    pid : int
        Process that was started with `detached_options`, so that it leads its own group.
    started : float
        Its start time as noted; nothing happens if the pid belongs to another process by now.
    grace_seconds : float
        Time between asking (SIGTERM) and killing (SIGKILL).
    """
    leader = _find(pid, started)
    if leader is None:
        return
    family = [leader]
    with suppress(psutil.NoSuchProcess):
        family += leader.children(recursive=True)
    _signal_group(pid, "SIGTERM")
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(family, timeout=grace_seconds)
    _signal_group(pid, "SIGKILL")
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=grace_seconds)
