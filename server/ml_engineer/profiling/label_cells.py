"""Columns whose cells hold several labels: what stands between them, and whether it is plain that they do."""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

import pandas as pd

__all__ = ["BRACKETS", "LabelCells", "read_cells", "seem_labels"]

BRACKETS: Final = ""
"""The separator of lists in brackets, as JSON, Parquet and Python write them."""
_SEPARATORS: Final = ("|", ";", ",")
_BRACKETED: Final = 0.95
_SEVERAL: Final = 0.2
"""Share of cells with several labels from which a column is taken for one of labels without being told."""
_OTHER_SIZE: Final = 0.05
_MOST_INFERRED: Final = 100
_FEWEST_REPEATS: Final = 10
_LONGEST, _MOST_WORDS = 40, 4


@dataclass(frozen=True)
class LabelCells:
    """The cells of a column as sets of labels.

    Parameters
    ----------
    separator : str
        What stands between labels; `BRACKETS` for lists.
    sets : dict of str to tuple of str
        The labels of each different cell, in their order, each once.
    counts : dict of str to int
        Rows of each different cell.
    """

    separator: str
    sets: dict[str, tuple[str, ...]]
    counts: dict[str, int]

    @property
    def label_rows(self) -> Counter[str]:
        """Rows that have each label."""
        rows: Counter[str] = Counter()
        for cell, labels in self.sets.items():
            rows.update(dict.fromkeys(labels, self.counts[cell]))
        return rows

    @property
    def several(self) -> int:
        """Rows with more than one label."""
        return sum(self.counts[cell] for cell, labels in self.sets.items() if len(labels) > 1)


def read_cells(column: pd.Series, separator: str | None = None) -> LabelCells | None:
    """The sets of labels in a column of text; None if its cells hold none.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        Text, some cells may be empty.
    separator : str, optional
        What stands between labels; found out without it: brackets, or whichever of ``| ; ,`` most cells hold.
    """
    if not isinstance(column.dtype, pd.StringDtype):
        return None
    counts = {str(cell): int(rows) for cell, rows in column.dropna().value_counts().items()}
    if not counts:
        return None
    if separator is None:
        separator = _separator(counts)
    if separator is None:
        return None
    return LabelCells(separator, {cell: _split(cell, separator) for cell in counts}, counts)


def _separator(counts: dict[str, int]) -> str | None:
    rows = sum(counts.values())
    lists = sum(number for cell, number in counts.items() if _as_list(cell) is not None)
    if lists >= _BRACKETED * rows:
        return BRACKETS
    holding = {
        separator: sum(number for cell, number in counts.items() if separator in cell) for separator in _SEPARATORS
    }
    best = max(_SEPARATORS, key=lambda separator: holding[separator])
    return best if holding[best] else None


def _split(cell: str, separator: str) -> tuple[str, ...]:
    parts = (_as_list(cell) or []) if separator == BRACKETS else cell.split(separator)
    return tuple(dict.fromkeys(label for part in parts if (label := str(part).strip())))


def _as_list(cell: str) -> list[object] | None:
    """The list that a cell in brackets writes, as JSON or as Python has it."""
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return [one for one in value if one is not None] if isinstance(value, list) else None


def seem_labels(cells: LabelCells) -> bool:
    """Whether it is plain that the cells are sets: many hold several labels, out of few that come again and again.

    Labels combine freely, so there are fewer of them than different cells, and some rows have more of them than others; the
    parts of a place or a name do not.
    """
    rows, label_rows = sum(cells.counts.values()), cells.label_rows
    if not 2 <= len(label_rows) <= _MOST_INFERRED or cells.several < _SEVERAL * rows:
        return False
    sizes: Counter[int] = Counter()
    for cell, labels in cells.sets.items():
        sizes[len(labels)] += cells.counts[cell]
    varied = rows - max(sizes.values()) >= _OTHER_SIZE * rows
    short = all(len(label) <= _LONGEST and len(label.split()) <= _MOST_WORDS for label in label_rows)
    repeating = sum(label_rows.values()) >= _FEWEST_REPEATS * len(label_rows)
    return short and varied and repeating and len(label_rows) < len(cells.sets)
