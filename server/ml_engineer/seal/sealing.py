"""Sealing: the held-out rows go into the vault, and the ledger begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.errors import SealError
from ml_engineer.seal.cell_tables import HashedFrame, hash_frame
from ml_engineer.seal.chain import chained, deals_in, lineage_looks, looked_at, looks_inherited
from ml_engineer.seal.dealing import deal_key
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.private_files import disk_errors
from ml_engineer.seal.recognised import HELD_OUT, NEVER_SEEN, Recognition
from ml_engineer.seal.storing import DealtTable, SealReceipt, describe_deal, store_deal
from ml_engineer.seal.vault import Vault
from ml_engineer.vocabulary.problem import SplitDefinition
from ml_engineer.vocabulary.split import LedgerEntry

__all__ = ["seal"]


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
    hashed: HashedFrame | None = None,
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
    hashed : HashedFrame, optional
        From `hash_frame`, if it is known already.
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
    dealt = DealtTable(frame, held_out, hashed or hash_frame(frame))
    deal_id = dealt.deal_id()
    ledger = Ledger(deal_id, store.ledger(deal_id), project_ledger)
    context = {"at": now, "who": who, "held_out_sha256": dealt.held_out_sha256}
    with store.locked():
        chain = ledger.settled(repair=True, **context)
        ancestors, inherited = _inheritance(recognition, ledger, chain, store)
        chain = _with_this_deal(chain, ledger, moved=moved, inherited=inherited, context=context)
        made = describe_deal(
            dealt=dealt,
            deal_id=deal_id,
            definition=definition,
            target=target,
            key=deal_key(definition.seed) if recognition is None or moved else recognition.key,
            ancestors=ancestors,
            now=now,
            project_ledger=project_ledger,
        )
        store_deal(store, made, dealt, ledger, chain, moved=moved > 0)
    return SealReceipt(
        deal_id=deal_id,
        table_sha256=made.table_sha256,
        development_sha256=made.development_sha256,
        held_out_sha256=made.held_out_sha256,
        matched_rows=0 if recognition is None else recognition.matched_rows - moved,
        ambiguous_rows=0 if recognition is None else recognition.ambiguous_rows,
        looks_inherited=max(inherited, looks_inherited(chain)),
    )


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
