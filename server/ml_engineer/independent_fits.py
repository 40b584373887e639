"""Fits as independent pieces of work: what one is, who does them, and how workers are kept busy with them.

It is the seam between a search, which knows what it wants fitted, and whoever does it: this process, processes of their
own, or a cluster. Neither knows anything of the other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ml_engineer.errors import JobCancelledError

__all__ = ["Clock", "Executor", "Failure", "Finished", "InlineExecutor", "Piece", "Work", "attempt", "do_pieces"]

Clock = Callable[[], float]
_LOOKED_AT_EVERY = 0.2


@dataclass(frozen=True)
class Failure:
    """Why a fit could not be done."""

    reason: str
    out_of_time: bool = False


Finished = tuple[int, Any]
"""The ticket of a fit that ended, and what came of it: what its work gives, or a `Failure`."""


class Work(Protocol):
    """A fit that any process can do that has the rows; it is pickled on the way there."""

    @property
    def library(self) -> str | None:
        """Module that the fit needs, to be imported once for all fits."""

    @property
    def model_path(self) -> str | None:
        """Where the fit leaves its model, if it does."""

    def run(self, rows: Any, *, scratch: Path | None, clock: Clock) -> Any:
        """Do it on the rows that were handed over; what it raises becomes a `Failure`."""


class Executor(Protocol):
    """Does fits, several at a time; the search knows no more of it."""

    workers: int
    folder: Path
    """Where fitted models may be left."""
    can_stop: bool
    """Whether a fit can be stopped midway."""
    is_remote: bool
    """Whether fits use other cores than this machine's."""
    memory_limit: int | None
    """Bytes that all fits together may take beside the rows; None if nobody set one."""

    def load(self, data: Any) -> None:
        """Hand over the rows that all fits are on; before the first one."""

    def submit(self, task: Work) -> int:
        """Begin a fit; gives its ticket."""

    def wait(self, seconds: float) -> list[Finished]:
        """Fits that ended, by ticket, after at most `seconds` unless one cannot be stopped."""

    def stop(self, ticket: int) -> None:
        """Stop a fit; nothing more is heard of it."""


class InlineExecutor:
    """Fits in this process, one after the other.

    Parameters
    ----------
    folder : pathlib.Path
        For prepared rows and fitted models; exists.
    clock : callable
        Monotonic seconds.
    memory_limit : int, optional
        Bytes that a fit may take, for a search that asks before it begins one. None of them is stopped midway.
    """

    workers = 1
    can_stop = False
    is_remote = False

    def __init__(self, *, folder: Path, clock: Clock = time.monotonic, memory_limit: int | None = None) -> None:
        self.folder = folder
        self.memory_limit = memory_limit
        self._clock = clock
        self._data: Any = None
        self._queue: deque[tuple[int, Work]] = deque()
        self._tickets = 0

    def load(self, data: Any) -> None:
        """Hand over the rows that all fits are on."""
        self._data = data

    def submit(self, task: Work) -> int:
        """Begin a fit; gives its ticket."""
        self._tickets += 1
        self._queue.append((self._tickets, task))
        return self._tickets

    def wait(self, seconds: float) -> list[Finished]:  # noqa: ARG002  (a fit cannot be stopped here)
        """Fits that ended."""
        if not self._queue or self._data is None:
            return []
        ticket, task = self._queue.popleft()
        data = self._data
        return [(ticket, attempt(lambda: task.run(data, scratch=self.folder, clock=self._clock)))]

    def stop(self, ticket: int) -> None:
        """Stop a fit; nothing more is heard of it."""
        self._queue = deque(one for one in self._queue if one[0] != ticket)


def attempt(work: Callable[[], Any]) -> Any | Failure:
    """Do `work`; whatever it raises becomes a `Failure`, because a candidate that fails costs only itself."""
    try:
        return work()
    except JobCancelledError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  (estimators are anybody's code)
        text = " ".join(str(error).split())
        return Failure(f"{type(error).__name__}: {text[:240]}" if text else type(error).__name__)


@dataclass(frozen=True)
class Piece:
    """A fit that a search wants.

    Parameters
    ----------
    about : object
        Whose fit it is, for whoever asked.
    work : Work
        The fit.
    seconds : float
        After so long it is stopped, where it can be.
    memory : int
        Bytes that it is expected to take; it waits for others if all together would take too much.
    """

    about: Any
    work: Work
    seconds: float = float("inf")
    memory: int = 0


def _nothing() -> None:
    """Tell nobody."""


def _never() -> bool:
    return False


def _forever() -> float:
    return float("inf")


def do_pieces(
    executor: Executor,
    pieces: Iterable[Piece],
    *,
    ended: Callable[[Piece, Any], None],
    clock: Clock,
    until: Callable[[], float] = _forever,
    tell: Callable[[], None] = _nothing,
    asked_to_stop: Callable[[], bool] = _never,
) -> None:
    """Have pieces done, in their order, until they or the time are out.

    Parameters
    ----------
    executor : Executor
        Who does them; has the rows.
    pieces : iterable of Piece
        Asked for the next one only when a worker is free, so that it may decide from what has ended so far.
    ended : callable
        ``ended(piece, outcome)``, once for each piece that was begun.
    clock : callable
        Monotonic seconds.
    until : callable
        Reading of the clock after which none begins, and at which running ones are stopped where they can be; asked again
        and again, because what has ended may change what must be kept for later.
    tell : callable
        Called several times a second; may raise `JobCancelledError`.
    asked_to_stop : callable
        Whether somebody wants the best so far: nothing more begins, and what runs is stopped where it can be.
    """
    waiting = iter(pieces)
    held: Piece | None = None
    running: dict[int, tuple[Piece, float]] = {}
    limit = executor.memory_limit if not executor.is_remote else None  # workers elsewhere have limits of their own
    try:
        while True:
            while len(running) < executor.workers and clock() < until() and not asked_to_stop():
                piece = held or next(waiting, None)
                held = None
                if piece is None:
                    break
                together = piece.memory + sum(one.memory for one, _ in running.values())
                if running and limit is not None and together > limit:
                    held = piece
                    break
                running[executor.submit(piece.work)] = piece, clock()
            if not running:
                return
            tell()
            for ticket, outcome in executor.wait(_LOOKED_AT_EVERY):
                ended(running.pop(ticket)[0], outcome)
            if executor.can_stop:
                _stop_overdue(executor, running, until(), clock(), asked=asked_to_stop(), ended=ended)
    finally:
        for ticket in running:
            executor.stop(ticket)


def _stop_overdue(
    executor: Executor,
    running: dict[int, tuple[Piece, float]],
    until: float,
    now: float,
    *,
    asked: bool,
    ended: Callable[[Piece, Any], None],
) -> None:
    for ticket, (piece, began) in list(running.items()):
        if not asked and now < min(began + piece.seconds, until):
            continue
        executor.stop(ticket)
        del running[ticket]
        why = "the training was asked to stop" if asked else f"stopped after {now - began:.3g} s"
        ended(piece, Failure(why, out_of_time=True))
