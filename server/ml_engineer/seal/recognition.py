"""Recognising a table, or a part of it, that was dealt before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.seal.alignment import may_share_rows
from ml_engineer.seal.cell_tables import CellTable, HashedFrame, hash_frame
from ml_engineer.seal.chain import lineage_looks, read_copy
from ml_engineer.seal.fingerprints import rows_sha256
from ml_engineer.seal.matching import Match, match_rows
from ml_engineer.seal.recognised import DEVELOPMENT, HELD_OUT, NEVER_SEEN, Recognition
from ml_engineer.seal.vault import Vault
from ml_engineer.vocabulary.split import Deal

__all__ = ["recognise"]


def recognise(
    frame: pd.DataFrame, *, hashed: HashedFrame | None = None, vault: Path | None = None
) -> Recognition | None:
    """Match a table row by row against all deals in the vault.

    Deals are tried from the latest on. A deal that a later one was made from (rows were added, or dealt anew) does
    not speak again, for it was superseded. Each row takes its side from the deal that most rows were found in, the
    latest among equals; rows not found there, from the next. Looks are summed over all deals that any row was found in
    and the deals those were made from, each look once: too many rather than too few, because a look at some of the
    rows has told something of them.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table, n rows.
    hashed : HashedFrame, optional
        From `hash_frame`, if it is known already.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Returns
    -------
    Recognition or None
        None if no deal has rows of this table.

    Raises
    ------
    SealError
        If a file of the vault cannot be read.
    """
    store = Vault(vault)
    deals = store.deals()
    if not deals or not len(frame):
        return None
    matches = _match_deals(frame, hashed or hash_frame(frame), deals, store)
    if not matches:
        return None
    # Sorting is stable, and the deals come latest first.
    ranked = sorted(matches, key=lambda pair: -pair[1].rows)
    side = np.full(len(frame), NEVER_SEEN, dtype="int8")
    ambiguous = np.zeros(len(frame), dtype=bool)
    for _, match in ranked:
        unknown = side == NEVER_SEEN
        side[unknown] = match.side[unknown]
        ambiguous[unknown] = match.ambiguous[unknown]
    main = ranked[0][0]
    lineage = _lineage([found for found, _ in ranked], deals)
    return Recognition(
        deal_id=main.deal_id,
        side=side,
        ambiguous_rows=int(ambiguous.sum()),
        matched_rows=int(np.sum(side != NEVER_SEEN)),
        looks=_looks(lineage, store),
        key=main.key,
        deals=lineage,
    )


def _match_deals(
    frame: pd.DataFrame, hashed: HashedFrame, deals: tuple[Deal, ...], store: Vault
) -> list[tuple[Deal, Match]]:
    # Most often it is the very table that was dealt, which is told by its row hashes alone.
    table_sha256 = rows_sha256(hashed.row_hashes, frame.columns)
    matches: list[tuple[Deal, Match]] = []
    superseded: set[str] = set()
    for known in deals:
        if known.deal_id in superseded:
            continue
        match: Match | None
        if known.table_sha256 == table_sha256:
            match = _match_identical(hashed.row_hashes, known, store)
        else:
            match = _match_similar(hashed.table, known, store)
        if match is not None:
            earlier = set(_lineage([known], deals)) - {known.deal_id}
            # Deals of one second may come in the wrong order.
            matches = [(deal, found) for deal, found in matches if deal.deal_id not in earlier]
            matches.append((known, match))
            superseded |= earlier
    return matches


def _match_identical(row_hashes: np.ndarray, known: Deal, store: Vault) -> Match:
    """Sides of a table whose content is the dealt one."""
    entries = store.load_entries(known)
    order = np.argsort(entries.row_hashes, kind="stable")
    place = np.minimum(np.searchsorted(entries.row_hashes[order], row_hashes), len(order) - 1)
    side = np.where(entries.held_out[order][place], HELD_OUT, DEVELOPMENT).astype("int8")
    return Match(side=side, ambiguous=np.zeros(len(row_hashes), dtype=bool))


def _match_similar(table: CellTable, known: Deal, store: Vault) -> Match | None:
    weights = CellTable(columns=known.columns, cells=[], rows=known.rows).weights
    if not may_share_rows(store.load_sketch(known), weights, known.rows, table):
        return None
    entries = store.load_entries(known)
    return match_rows(entries.table, entries.held_out, table)


def _lineage(found: Iterable[Deal], deals: tuple[Deal, ...]) -> tuple[str, ...]:
    """Names of deals and of all they were made from, those of `found` first."""
    ancestors = {known.deal_id: known.ancestors for known in deals}
    names = dict.fromkeys(known.deal_id for known in found)
    waiting = list(names)
    while waiting:
        for name in ancestors.get(waiting.pop(0), ()):
            if name not in names:
                names[name] = None
                waiting.append(name)
    return tuple(names)


def _looks(names: tuple[str, ...], store: Vault) -> int:
    copies = {name: read_copy(store.ledger(name), name) for name in names}
    return lineage_looks({name: copy.entries for name, copy in copies.items() if copy is not None})
