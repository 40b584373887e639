"""The list of held-out rows, by hash, that lies beside the project's ledger: ``ledger.rows``.

It shows nothing of the rows to those who do not have the source, and lets those who do find them again after the
table grew or changed, when dealing it afresh would hold out other rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml_engineer.seal.private_files import disk_errors, replace_bytes

__all__ = ["read_row_list", "write_row_list"]


def _row_list(project_ledger: Path) -> Path:
    return project_ledger.with_suffix(".rows")


def write_row_list(project_ledger: Path, deal_id: str, held_out: np.ndarray) -> None:
    """Replace the list by the hashes of the held-out rows of a deal, (h,) uint64."""
    digits = np.sort(held_out).astype(">u8").tobytes().hex("\n", 8)
    lines = f"{deal_id}\n{digits}\n"
    path = _row_list(project_ledger)
    with disk_errors(path):
        replace_bytes(path, lines.encode("ascii"), private=False)


def read_row_list(project_ledger: Path, deal_id: str) -> np.ndarray | None:
    """Hashes of the held-out rows, sorted (h,) uint64; none if the list is missing, damaged or of another deal."""
    try:
        first, *lines = _row_list(project_ledger).read_text(encoding="ascii").splitlines()
        return np.array([int(line, 16) for line in lines], dtype="uint64") if first == deal_id else None
    except (OSError, ValueError, OverflowError):
        return None
