"""Fits on an existing Dask cluster: one future each, so that a worker that dies loses its fits and nothing else.

Futures, never a joblib backend: there a worker that dies takes the whole call with it. What comes back is the same as
from processes on this machine, because each worker does its fits in such processes (`dask_worker`).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_engineer.errors import InputError
from ml_engineer.independent_fits import Failure, Work
from ml_engineer.modelling.dask_worker import begin_session, do_fit, end_session, stop_fit
from ml_engineer.modelling.executors import LEFT_FOR_FITS, Finished
from ml_engineer.modelling.pickling import dump_by_value
from ml_engineer.modelling.versions import COMPUTING, installed_versions

__all__ = ["DaskExecutor", "open_cluster"]

_PATIENCE_SECONDS = 15.0
_MOST_ATTEMPTS = 4
"""A fit is begun at most so often, if workers keep dying with it or with the rows."""


@dataclass
class _Running:
    """A fit that was handed in."""

    task: bytes
    model_path: str | None
    future: Any
    attempts: int = 1


class DaskExecutor:
    """Fits on a cluster; see `Executor` for what its methods do.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    folder : pathlib.Path
        Where fitted models may be left; exists.
    memory_limit : int, optional
        Bytes that all fits may take together, on all workers; by default most of what each worker may take.
    """

    can_stop = True
    is_remote = True

    def __init__(self, client: Any, *, folder: Path, memory_limit: int | None = None) -> None:
        threads = client.nthreads()
        self.workers = sum(threads.values())
        self.folder = folder
        self._client = client
        self._session = f"ml-engineer-{secrets.token_hex(6)}"
        self._memory_limit = None if memory_limit is None else memory_limit // len(threads)
        self.memory_limit = self._memory_limit or _least_allowed(client)
        self._tickets = 0
        self._running: dict[int, _Running] = {}
        self._ended: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._rows = b""
        self._scattered: Any = None

    def load(self, data: Any) -> None:
        """Send the rows to every worker, once.

        Raises
        ------
        InputError
            If a worker does not see the text model that the rows are to be read by, or the foundation model to be tried.
        """
        if getattr(data, "text_model", ""):
            _refuse_missing_model(self._client, data.text_model, "text_model")
        if getattr(data, "foundation_model", ""):
            _refuse_missing_model(self._client, data.foundation_model, "foundation_model")
        self._rows = pickle.dumps(data)
        self._scatter()
        begun = [
            self._client.submit(
                begin_session,
                self._scattered,
                session=self._session,
                memory_limit=self._memory_limit,
                workers=[worker],
                pure=False,
            )
            for worker in self._client.nthreads()
        ]
        # A worker that is slow or dies meanwhile begins with its first fit.
        with contextlib.suppress(Exception):
            self._client.gather(begun, timeout=_PATIENCE_SECONDS)

    def _scatter(self) -> None:
        # As bytes: a worker that keeps them for others need not hold them unpacked as well.
        self._scattered = self._client.scatter(self._rows, broadcast=True, hash=False)

    def submit(self, task: Work) -> int:
        """Begin a fit; gives its ticket."""
        self._tickets += 1
        self._running[self._tickets] = _Running(dump_by_value(task), task.model_path, None)
        self._hand_in(self._tickets)
        return self._tickets

    def _hand_in(self, ticket: int) -> None:
        running = self._running[ticket]
        running.future = self._client.submit(
            do_fit,
            self._scattered,
            running.task,
            session=self._session,
            name=f"fit_{ticket}_{running.attempts}",
            memory_limit=self._memory_limit,
            key=f"{self._session}-{ticket}-{running.attempts}",
            pure=False,
        )
        running.future.add_done_callback(lambda future: self._ended.put((ticket, future)))

    def wait(self, seconds: float) -> list[Finished]:
        """Fits that ended, after at most `seconds`."""
        deadline = time.monotonic() + seconds
        finished: list[Finished] = []
        while True:
            left = 0.0 if finished else max(deadline - time.monotonic(), 0.0)
            try:
                ticket, future = self._ended.get(timeout=left) if left else self._ended.get_nowait()
            except queue.Empty:
                return finished
            finished += self._take(ticket, future)

    def _take(self, ticket: int, future: Any) -> list[Finished]:
        running = self._running.get(ticket)
        if running is None or running.future is not future:
            return []  # it was stopped, or handed in anew
        if future.status == "finished":
            with contextlib.suppress(Exception):  # the worker with the result may have died since
                outcome, model = future.result(timeout=_PATIENCE_SECONDS)
                del self._running[ticket]
                if not isinstance(outcome, Failure) and model is not None and running.model_path is not None:
                    Path(running.model_path).write_bytes(model)
                return [(ticket, outcome)]
        return self._again(ticket, running, future)

    def _again(self, ticket: int, running: _Running, future: Any) -> list[Finished]:
        """Hand in once more what was lost with its worker."""
        if running.attempts >= _MOST_ATTEMPTS or self._client.status != "running":
            del self._running[ticket]
            return [(ticket, Failure(_reason(future)))]
        running.attempts += 1
        try:
            if self._scattered.status != "finished":
                # The last worker that held the rows is gone too.
                self._scatter()
            self._hand_in(ticket)
        except (OSError, TimeoutError) as error:
            del self._running[ticket]
            return [(ticket, Failure(f"the Dask cluster could not be reached: {error}"))]
        return []

    def stop(self, ticket: int) -> None:
        """Stop a fit; nothing more is heard of it."""
        running = self._running.pop(ticket, None)
        if running is not None:
            running.future.cancel()
            with contextlib.suppress(Exception):  # a cluster that is gone runs nothing any more
                self._client.run(stop_fit, self._session, f"fit_{ticket}_{running.attempts}", on_error="ignore")

    def close(self) -> None:
        """Stop all fits, and leave nothing on the workers."""
        for ticket in list(self._running):
            self.stop(ticket)
        with contextlib.suppress(Exception):  # as above
            self._client.run(end_session, self._session, on_error="ignore")


def _least_allowed(client: Any) -> int | None:
    """What fits may take together in the worker that may take least; None if none has a limit."""
    limits = [worker["memory_limit"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
    known = [limit for limit in limits if limit]
    return int(LEFT_FOR_FITS * min(known)) if known else None


def _reason(future: Any) -> str:
    error = None
    with contextlib.suppress(Exception):  # the error itself may be lost with its worker
        error = future.exception(timeout=1)
    told = " ".join(str(error).split())[:240] if error is not None else f"its future is {future.status}"
    return f"the Dask cluster did not do it: {told}"


@contextlib.contextmanager
def open_cluster(address: str, *, folder: Path, memory_limit: int | None = None) -> Iterator[DaskExecutor]:
    """Connect to a cluster for as long as a search takes.

    Raises
    ------
    InputError
        If nobody answers at `address`, there is no worker, or the workers compute with other versions than this process.
    """
    from distributed import Client

    start = (
        "Start a scheduler (`dask scheduler --host 127.0.0.1`) and workers "
        f"(`dask worker {address} --nthreads 1`, as often as there are cores) from an environment like this one, "
        "or leave `executor` out"
    )
    connect: Any = Client  # untyped
    try:
        client = connect(address, timeout=_PATIENCE_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        found = " ".join(str(error).split())[:200]
        raise InputError(f"No Dask scheduler answers at {address}", found=found, remedy=start) from error
    with client:
        if not client.nthreads():
            raise InputError(f"The Dask scheduler at {address} has no workers", remedy=start)
        _refuse_other_versions(client, address)
        executor = DaskExecutor(client, folder=folder, memory_limit=memory_limit)
        try:
            yield executor
        finally:
            executor.close()


def _refuse_missing_model(client: Any, path: str, argument: str) -> None:
    seen = client.run(os.path.exists, path)
    without = [worker for worker, there in seen.items() if not there]
    if without:
        raise InputError(
            f"{len(without)} worker(s) of the Dask cluster do not see the {argument.replace('_', ' ')}",
            found=f"{without[0]} has no {path}",
            remedy=f"Let the workers see it under the same path (a shared disk, or a copy), or leave {argument} out",
        )


def _refuse_other_versions(client: Any, address: str) -> None:
    ours = installed_versions()
    remedy = "Install the same packages for the workers: `uv pip install -c constraints.txt 'ml-engineer[engine,dask]'`"
    try:
        theirs = client.run(installed_versions)
    except Exception as error:  # whatever a worker without our packages raises
        raise InputError(
            f"The workers of the Dask cluster at {address} cannot do fits of ml-engineer",
            found=f"{type(error).__name__}: {' '.join(str(error).split())[:160]}",
            remedy=remedy,
        ) from error
    for worker, versions in theirs.items():
        other = [name for name in COMPUTING if ours.get(name) != versions.get(name)]
        if other:
            name = other[0]
            raise InputError(
                f"A worker of the Dask cluster at {address} computes with other versions than this machine",
                found=f"{worker} has {name} {versions.get(name, 'not at all')}, this machine "
                f"{ours.get(name, 'not at all')}",
                remedy=remedy,
            )
