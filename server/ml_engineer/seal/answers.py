"""What a model said of the sealed rows, kept beside them: so that the next model is compared row by row.

These are predictions for single held-out rows. They never leave the vault but to be compared with another model's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer.errors import SealError
from ml_engineer.seal.chain import looked_at
from ml_engineer.seal.ledger import Ledger
from ml_engineer.seal.private_files import disk_errors
from ml_engineer.seal.vault import Vault

__all__ = ["find_answers", "keep_answers", "models_looked_at"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def models_looked_at(deal_id: str, *, project_ledger: Path, vault: Path | None = None) -> tuple[str, ...]:
    """Hashes of the models that these rows were shown, the first one first."""
    entries = Ledger(deal_id, Vault(vault).ledger(deal_id), project_ledger).entries()
    looks = [entry for entry in entries if entry.event == "look" and entry.model_sha256]
    return tuple(dict.fromkeys(model for entry in looks for model in looked_at([entry])))


def keep_answers(
    deal_id: str, *, model_sha256: str, rows: Sequence[int] | np.ndarray, answers: np.ndarray, vault: Path | None = None
) -> None:
    """Keep a model's answers beside the sealed rows.

    Parameters
    ----------
    deal_id : str
        The deal.
    model_sha256 : str
        Hash of the model, which was looked at.
    rows : sequence of int, length h
        Row numbers, as `Opening.frame` has them.
    answers : numpy.ndarray of shape (h, k)
        Whatever the caller needs to compare models.
    vault : pathlib.Path, optional
        Another vault than the user's.

    Raises
    ------
    SealError
        If the vault cannot be written.
    """
    store = Vault(vault)
    path = _path(store, deal_id, model_sha256)
    table = pd.DataFrame({"row": np.asarray(rows), **{f"a{place}": column for place, column in enumerate(answers.T)}})
    with store.locked(), disk_errors(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        table.to_parquet(path, index=False)


def find_answers(
    deal_id: str, *, model_sha256: str, rows: Sequence[int] | np.ndarray, vault: Path | None = None
) -> np.ndarray | None:
    """Answers of a model for these rows, (h, k); none if they were not kept, cannot be read, or lack a row."""
    import pyarrow as pa

    path = _path(Vault(vault), deal_id, model_sha256)
    try:
        table = pd.read_parquet(path).set_index("row")
        return np.asarray(table.loc[list(rows)].to_numpy(dtype="float64"))
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


def _path(store: Vault, deal_id: str, model_sha256: str) -> Path:
    if not _SHA256.fullmatch(model_sha256):
        raise SealError("That is no hash of a model", found=repr(model_sha256[:80]), remedy="Pass its SHA-256 in hex")
    return store.folder(deal_id) / "answers" / f"{model_sha256}.parquet"
