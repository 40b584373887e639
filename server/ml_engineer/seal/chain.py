"""The hash chain of a ledger: written, read back, and taken apart when it does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ml_engineer import hash_chain
from ml_engineer.seal.private_files import disk_errors
from ml_engineer.vocabulary.split import LedgerEntry

__all__ = [
    "Copy",
    "chained",
    "deals_in",
    "lineage_looks",
    "looked_at",
    "looks_inherited",
    "parse_copy",
    "read_copy",
]


@dataclass(frozen=True)
class Copy:
    """One copy of a deal's ledger.

    Parameters
    ----------
    entries : tuple of LedgerEntry
        Every entry of the deal that can be read, in file order.
    sound : int
        How many entries from the first on form an unbroken chain.
    faults : tuple of str
        What is wrong with it; empty if all is well.
    """

    entries: tuple[LedgerEntry, ...] = ()
    sound: int = 0
    faults: tuple[str, ...] = field(default=())

    @property
    def chain(self) -> tuple[LedgerEntry, ...]:
        """The unbroken part."""
        return self.entries[: self.sound]


def chained(previous: LedgerEntry | None, **fields: Any) -> LedgerEntry:
    """An entry that follows `previous` (none for the first)."""
    return hash_chain.chained(LedgerEntry, previous, **fields)


def read_copy(path: Path, deal_id: str) -> Copy | None:
    """The copy at `path`, or none if it holds nothing of this deal."""
    with disk_errors(path):
        text = path.read_bytes() if path.exists() else b""
    copy = parse_copy(text, deal_id)
    return copy if copy.entries or copy.faults else None


def parse_copy(text: bytes, deal_id: str) -> Copy:
    """Read a ledger file's bytes; a file may hold the ledgers of several deals."""
    entries: list[LedgerEntry] = []
    faults: list[str] = []
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = LedgerEntry.model_validate_json(line)
        except ValidationError:
            faults.append(f"line {number} is not a ledger entry")
            continue
        if entry.deal_id == deal_id:
            entries.append(entry)
    sound, fault = hash_chain.sound_length(entries, named=_named)
    return Copy(entries=tuple(entries), sound=sound, faults=(*faults, *([fault] if fault else [])))


def _named(entry: LedgerEntry) -> str:
    return f"entry {entry.sequence} ({entry.event})"


def deals_in(text: bytes) -> list[str]:
    """Names of the deals that a ledger file's bytes speak of, in the order of their first entries."""
    names: dict[str, None] = {}
    for line in text.split(b"\n"):
        try:
            names[LedgerEntry.model_validate_json(line).deal_id] = None
        except ValidationError:
            continue
    return list(names)


def looked_at(entries: Iterable[LedgerEntry]) -> frozenset[str]:
    """Hashes of the models that were looked at; a look without a model counts under its own hash."""
    return frozenset(entry.model_sha256 or entry.entry_sha256 for entry in entries if entry.event == "look")


def looks_inherited(entries: Iterable[LedgerEntry]) -> int:
    """Looks taken under earlier deals, as the entries say."""
    return max((entry.looks_inherited for entry in entries), default=0)


def lineage_looks(ledgers: Mapping[str, Sequence[LedgerEntry]]) -> int:
    """Looks taken under several deals of the same rows, each counted once.

    A deal's own entries say how many looks it inherited; of those, only what the other ledgers here do not show is
    added (their folders may be gone). The same model looked at under two deals saw two sets of rows: two looks.

    Parameters
    ----------
    ledgers : mapping of str to sequence of LedgerEntry
        Entries by deal.
    """
    own = {name: len(looked_at(entries)) for name, entries in ledgers.items()}
    total = sum(own.values())
    unseen = (looks_inherited(entries) - (total - own[name]) for name, entries in ledgers.items())
    return total + max(0, *unseen, 0)
