"""The profile of a framed table, and the record of its deal, whatever kind of task it is for."""

from __future__ import annotations

from ml_engineer.profiling.columns import ColumnsProfile
from ml_engineer.verbs.framing.table import FramingTable
from ml_engineer.vocabulary.data import DataProfile, Fingerprint
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["profile_of", "settled"]


def profile_of(
    table: FramingTable, columns: ColumnsProfile, *, content_sha256: str, rows: int, development_rows: int
) -> DataProfile:
    """What is known of the table that was framed.

    Parameters
    ----------
    table : FramingTable
        What was read.
    columns : ColumnsProfile
        Its columns, on development rows.
    content_sha256 : str
        The table's fingerprint as the seal took it, which has hashed every row already.
    rows, development_rows : int
        Rows in all, and those that may be looked at.
    """
    return DataProfile(
        source=table.source,
        test_source=table.test_source,
        fingerprint=Fingerprint(
            content_sha256=content_sha256, rows=rows, columns=len(columns.columns), files=table.files
        ),
        report=table.report,
        rows=rows,
        development_rows=development_rows,
        duplicate_rows=columns.duplicate_rows,
        missing_fraction=columns.missing_fraction,
        columns=columns.columns,
    )


def settled(split: SplitPlan, before: SplitPlan | None) -> SplitPlan:
    """The record of the same deal as it was first written: that its rows are known by now is no change."""
    if before is None:
        return split
    history = {name: getattr(before, name) for name in ("matched_rows", "ambiguous_rows", "looks_inherited")}
    return before if split.model_copy(update=history) == before else split
