"""Fingerprints of tables and of parts of them: the same after reordering rows or columns and after re-saving."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml_engineer.hashing import hash_rows
from ml_engineer.vocabulary.data import Fingerprint

__all__ = ["fingerprint_table", "frame_sha256", "rows_sha256"]

_FORMAT = "ml-engineer rows, format 1"


def fingerprint_table(frame: pd.DataFrame, *, files: dict[str, str]) -> Fingerprint:
    """Identify a table by content.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    files : dict
        SHA-256 of the bytes of each file it was read from, by absolute path.
    """
    return Fingerprint(content_sha256=frame_sha256(frame), rows=frame.shape[0], columns=frame.shape[1], files=files)


def frame_sha256(frame: pd.DataFrame) -> str:
    """Content hash (hex) of some rows, whatever their order and that of the columns, their index and storage.

    Column names count; fractions count to about 12 digits (see `cells`).
    """
    return rows_sha256(hash_rows(frame), frame.columns)


def rows_sha256(row_hashes: np.ndarray, columns: Sequence[str] | pd.Index) -> str:
    """Content hash (hex) of rows given by their hashes, (n,) uint64, under columns of these names."""
    schema = json.dumps([_FORMAT, sorted(columns), len(row_hashes)])
    digest = hashlib.sha256(schema.encode("ascii"))
    digest.update(np.sort(row_hashes).astype("<u8").tobytes())
    return digest.hexdigest()
