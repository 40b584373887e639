"""Looking at what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_engineer.sources import Table
from ml_engineer.vocabulary.data import ColumnReading

__all__ = ["Read", "column", "values"]

Read = Callable[..., Table]
"""The fixture `read`."""


def column(table: Table, name: str) -> ColumnReading:
    """How the column called `name` was read."""
    return next(reading for reading in table.report.columns if reading.name == name)


def values(table: Table) -> dict[str, list[Any]]:
    """Cells by column, with None where one is missing."""
    frame = table.frame.astype(object)
    return {str(name): cells.where(cells.notna(), None).tolist() for name, cells in frame.items()}
