"""How the rows were dealt."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ml_engineer.vocabulary.chained import ChainedEntry
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.records import Record, StoredRecord

__all__ = ["Deal", "DealColumn", "LedgerEntry", "SplitPlan"]


class SplitPlan(StoredRecord):
    """The deal as it was made: counts and fingerprints, never the held-out rows themselves."""

    kind: ClassVar[str] = "split"

    deal_id: str = Field(description="Name of the deal; the vault and the ledger carry it too.")
    definition: SplitDefinition = Field(description="The rule.")
    target: str = Field(default="", description="Column to predict when the rows were dealt.")
    table_sha256: str = Field(description="Content fingerprint of the table that was dealt.")
    development_rows: int = Field(ge=0, description="Rows for training and cross-validation.")
    held_out_rows: int = Field(ge=0, description="Sealed rows.")
    development_sha256: str = Field(description="Fingerprint of the development rows, order-free.")
    held_out_sha256: str = Field(description="Fingerprint of the held-out rows, order-free.")
    fold_rows: tuple[int, ...] = Field(description="Rows in each fold.")
    matched_rows: int = Field(default=0, ge=0, description="Rows recognised from an earlier deal, whose side was kept.")
    ambiguous_rows: int = Field(default=0, ge=0, description="Rows that could not be matched to one earlier row.")
    looks_inherited: int = Field(default=0, ge=0, description="Looks taken at these rows before this deal.")


class LedgerEntry(ChainedEntry):
    """One line of the append-only ledger; each names the hash of the one before."""

    event: str = Field(
        description="'deal', 'redeal', 'look' (written before the rows are read), 'score' (what that look gave), "
        "'check' (a model that was looked at was scored again, to verify its score) "
        "or 'repair' (the two copies were brought into agreement)."
    )
    deal_id: str = Field(description="Deal concerned.")
    held_out_sha256: str = Field(description="Fingerprint of the held-out rows.")
    model_sha256: str | None = Field(default=None, description="Hash of the model that was evaluated, for looks.")
    why: str = Field(default="", description="Reason, for looks and re-deals.")
    metrics: dict[str, float] = Field(default_factory=dict, description="Point values that a look gave.")
    looks_inherited: int = Field(
        default=0, ge=0, description="Looks taken at these rows under earlier deals, for deals and re-deals."
    )
    project: str = Field(default="", description="Short hash of the project's place, which tells projects apart.")
    candidates: int = Field(
        default=0, ge=0, description="Candidates that the project had tried on its development rows, for looks."
    )


class DealColumn(Record):
    """What is remembered of one column of a dealt table, so that the table is known again."""

    name: str = Field(description="Column name at the time.")
    distinct_values: int = Field(ge=0, description="Different values, missing counted as one.")
    bits: float = Field(ge=0, description="Entropy of the column's values, in bits.")
    counter: bool = Field(
        description="Whether the values only count (row numbers, an even calendar) and so prove nothing."
    )


class Deal(Record):
    """One deal as the vault remembers it; lies beside the sealed rows, never in a project."""

    format_version: int = Field(default=1, ge=1, description="Version of the vault's layout and of the hashes.")
    deal_id: str = Field(description="Name of the deal.")
    definition: SplitDefinition = Field(description="The rule.")
    target: str = Field(description="Column to predict when the rows were dealt.")
    key: str = Field(description="Key of the hash by which rows never seen are dealt, hex.")
    table_sha256: str = Field(description="Content fingerprint of the table.")
    development_sha256: str = Field(description="Fingerprint of the development rows, order-free.")
    held_out_sha256: str = Field(description="Fingerprint of the held-out rows, order-free.")
    rows: int = Field(ge=0, description="Rows of the table.")
    held_out_rows: int = Field(ge=0, description="Sealed rows.")
    columns: tuple[DealColumn, ...] = Field(description="The columns whose cells are kept, in the order they are kept.")
    created_at: str = Field(description="Time, ISO 8601 UTC.")
    project_path: str = Field(description="Project that made the deal.")
    ancestors: tuple[str, ...] = Field(
        default=(), description="Earlier deals of the same rows, whose looks are inherited."
    )
