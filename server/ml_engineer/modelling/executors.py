"""Who does the fits: this process, or processes of their own that can be stopped at any moment."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from ml_engineer.errors import JobLostError
from ml_engineer.independent_fits import Clock, Executor, Failure, Finished, InlineExecutor, Work
from ml_engineer.modelling.fit_server import read_message, write_message
from ml_engineer.modelling.pickling import dump_by_value
from ml_engineer.modelling.training_data import TrainingData

__all__ = [
    "ENGINE",
    "LEFT_FOR_FITS",
    "Executor",
    "Finished",
    "InlineExecutor",
    "ProcessExecutor",
    "can_fork",
    "make_executor",
]

_MEMORY_CHECKED_EVERY, _CHECKING_SHARE = 0.5, 0.05
"""Seconds between two looks at what fits take, and the most of the time that looking may take: to tell what is shared, the
system goes through all pages."""
_UNCHECKED_AT_MOST = 3.0
"""Seconds without a look, however long one takes: a fit may take all memory in not many more."""
_MOST_STARTS = 4
"""So often a process that holds the rows is begun before the search gives up."""
ENGINE: Final = ("ml_engineer.modelling.fits", "ml_engineer.modelling.portfolio")
LEFT_FOR_FITS = 0.7
"""Share of the memory that is free at the start which fits may take together."""


class ProcessExecutor:
    """Fits in processes of their own, forked from one that holds the rows.

    It starts at once, so that what fits import is there when the rows are.

    Parameters
    ----------
    workers : int
        Fits at a time.
    folder : pathlib.Path
        For tasks, results and prepared rows; exists.
    memory_limit : int, optional
        Bytes that the fits may take together beside the rows, which they share; by default most of what is free.
    imports : sequence of str
        Modules that all fits need.
    """

    can_stop = True
    is_remote = False

    def __init__(
        self, *, workers: int, folder: Path, memory_limit: int | None = None, imports: Sequence[str] = ENGINE
    ) -> None:
        self.workers = workers
        self.folder = folder
        self._tickets = 0
        self._running: dict[int, int | None] = {}
        self.memory_limit: int | None = memory_limit or int(LEFT_FOR_FITS * psutil.virtual_memory().available)
        self._memory_due = time.monotonic() + _MEMORY_CHECKED_EVERY
        self._began_with: dict[int, int] = {}
        self._imports = tuple(imports)
        self._data: Any = None
        self._starts = 0
        self._gone = False
        self._lost: list[Finished] = []
        self._start()

    def load(self, data: Any) -> None:
        """Hand over the rows that all fits are on.

        Raises
        ------
        JobLostError
            If the process that is to hold them ends again and again.
        """
        if isinstance(data, TrainingData):
            assert len(data.actual) == data.rows  # worked out here, once, and not by each fit
        self._data = data
        try:
            self._hand_over()
        except BrokenPipeError:
            self._start_again()

    def submit(self, task: Work) -> int:
        """Begin a fit; gives its ticket.

        Raises
        ------
        JobLostError
            If the process that holds the rows ends again and again.
        """
        self._tickets += 1
        ticket = self._tickets
        if self._gone:
            self._start_again()
        try:
            self._ask_for(ticket, task)
        except (BrokenPipeError, FileNotFoundError):
            self._start_again()
            self._ask_for(ticket, task)
        self._running[ticket] = None
        return ticket

    def _ask_for(self, ticket: int, task: Work) -> None:
        path = self.folder / f"task_{ticket}.pickle"
        path.write_bytes(dump_by_value(task))
        write_message(self._to, ("fit", ticket, str(path), str(self._result(ticket)), task.library))

    def wait(self, seconds: float) -> list[Finished]:
        """Fits that ended."""
        deadline = time.monotonic() + seconds
        while True:
            ended, self._lost = [*self._lost, *self._over_memory()], []
            left = min(max(deadline - time.monotonic(), 0.0), _MEMORY_CHECKED_EVERY)
            while select.select([self._from], [], [], 0.0 if ended else left)[0]:
                message = read_message(self._from)
                if message is None:
                    return ended + self._all_lost()
                ended += self._take(message)
                left = 0.0
            if ended or time.monotonic() >= deadline:
                return ended

    def stop(self, ticket: int) -> None:
        """Stop a fit; nothing more is heard of it."""
        if self._running.pop(ticket, -1) != -1:
            with contextlib.suppress(BrokenPipeError):
                write_message(self._to, ("kill", ticket))

    def close(self) -> None:
        """End the server and all fits."""
        for stream in (self._server.stdin, self._server.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._server.kill()
        self._server.wait()
        self._log.close()

    def _start(self) -> None:
        self._starts += 1
        self._gone = False
        self._log = (self.folder / "server.log").open("wb")
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "ml_engineer.modelling.fit_server", str(self.folder), *self._imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **threads, "OMP_WAIT_POLICY": "PASSIVE"},
        )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._to, self._from = self._server.stdin.fileno(), self._server.stdout.fileno()

    def _hand_over(self) -> None:
        rows = self.folder / "rows.pickle"
        rows.write_bytes(pickle.dumps(self._data))
        write_message(self._to, ("load", str(rows)))
        # The first message says that everything is imported: what is timed from here on is fits.
        if read_message(self._from) is None:
            raise BrokenPipeError

    def _start_again(self) -> None:
        """Begin anew with the same rows: whoever ended the server, its fits are lost, and the search is not.

        Raises
        ------
        JobLostError
            If it was begun anew several times already.
        """
        self._lost += self._all_lost()
        while True:
            self.close()
            if self._starts > _MOST_STARTS:
                raise JobLostError(
                    "The process that holds the rows for the fits ended again and again",
                    found=f"status {self._server.returncode}, {self._last_words()}",
                    remedy="Free memory or give less (memory_limit_mb), then call again: finished fits are not done again",
                )
            self.folder.mkdir(exist_ok=True)  # a server that ends by itself takes it along
            self._start()
            with contextlib.suppress(BrokenPipeError):
                self._hand_over()
                return

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return "no log"
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "nothing in its log")

    def _result(self, ticket: int) -> Path:
        return self.folder / f"result_{ticket}.pickle"

    def _take(self, message: tuple[Any, ...]) -> list[Finished]:
        kind, *details = message
        if kind == "begun":
            ticket, pid = details
            if ticket in self._running:
                self._running[ticket] = pid
                with contextlib.suppress(psutil.Error):
                    self._began_with[ticket] = psutil.Process(pid).memory_info().rss
        elif kind == "done":
            ticket, status = details
            if self._running.pop(ticket, -1) != -1:
                return [(ticket, self._outcome(ticket, status))]
        return []

    def _outcome(self, ticket: int, status: int) -> Any:
        path = self._result(ticket)
        try:
            result = pickle.loads(path.read_bytes())  # noqa: S301  (our own process wrote it)
        except FileNotFoundError:
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            hint = " (out of memory?)" if status == -9 else ""
            return Failure(f"its process ended {how}{hint}")
        path.unlink()
        return result

    def _over_memory(self) -> list[Finished]:
        """Stop the largest fit if all together take more than they may."""
        began = time.monotonic()
        if self.memory_limit is None or began < self._memory_due:
            return []
        sizes = self._sizes(self.memory_limit)
        now = time.monotonic()
        self._memory_due = now + max(_MEMORY_CHECKED_EVERY, min((now - began) / _CHECKING_SHARE, _UNCHECKED_AT_MOST))
        if sum(sizes.values()) <= self.memory_limit:
            return []
        largest = max(sizes, key=lambda ticket: sizes[ticket])
        self.stop(largest)
        return [
            (
                largest,
                Failure(
                    f"it took {sizes[largest] / 2**20:,.0f} MB beside the rows, and all fits together may take "
                    f"{self.memory_limit / 2**20:,.0f} MB"
                ),
            )
        ]

    def _sizes(self, limit: int) -> dict[int, int]:
        """Bytes that each fit takes beside the rows; at least those where all pages together are within the limit."""
        processes: dict[int, psutil.Process] = {}
        sizes: dict[int, int] = {}
        for ticket, pid in self._running.items():
            if pid is not None:
                with contextlib.suppress(psutil.Error):
                    processes[ticket] = psutil.Process(pid)
                    sizes[ticket] = processes[ticket].memory_info().rss
        if sum(sizes.values()) <= limit:
            return sizes
        return {ticket: _own_bytes(processes[ticket], self._began_with.get(ticket, 0)) for ticket in sizes}

    def _all_lost(self) -> list[Finished]:
        """What to say when the server is gone."""
        self._gone = True  # a process that is ending may still take what is written to it
        lost = [(ticket, Failure("the process that holds the rows ended")) for ticket in self._running]
        self._running.clear()
        return list(lost)


def _own_bytes(process: psutil.Process, began_with: int) -> int:
    """Memory of a forked process that it shares with none; where that is not told, what it grew by since it began."""
    try:
        return int(process.memory_full_info().uss)
    except (psutil.AccessDenied, AttributeError):
        with contextlib.suppress(psutil.Error):
            return max(0, process.memory_info().rss - began_with)
    except psutil.Error:
        pass  # it has ended
    return 0


def can_fork() -> bool:
    """Whether this system forks safely: elsewhere fits are done in this process."""
    return sys.platform.startswith("linux")


@contextlib.contextmanager
def make_executor(
    *,
    workers: int,
    memory_limit: int | None = None,
    address: str | None = None,
    beside: str | None = None,
    imports: Sequence[str] = ENGINE,
    clock: Clock = time.monotonic,
) -> Iterator[Executor]:
    """Processes where they can be had, this process elsewhere; with a folder that goes when the work is done.

    Parameters
    ----------
    workers : int
        Fits at a time; 0 keeps everything in this process.
    memory_limit : int, optional
        Bytes that the fits may take together beside the rows.
    address : str, optional
        Scheduler of a Dask cluster that does the fits instead, with as many at a time as it has threads.
    beside : str, optional
        Folder to make that folder in; by default the system's for temporary files.
    imports : sequence of str
        Modules that all fits need, for processes of this machine.
    clock : callable
        Monotonic seconds, for fits in this process.

    Raises
    ------
    InputError
        If no cluster can be used at `address`.
    """
    folder = Path(tempfile.mkdtemp(prefix="ml-engineer-fits-", dir=beside))
    processes: ProcessExecutor | None = None
    try:
        if address is not None:
            from ml_engineer.modelling.dask_executor import open_cluster

            with open_cluster(address, folder=folder, memory_limit=memory_limit) as cluster:
                yield cluster
        elif workers < 1 or not can_fork():
            yield InlineExecutor(folder=folder, clock=clock, memory_limit=memory_limit)
        else:
            processes = ProcessExecutor(workers=workers, folder=folder, memory_limit=memory_limit, imports=imports)
            yield processes
    finally:
        if processes is not None:
            processes.close()
        shutil.rmtree(folder, ignore_errors=True)
