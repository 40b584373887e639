"""Rebuilding the vault on another machine, or after it was lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.errors import SealError
from ml_engineer.seal.cell_tables import hash_frame
from ml_engineer.seal.chain import looks_inherited
from ml_engineer.seal.dealing import deal, deal_key
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.row_list import read_row_list
from ml_engineer.seal.storing import DealtTable, SealReceipt, describe_deal, store_deal
from ml_engineer.seal.vault import Vault
from ml_engineer.vocabulary.split import LedgerEntry, SplitPlan

__all__ = ["knows_deal", "restore"]


def knows_deal(deal_id: str, *, vault: Path | None = None) -> bool:
    """Whether the vault on this machine holds a deal."""
    return Vault(vault).holds(deal_id)


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
    hashed = hash_frame(frame)
    held_out, missing = _find_held_out(frame, hashed.row_hashes, plan, target, project_ledger)
    dealt = DealtTable(frame, held_out, hashed)
    if dealt.held_out_sha256 != plan.held_out_sha256:
        raise SealError(
            f"The held-out rows of {plan.deal_id} cannot be found in the source",
            found=missing,
            remedy="Give the source as it was when the rows were sealed, or call frame_problem with redeal=true: "
            "a new deal, which inherits the looks that the project's ledger holds",
        )
    with store.locked():
        chain = _project_chain(ledger)
        made = describe_deal(
            dealt=dealt,
            deal_id=plan.deal_id,
            definition=plan.definition,
            target=target,
            key=deal_key(plan.definition.seed),
            ancestors=(),
            now=chain[0].at,
            project_ledger=project_ledger,
        )
        store_deal(store, made, dealt, ledger, chain, moved=False)
    return SealReceipt(
        deal_id=plan.deal_id,
        table_sha256=made.table_sha256,
        development_sha256=made.development_sha256,
        held_out_sha256=made.held_out_sha256,
        matched_rows=len(frame),
        ambiguous_rows=0,
        looks_inherited=looks_inherited(chain),
    )


def _find_held_out(
    frame: pd.DataFrame, row_hashes: np.ndarray, plan: SplitPlan, target: str, project_ledger: Path
) -> tuple[np.ndarray, str]:
    """The held-out rows, (n,) bool, and what to say if they turn out not to be the sealed ones."""
    listed = read_row_list(project_ledger, plan.deal_id)
    rows = f"the source has {len(frame)} rows, and {plan.development_rows + plan.held_out_rows} were dealt"
    if listed is None:
        dealt = deal(frame, plan.definition, target=target, row_hashes=row_hashes)
        return dealt, f"dealt again, other rows are held out; {rows}"
    absent = int(np.sum(~np.isin(listed, row_hashes)))
    found = f"{absent} of {len(listed)} held-out rows are not there as they were; {rows}"
    return np.isin(row_hashes, listed), found


def _project_chain(ledger: Ledger) -> tuple[LedgerEntry, ...]:
    vault, project = ledger.copies()
    if project is None or project.faults:
        raise SealError(
            f"The project's ledger of {ledger.deal_id} does not add up",
            found="it is missing" if project is None else "; ".join(project.faults),
            remedy="Put it back from version control, or call frame_problem with redeal=true: a new deal, which inherits "
            "the looks that can still be read",
        )
    if vault is not None and vault.chain[: project.sound] == project.chain:
        return vault.chain
    return project.chain
