"""How many sealed rows are known from development: a count from hashes, so that no sealed row is opened for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml_engineer.errors import SealError
from ml_engineer.seal.vault import Vault

__all__ = ["known_held_out_rows"]


def known_held_out_rows(deal_id: str, *, vault: Path | None = None) -> int | None:
    """Held-out rows that equal a development row in every column; None where the vault does not hold the deal.

    Parameters
    ----------
    deal_id : str
        The deal.
    vault : pathlib.Path, optional
        The vault's folder; by default that of the user.
    """
    store = Vault(vault)
    try:
        entries = store.load_entries(store.load_deal(deal_id))
    except SealError:
        return None
    return int(np.isin(entries.row_hashes[entries.held_out], entries.row_hashes[~entries.held_out]).sum())
