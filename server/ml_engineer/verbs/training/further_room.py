"""How many rows beyond a sample there is time and memory for, by what the first of them took."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from ml_engineer.modelling.out_of_core import growing_bytes

__all__ = ["Pace", "rows_in_memory", "rows_in_time"]

_SPARE = 0.85
"""Of the time that is left, what may be planned with."""
_ALWAYS_BYTES = 150 * 2**20
"""What growing takes however few its rows are: libraries, and what every fit holds."""
_ALWAYS_SECONDS = 1.0
_BINNING = 1.3
"""Growing from a file takes about so many times what it takes from memory."""
_HASHED_BYTES = 2**24
_MANY_ROWS = 200_000
"""From so many rows on, each takes the same."""


@dataclass(frozen=True)
class Pace:
    """What rows take, in seconds each.

    Parameters
    ----------
    source_rows, sampled_rows : int
        Rows of the whole table, and development rows of its sample.
    bytes_to_hash : int
        Size of the files.
    reading, preparing, growing : float
        Seconds that a row takes to be read and dealt; to be prepared; and to be learned from, in all models together.
    """

    source_rows: int
    sampled_rows: int
    bytes_to_hash: int
    reading: float
    preparing: float
    growing: float


def rows_in_time(pace: Pace, seconds: float) -> float:
    """Further rows that can be prepared and learned from in `seconds`; below zero if the time does not even do to read all."""
    always = _ALWAYS_SECONDS + pace.bytes_to_hash * _hashing_seconds() + pace.source_rows * pace.reading
    each = pace.preparing + _BINNING * pace.growing
    return (_SPARE * seconds - always) / max(each, 1e-9) - pace.sampled_rows


def rows_in_memory(columns: int, classes: int, limit: float) -> float:
    """Rows, those of the sample among them, on which growing keeps within `limit` bytes; 0 if there are none."""
    one, two = (growing_bytes(columns, classes, rows) for rows in (_MANY_ROWS, 2 * _MANY_ROWS))
    each = (two - one) / _MANY_ROWS
    left = limit - _ALWAYS_BYTES
    if left < one:  # so few rows that bins are found on all of them
        return max(left, 0.0) / (one / _MANY_ROWS)
    return _MANY_ROWS + (left - one) / each


def _hashing_seconds() -> float:
    """Seconds to hash a byte on this machine."""
    block = bytes(_HASHED_BYTES)
    began = time.perf_counter()
    hashlib.sha256(block).hexdigest()
    return (time.perf_counter() - began) / _HASHED_BYTES
