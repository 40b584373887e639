"""The two bases of every record: passed on, and stored."""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fraction", "Record", "Seconds", "StoredRecord"]

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Record(BaseModel):
    """A frozen value with described fields; unknown fields are refused."""

    # Building validators lazily keeps the doors' start-up short.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class StoredRecord(Record):
    """A record that lies in the user's project as JSON (or YAML) and names what it was made from."""

    kind: ClassVar[str]
    """Name of the record's file in the project, without its ending."""

    schema_version: int = Field(default=1, ge=1, description="Version of this record's layout.")
    parents: dict[str, str] = Field(
        default_factory=dict,
        description="Kind of each record this one was made from, and that record's content hash.",
    )

    def content_hash(self) -> str:
        """SHA-256 (hex) of the record's canonical JSON; equal records have equal hashes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
