"""Sealing: the held-out rows go into the vault, and the ledger begins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.errors import SealError
from ml_engineer.seal.cell_tables import CellTable, describe_cells
from ml_engineer.seal.chain import chained, deals_in, lineage_looks, looked_at, looks_inherited, to_lines
from ml_engineer.seal.dealing import deal, deal_key
from ml_engineer.seal.fingerprints import rows_sha256
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.private_files import disk_errors
from ml_engineer.seal.recognised import HELD_OUT, NEVER_SEEN, Recognition
from ml_engineer.seal.row_list import read_row_list, write_row_list
from ml_engineer.seal.vault import Entries, Vault
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.split import Deal, LedgerEntry, SplitPlan

__all__ = ["REMEMBERED_COLUMNS", "SealReceipt", "knows_deal", "restore", "seal"]

REMEMBERED_COLUMNS = 64
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


def knows_deal(deal_id: str, *, vault: Path | None = None) -> bool:
    """Whether the vault on this machine holds a deal."""
    return Vault(vault).holds(deal_id)


def seal(
    frame: pd.DataFrame,
    held_out: np.ndarray,
    *,
    definition: SplitDefinition,
    target: str,
    project_ledger: Path,
    recognition: Recognition | None,
    redeal: bool,
    now: str,
    who: str,
    vault: Path | None = None,
) -> SealReceipt:
    """Put the held-out rows into the vault and write the deal into both copies of the ledger.

    The name of the deal follows from the rows and their sides: the same deal made again, here or on another machine,
    is the same deal, and nothing is written but what is missing. Beside the project's copy of the ledger lies
    ``ledger.rows``, the hashes of the held-out rows, from which `restore` finds them again in the source.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table as it was read, n rows.
    held_out : numpy.ndarray
        (n,) bool, from `deal`.
    definition : SplitDefinition
        The rule.
    target : str
        Column to predict.
    project_ledger : pathlib.Path
        The project's copy of the ledger.
    recognition : Recognition or None
        What `recognise` knew of the table, also when it was dealt anew: the looks are inherited from it.
    redeal : bool
        Whether a person asked for known rows to change sides.
    now : str
        Time, ISO 8601 UTC.
    who : str
        User and host.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Raises
    ------
    SealError
        If known rows change sides after a look and nobody asked for it, or the vault cannot be written.
    """
    held_out = np.asarray(held_out, dtype=bool)
    moved = _moved_rows(held_out, recognition)
    if moved and recognition is not None and recognition.looks and not redeal:
        raise SealError(
            "Rows that were dealt before would change sides",
            found=f"{moved} rows, after {recognition.looks} looks at the held-out rows",
            remedy="Pass redeal=true to deal them anew; the looks stay counted",
        )
    store = Vault(vault)
    hashed = _HashedTable(frame, held_out, *describe_cells(frame, columns=REMEMBERED_COLUMNS))
    deal_id = hashed.deal_id()
    ledger = Ledger(deal_id, store.ledger(deal_id), project_ledger)
    context = {"at": now, "who": who, "held_out_sha256": hashed.sha256(held_out)}
    with store.locked():
        chain = ledger.settled(repair=True, **context)
        ancestors, inherited = _inheritance(recognition, ledger, chain, store)
        chain = _with_this_deal(chain, ledger, moved=moved, inherited=inherited, context=context)
        made = _describe(
            hashed=hashed,
            deal_id=deal_id,
            definition=definition,
            target=target,
            key=deal_key(definition.seed) if recognition is None or moved else recognition.key,
            ancestors=ancestors,
            now=now,
            project_ledger=project_ledger,
        )
        _store(store, made, hashed, ledger, chain, moved=moved > 0)
    return SealReceipt(
        deal_id=deal_id,
        table_sha256=made.table_sha256,
        development_sha256=made.development_sha256,
        held_out_sha256=made.held_out_sha256,
        matched_rows=0 if recognition is None else recognition.matched_rows,
        ambiguous_rows=0 if recognition is None else recognition.ambiguous_rows,
        looks_inherited=max(inherited, looks_inherited(chain)),
    )


def restore(
    frame: pd.DataFrame, plan: SplitPlan, *, target: str, project_ledger: Path, vault: Path | None = None
) -> SealReceipt:
    """Rebuild the vault of a project that came from another machine, or whose vault was lost.

    The held-out rows are found in the source by ``ledger.rows`` beside the project's ledger, or, without it, by
    dealing the table again; either way their fingerprint must be the one in `plan`. The project's ledger becomes the
    vault's, so that no look is forgotten.

    Parameters
    ----------
    frame : pandas.DataFrame
        The source, read as it was read when it was sealed.
    plan : SplitPlan
        The project's record of the split.
    target : str
        Column to predict.
    project_ledger : pathlib.Path
        The project's copy of the ledger.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Raises
    ------
    SealError
        If rows are missing from the source, or the project's ledger does not add up.
    """
    store = Vault(vault)
    ledger = Ledger(plan.deal_id, store.ledger(plan.deal_id), project_ledger)
    table, row_hashes = describe_cells(frame, columns=REMEMBERED_COLUMNS)
    held_out, missing = _find_held_out(frame, row_hashes, plan, target, project_ledger)
    hashed = _HashedTable(frame, held_out, table, row_hashes)
    if hashed.sha256(held_out) != plan.held_out_sha256:
        raise SealError(
            f"The held-out rows of {plan.deal_id} cannot be found in the source",
            found=missing,
            remedy="Give the source as it was when the rows were sealed, or call frame_problem with redeal=true: "
            "a new deal, which inherits the looks that the project's ledger holds",
        )
    with store.locked():
        chain = _project_chain(ledger)
        made = _describe(
            hashed=hashed,
            deal_id=plan.deal_id,
            definition=plan.definition,
            target=target,
            key=deal_key(plan.definition.seed),
            ancestors=(),
            now=chain[0].at,
            project_ledger=project_ledger,
        )
        _store(store, made, hashed, ledger, chain, moved=False)
    return SealReceipt(
        deal_id=plan.deal_id,
        table_sha256=made.table_sha256,
        development_sha256=made.development_sha256,
        held_out_sha256=made.held_out_sha256,
        matched_rows=len(frame),
        ambiguous_rows=0,
        looks_inherited=looks_inherited(chain),
    )


@dataclass(frozen=True)
class _HashedTable:
    """A table with its sides, (n,) bool, cells, and row hashes, (n,) uint64."""

    frame: pd.DataFrame
    held_out: np.ndarray
    table: CellTable
    row_hashes: np.ndarray

    def sha256(self, rows: np.ndarray) -> str:
        return rows_sha256(self.row_hashes[rows], self.frame.columns)

    def deal_id(self) -> str:
        """Name of the deal: the same for the same rows on the same sides."""
        parts = f"{self.sha256(~self.held_out)} {self.sha256(self.held_out)}"
        return f"deal_{hashlib.sha256(parts.encode('ascii')).hexdigest()[:16]}"


def _moved_rows(held_out: np.ndarray, recognition: Recognition | None) -> int:
    if recognition is None:
        return 0
    known = recognition.side != NEVER_SEEN
    return int(np.sum(known & ((recognition.side == HELD_OUT) != held_out)))


def _inheritance(
    recognition: Recognition | None, ledger: Ledger, chain: tuple[LedgerEntry, ...], store: Vault
) -> tuple[tuple[str, ...], int]:
    """Earlier deals of these rows, and the looks taken under them (those of this deal itself not counted).

    Deals that only the project's ledger knows, because their vault was lost, are counted too: whether they were
    dealt from these rows can no longer be told, and forgetting looks would be the worse mistake.
    """
    recognised = () if recognition is None else recognition.deals
    lost = [name for name in _deals_in(ledger.project_path) if not store.holds(name)]
    earlier = tuple(name for name in dict.fromkeys((*recognised, *lost)) if name != ledger.deal_id)
    ledgers = {name: Ledger(name, store.ledger(name), ledger.project_path).entries() for name in earlier}
    looks = lineage_looks({**ledgers, ledger.deal_id: chain})
    return earlier, looks - len(looked_at(chain))


def _deals_in(project_ledger: Path) -> list[str]:
    with disk_errors(project_ledger):
        return deals_in(project_ledger.read_bytes()) if project_ledger.exists() else []


def _describe(
    *,
    hashed: _HashedTable,
    deal_id: str,
    definition: SplitDefinition,
    target: str,
    key: str,
    ancestors: tuple[str, ...],
    now: str,
    project_ledger: Path,
) -> Deal:
    return Deal(
        deal_id=deal_id,
        definition=definition,
        target=target,
        key=key,
        table_sha256=hashed.sha256(np.ones(len(hashed.frame), dtype=bool)),
        development_sha256=hashed.sha256(~hashed.held_out),
        held_out_sha256=hashed.sha256(hashed.held_out),
        rows=len(hashed.frame),
        held_out_rows=int(hashed.held_out.sum()),
        columns=hashed.table.columns,
        created_at=now,
        project_path=str(project_ledger.resolve().parent),
        ancestors=ancestors,
    )


def _with_this_deal(
    chain: tuple[LedgerEntry, ...], ledger: Ledger, *, moved: int, inherited: int, context: dict[str, str]
) -> tuple[LedgerEntry, ...]:
    """`chain` with an entry for the deal, unless this project's last entries say all there is to say."""
    here_before = any(entry.project == ledger.project for entry in chain)
    if here_before and not moved and inherited <= looks_inherited(chain):
        return chain
    entry = chained(
        chain[-1] if chain else None,
        event="redeal" if moved else "deal",
        deal_id=ledger.deal_id,
        why=f"{moved} known rows changed sides" if moved else "",
        looks_inherited=inherited,
        project=ledger.project,
        **context,
    )
    return (*chain, entry)


def _store(
    store: Vault, made: Deal, hashed: _HashedTable, ledger: Ledger, chain: tuple[LedgerEntry, ...], *, moved: bool
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
        entries = Entries(row_hashes=hashed.row_hashes, held_out=hashed.held_out, table=hashed.table)
        store.add(made, entries, hashed.frame[hashed.held_out], to_lines(chain))
        ledger.write_project(chain)
    write_row_list(ledger.project_path, made.deal_id, hashed.row_hashes[hashed.held_out])


def _find_held_out(
    frame: pd.DataFrame, row_hashes: np.ndarray, plan: SplitPlan, target: str, project_ledger: Path
) -> tuple[np.ndarray, str]:
    """The held-out rows, (n,) bool, and what to say if they turn out not to be the sealed ones."""
    listed = read_row_list(project_ledger, plan.deal_id)
    rows = f"the source has {len(frame)} rows, and {plan.development_rows + plan.held_out_rows} were dealt"
    if listed is None:
        return deal(frame, plan.definition, target=target), f"dealt again, other rows are held out; {rows}"
    absent = int(np.sum(~np.isin(listed, row_hashes)))
    found = f"{absent} of {len(listed)} held-out rows are not there as they were; {rows}"
    return np.isin(row_hashes, listed), found


def _project_chain(ledger: Ledger) -> tuple[LedgerEntry, ...]:
    vault, project = ledger.copies()
    if project is None or project.faults:
        raise SealError(
            f"The project's ledger of {ledger.deal_id} does not add up",
            found="it is missing" if project is None else "; ".join(project.faults),
            remedy="Put it back from version control",
        )
    if vault is not None and vault.chain[: project.sound] == project.chain:
        return vault.chain
    return project.chain
