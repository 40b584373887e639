"""What runs in a Dask worker: fits, each in a process of its own, as on one machine.

A worker keeps the rows of a search in a process that forks one per fit (`ProcessExecutor`), so that a fit can be
stopped, and one that crashes costs neither the worker nor its other fits.
"""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml_engineer.independent_fits import Failure, Work
from ml_engineer.modelling.executors import LEFT_FOR_FITS, Executor, make_executor

__all__ = ["Outcome", "begin_session", "do_fit", "end_session", "stop_fit"]

Outcome = tuple[Any, bytes | None]
"""What came of a fit, and the pickled model if one was asked for."""

_IDLE_SECONDS = 600.0
"""A session that nobody used for so long is ended: its client may be gone."""
_LOOKED_AT_EVERY = 0.05
_STOPPED = Failure("it was stopped")


class _Session:
    """The rows of one search in one worker, and the fits on them.

    Parameters
    ----------
    rows : bytes
        The pickled rows.
    worker : distributed.Worker
        Tells how many fits there may be at a time, what they may take, and where files may lie.
    memory_limit : int, optional
        Bytes that all fits may take together; by default most of what the worker may take.
    """

    def __init__(self, rows: bytes, *, worker: Any, memory_limit: int | None) -> None:
        known = worker.memory_manager.memory_limit
        limit = memory_limit or (int(LEFT_FOR_FITS * known) if known else None)
        self._stack = ExitStack()
        # Beside the worker's own files, which its nanny removes should it be killed.
        executor = make_executor(workers=worker.state.nthreads, memory_limit=limit, beside=worker.local_directory)
        self._executor: Executor = self._stack.enter_context(executor)
        self._executor.load(pickle.loads(rows))  # noqa: S301  (the client whose fits these are wrote it)
        self._lock = threading.Lock()
        self._tickets: dict[str, int] = {}
        self._ended: dict[int, Any] = {}
        self._stopped: set[str] = set()
        self.used = time.monotonic()

    def run(self, name: str, task: Work) -> Outcome:
        """Do one fit; other threads may do others meanwhile."""
        self.used = time.monotonic()
        model = None if task.model_path is None else self._executor.folder / f"{name}.pickle"
        with self._lock:
            if name in self._stopped:  # before it began here
                return _STOPPED, None
            ticket = self._executor.submit(task if model is None else replace(task, model_path=str(model)))  # type: ignore[type-var]  # works are dataclasses
            self._tickets[name] = ticket
        while True:
            with self._lock:
                if ticket not in self._ended:
                    self._ended |= dict(self._executor.wait(_LOOKED_AT_EVERY))
                if name in self._stopped:
                    return _STOPPED, None
                outcome = self._ended.pop(ticket, None)
                if outcome is not None:
                    del self._tickets[name]
                    break
        self.used = time.monotonic()
        return outcome, _taken(model)

    def stop(self, name: str) -> None:
        """Stop a fit, wherever it is."""
        with self._lock:
            self._stopped.add(name)
            ticket = self._tickets.pop(name, None)
            if ticket is not None:
                self._executor.stop(ticket)

    def close(self) -> None:
        """End what is left."""
        self._stack.close()

    @property
    def busy(self) -> bool:
        """Whether fits are running."""
        return bool(self._tickets)


def _taken(path: Path | None) -> bytes | None:
    if path is None or not path.exists():
        return None
    data = path.read_bytes()
    path.unlink()
    return data


_sessions: dict[str, _Session] = {}
_guard = threading.Lock()


def do_fit(rows: bytes, task: bytes, *, session: str, name: str, memory_limit: int | None) -> Outcome:
    """Do one fit in this worker.

    Parameters
    ----------
    rows : bytes
        The pickled rows; read by the first fit of a session only.
    task : bytes
        Pickled `Work`.
    session, name : str
        Names of the search and of the fit.
    memory_limit : int, optional
        Bytes that all fits of the search may take together in this worker.
    """
    one = _session(session, rows, memory_limit)
    return one.run(name, pickle.loads(task))  # noqa: S301  (the client whose fits these are wrote it)


def _session(name: str, rows: bytes, memory_limit: int | None) -> _Session:
    from distributed import get_worker  # in a worker it is there

    with _guard:
        if name not in _sessions:
            _forget_idle()
            _sessions[name] = _Session(rows, worker=get_worker(), memory_limit=memory_limit)
        return _sessions[name]


def _forget_idle() -> None:
    for name, one in list(_sessions.items()):
        if not one.busy and time.monotonic() - one.used > _IDLE_SECONDS:
            _sessions.pop(name).close()


def begin_session(rows: bytes, *, session: str, memory_limit: int | None) -> None:
    """Unpack the rows and import what fits need, so that what is timed later is fits."""
    _session(session, rows, memory_limit)


def stop_fit(session: str, name: str) -> None:
    """Stop a fit, if it is in this worker."""
    if session in _sessions:
        _sessions[session].stop(name)


def end_session(session: str) -> None:
    """End everything that a search left in this worker."""
    one = _sessions.pop(session, None)
    if one is not None:
        one.close()
