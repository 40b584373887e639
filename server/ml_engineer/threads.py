"""Processor cores, and work on several columns side by side, where NumPy and Arrow let go of the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

__all__ = ["available_cores", "in_threads"]

_LONG = 20_000
"""Rows from which on a column is worth a thread."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], *, rows: int) -> Iterator[Result]:
    """Apply `function` to each of `items`; the results come in their order.

    Parameters
    ----------
    function : callable
        Must not depend on the order of its calls.
    items : iterable
        Usually columns. Only as many are taken up ahead as there are processors, so that of a wide table few
        columns are in work at a time.
    rows : int
        Length of each item; short ones are done one after the other, as a thread would cost more than it saves.
    """
    workers = os.cpu_count() or 1
    if workers == 1 or rows < _LONG:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting.extend(pool.submit(function, item) for item in islice(left, workers))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(left, 1))
            yield result
