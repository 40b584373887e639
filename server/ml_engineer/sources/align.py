"""Holding a later table against an earlier one: which columns are there, which are missing, which are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ml_engineer.vocabulary.data import ReadReport

__all__ = ["AlignedColumns", "align_columns"]


@dataclass(frozen=True)
class AlignedColumns:
    """A table in the order of an earlier one.

    Parameters
    ----------
    frame : pandas.DataFrame
        The columns that the earlier table has too, in its order; then those it does not know.
    missing : tuple of str
        Required columns that are not there.
    extra : tuple of str
        Columns that the earlier table does not know.
    """

    frame: pd.DataFrame
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def align_columns(frame: pd.DataFrame, report: ReadReport, *, required: Sequence[str]) -> AlignedColumns:
    """Put the columns of `frame` in the order of `report`, and tell which of `required` are missing."""
    known = [column.name for column in report.columns]
    extra = tuple(name for name in frame.columns if name not in set(known))
    ordered = [name for name in known if name in frame.columns]
    missing = tuple(name for name in required if name not in frame.columns)
    return AlignedColumns(frame[[*ordered, *extra]], missing, extra)
