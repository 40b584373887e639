"""What was asked and answered, in a SQLite file, written off the request's path.

Requests put their entries into a bounded queue and go on; one thread writes them in batches. When the queue is full
or the file cannot be written, entries are lost and counted, never waited for.
"""

import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger(__name__)

_TABLE = """CREATE TABLE IF NOT EXISTS predictions (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    inputs TEXT NOT NULL,
    answer TEXT NOT NULL,
    milliseconds REAL NOT NULL
)"""
_INSERT = (
    "INSERT INTO predictions (at, request_id, model_sha256, inputs, answer, milliseconds) VALUES (?, ?, ?, ?, ?, ?)"
)
_BATCH = 500
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Entry:
    """One row that was predicted."""

    at: str
    request_id: str
    model_sha256: str
    inputs: dict[str, Any]
    answer: dict[str, Any]
    milliseconds: float


class PredictionLog:
    """A log with one writing thread; `close` it to have everything written.

    Parameters
    ----------
    path : pathlib.Path
        SQLite file; made if it is not there.
    capacity : int
        Entries that may wait to be written.
    """

    def __init__(self, path: Path, *, capacity: int = 10_000) -> None:
        self.path = path
        self._waiting: queue.Queue[Entry | None] = queue.Queue(capacity)
        self._lost = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._write_all, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Entries that were not written."""
        return self._lost

    def add(self, entries: Sequence[Entry]) -> None:
        """Queue entries; those that do not fit are lost."""
        for entry in entries:
            try:
                self._waiting.put_nowait(entry)
            except queue.Full:
                self._lose(1)

    def close(self) -> None:
        """Write what is waiting and stop."""
        try:
            self._waiting.put(None, timeout=_PATIENCE_SECONDS)
        except queue.Full:
            return
        self._thread.join(timeout=2 * _PATIENCE_SECONDS)

    def _lose(self, entries: int) -> None:
        with self._lock:
            self._lost += entries

    def _write_all(self) -> None:
        """Write batches until told to stop."""
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                try:
                    self._write(batch)
                except Exception:
                    # Whatever it is, the thread goes on: the next entries may be written.
                    LOGGER.exception("%d predictions could not be logged", len(batch))
                    self._lose(len(batch))

    def _next_batch(self) -> tuple[list[Entry], bool]:
        """Wait for entries; whatever has piled up goes together."""
        batch: list[Entry] = []
        entry = self._waiting.get()
        while entry is not None:
            batch.append(entry)
            if len(batch) == _BATCH:
                return batch, True
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _write(self, batch: list[Entry]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(_TABLE)
            connection.executemany(_INSERT, [_as_line(entry) for entry in batch])


def _as_line(entry: Entry) -> tuple[str, str, str, str, str, float]:
    inputs, answer = (json.dumps(part, allow_nan=False) for part in (entry.inputs, entry.answer))
    return entry.at, entry.request_id, entry.model_sha256, inputs, answer, entry.milliseconds


def now() -> str:
    """Give the time as the log writes it: ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
