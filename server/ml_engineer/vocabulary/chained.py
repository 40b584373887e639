"""Entries of an append-only log: each names the hash of the one before, so that none can be changed unnoticed."""

from __future__ import annotations

from pydantic import Field

from ml_engineer.vocabulary.records import Record

__all__ = ["ChainedEntry"]


class ChainedEntry(Record):
    """One line of an append-only log."""

    sequence: int = Field(ge=0, description="Place in the log, from 0.")
    at: str = Field(description="Time, ISO 8601 UTC.")
    who: str = Field(default="", description="User and host that caused the entry.")
    previous_sha256: str = Field(description="Hash of the entry before; 64 zeros for the first.")
    entry_sha256: str = Field(description="Hash over all other fields.")
