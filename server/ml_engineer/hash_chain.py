"""The hash chain of an append-only log: making the next entry, and finding where a chain no longer holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ml_engineer.vocabulary.chained import ChainedEntry

__all__ = ["chained", "clock_faults", "sound_length", "to_lines"]

E = TypeVar("E", bound=ChainedEntry)

_GENESIS = "0" * 64
_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of two machines may be apart before it is worth telling."""


def chained(kind: type[E], previous: E | None, **fields: Any) -> E:
    """An entry that follows `previous` (none for the first)."""
    draft = kind(
        sequence=0 if previous is None else previous.sequence + 1,
        previous_sha256=_GENESIS if previous is None else previous.entry_sha256,
        entry_sha256="",
        **fields,
    )
    return draft.model_copy(update={"entry_sha256": _hash_entry(draft)})


def _hash_entry(entry: ChainedEntry) -> str:
    # Sorted and without defaults: a field that a later version adds leaves the hashes of old entries alone.
    fields = entry.model_dump(exclude={"entry_sha256"}, exclude_defaults=True)
    return hashlib.sha256(json.dumps(fields, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()


def to_lines(entries: Iterable[ChainedEntry]) -> bytes:
    """Entries as the lines of a log file."""
    return b"".join(entry.model_dump_json().encode("utf-8") + b"\n" for entry in entries)


def sound_length(entries: Sequence[ChainedEntry], *, named: Any = None) -> tuple[int, str]:
    """How many entries from the first on form an unbroken chain, and what is wrong behind them.

    Parameters
    ----------
    entries : sequence of ChainedEntry
        In file order.
    named : callable, optional
        ``named(entry)`` is what an entry is called in the fault; by default its place.
    """
    name = named or (lambda entry: f"entry {entry.sequence}")
    previous = _GENESIS
    seen: set[str] = set()
    numbers = {entry.sequence for entry in entries}
    for place, entry in enumerate(entries):
        if entry.entry_sha256 != _hash_entry(entry):
            return place, f"{name(entry)} was edited: its hash does not fit its content"
        if entry.entry_sha256 in seen:
            return place, f"{name(entry)} stands there twice"
        if entry.sequence > place:
            gone = sum(number not in numbers for number in range(place, entry.sequence))
            return place, _out_of_place(name(entry), place, gone)
        if entry.sequence != place or entry.previous_sha256 != previous:
            return place, f"{name(entry)} does not continue the one before it: the chain is broken"
        previous = entry.entry_sha256
        seen.add(previous)
    return len(entries), ""


def _out_of_place(entry: str, place: int, gone: int) -> str:
    """What became of the entries that should stand before `entry`, of which `gone` are nowhere in the log."""
    if gone == 0:
        return f"{entry} stands before others that it follows: the order was changed"
    if place == 0:
        return f"the beginning was cut off: the first that is left is {entry}"
    return f"entries before {entry} were taken out: {gone}"


def clock_faults(entries: Sequence[ChainedEntry]) -> tuple[str, ...]:
    """Entries that are older than the one they follow: somebody's clock was set back, or is wrong; one sentence each."""
    found = []
    latest: datetime | None = None
    for entry in entries:
        moment = _moment(entry.at)
        if moment is None:
            found.append(f"Entry {entry.sequence} has no time that can be read: {entry.at[:40]!r}.")
            continue
        if latest is not None and moment < latest - _CLOCKS_DIFFER:
            found.append(
                f"Entry {entry.sequence} says {entry.at}, earlier than the entry before it: a clock was set back."
            )
        latest = moment if latest is None else max(latest, moment)
    return tuple(found)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
