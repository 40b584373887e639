"""What sealing and restoring share: a table hashed once, the deal described, and all of it written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.hash_chain import to_lines
from ml_engineer.seal.cell_tables import CellTable, HashedFrame
from ml_engineer.seal.fingerprints import rows_sha256
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.row_list import write_row_list
from ml_engineer.seal.vault import Entries, Vault
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.split import Deal, LedgerEntry

__all__ = ["DealtTable", "SealReceipt", "describe_deal", "store_deal"]

_REMEMBERED_COLUMNS = 64
"""Columns of a table whose cells are kept in the vault: those that tell rows apart best."""


@dataclass(frozen=True)
class SealReceipt:
    """What a project may know of its seal; the fields of a `SplitPlan`."""

    deal_id: str
    table_sha256: str
    development_sha256: str
    held_out_sha256: str
    matched_rows: int
    ambiguous_rows: int
    looks_inherited: int


@dataclass(frozen=True)
class DealtTable:
    """A table with its sides, (n,) bool, and its hashes."""

    frame: pd.DataFrame
    held_out: np.ndarray
    hashed: HashedFrame

    @cached_property
    def table_sha256(self) -> str:
        """Fingerprint of all rows."""
        return rows_sha256(self.hashed.row_hashes, self.frame.columns)

    @cached_property
    def development_sha256(self) -> str:
        """Fingerprint of the rows that are not held out."""
        return rows_sha256(self.hashed.row_hashes[~self.held_out], self.frame.columns)

    @cached_property
    def held_out_sha256(self) -> str:
        """Fingerprint of the held-out rows."""
        return rows_sha256(self.hashed.row_hashes[self.held_out], self.frame.columns)

    @property
    def remembered(self) -> CellTable:
        """Cells of the columns that are kept in the vault."""
        return self.hashed.table.first(_REMEMBERED_COLUMNS)

    def deal_id(self) -> str:
        """Name of the deal: the same for the same rows on the same sides."""
        parts = f"{self.development_sha256} {self.held_out_sha256}"
        return f"deal_{hashlib.sha256(parts.encode('ascii')).hexdigest()[:16]}"


def describe_deal(
    *,
    dealt: DealtTable,
    deal_id: str,
    definition: SplitDefinition,
    target: str,
    key: str,
    ancestors: tuple[str, ...],
    now: str,
    project_ledger: Path,
) -> Deal:
    """The deal as the vault remembers it."""
    return Deal(
        deal_id=deal_id,
        definition=definition,
        target=target,
        key=key,
        table_sha256=dealt.table_sha256,
        development_sha256=dealt.development_sha256,
        held_out_sha256=dealt.held_out_sha256,
        rows=len(dealt.frame),
        held_out_rows=int(dealt.held_out.sum()),
        columns=dealt.remembered.columns,
        created_at=now,
        project_path=str(project_ledger.resolve().parent),
        ancestors=ancestors,
    )


def store_deal(
    store: Vault, made: Deal, dealt: DealtTable, ledger: Ledger, chain: tuple[LedgerEntry, ...], *, moved: bool
) -> None:
    """Write vault and project; call it while the vault is locked."""
    if store.holds(made.deal_id):
        known = store.load_deal(made.deal_id)
        ancestors = tuple(dict.fromkeys((*known.ancestors, *made.ancestors)))
        # Dealt anew the way it once was, it is the latest deal of these rows again.
        created_at = made.created_at if moved else known.created_at
        renewed = known.model_copy(update={"ancestors": ancestors, "created_at": created_at})
        if renewed != known:
            store.rewrite_deal(renewed)
        ledger.write(chain)
    else:
        entries = Entries(dealt.hashed.row_hashes, dealt.held_out, dealt.remembered)
        store.add(made, entries, dealt.frame[dealt.held_out], to_lines(chain))
        ledger.write_project(chain)
    store.remember_project(ledger.project, ledger.project_path.resolve().parent, target=made.target)
    write_row_list(ledger.project_path, made.deal_id, dealt.hashed.row_hashes[dealt.held_out])
