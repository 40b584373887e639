"""A limit of time for a project's own code, which a busy machine may keep from the processor."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Iterator
from typing import Final

__all__ = ["MOST_WAITS", "OutOfPatienceError", "at_most", "was_kept_waiting"]

MOST_WAITS: Final = 5
"""Limits of wall time that code may take which is at work and was seldom given the processor."""


class OutOfPatienceError(BaseException):
    """Raised inside the code that took too long; no `except Exception` of its own holds it up."""


def was_kept_waiting(lately: float, in_all: float, limit: float) -> bool:
    """Whether code whose limit of time is over was at work, and had less than half of the processor time it was to have.

    Parameters
    ----------
    lately, in_all : float
        Processor seconds that it had since it was last looked at, and since it began.
    limit : float
        Seconds between two looks. Code that had hardly any of them waits by itself.
    """
    return lately >= limit / 100 and in_all <= limit / 2


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what runs inside with `OutOfPatienceError` once `seconds` have passed, or up to five times as many on a busy machine.

    Python code is ended between two of its instructions; a single call into a library is waited for.
    """
    thread = ctypes.c_ulong(threading.get_ident())
    over = threading.Lock()
    done = threading.Event()

    def watch() -> None:
        began = had = time.process_time()
        for _ in range(MOST_WAITS):
            if done.wait(seconds):
                return
            before, had = had, time.process_time()
            if not was_kept_waiting(had - before, had - began, seconds):
                break
        with over:
            if not done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfPatienceError))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with over:
            done.set()
