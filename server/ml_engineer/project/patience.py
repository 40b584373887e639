"""A limit of time for code that runs in this very process."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

__all__ = ["OutOfPatienceError", "at_most"]


class OutOfPatienceError(BaseException):
    """Raised inside the code that took too long; no `except Exception` of its own holds it up."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what runs inside with `OutOfPatienceError` once `seconds` have passed.

    Python code is ended between two of its instructions; a single call into a library is waited for.
    """
    thread = ctypes.c_ulong(threading.get_ident())
    over = threading.Lock()
    done = False

    def end() -> None:
        with over:
            if not done:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfPatienceError))

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with over:
            done = True
        timer.cancel()
