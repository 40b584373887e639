"""Text cells that are made of parts: lists such as 'a;b;c', and paths such as 'D1/C12/I1234'.

A column of them is different in nearly every row, as a key is; but its parts come again in other rows, and what is learned
of a part carries over. In a key, the part that tells rows apart comes only once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CellParts", "find_parts"]

_SEPARATORS: Final = (";", "|", ",", "/", ">", "\\")
_NESTING: Final = frozenset({"/", ">", "\\", "|"})
_LOOKED_AT: Final = 2_000
_FEWEST_CELLS: Final = 20
_MOSTLY: Final = 0.7
_NEARLY_ALL: Final = 0.9
_FILE: Final = re.compile(r".*\.[A-Za-z]\w{1,4}")
_BRACKETS: Final = " []{}()'\""

Cells = list[list[str]]


@dataclass(frozen=True)
class CellParts:
    """What the cells of a column are made of.

    Parameters
    ----------
    kind : {'list', 'path'}
        Parts beside each other, or each one within the one before.
    separator : str
        What stands between them.
    values : int
        Different parts among the cells that were looked at.
    """

    kind: Literal["list", "path"]
    separator: str
    values: int

    @property
    def sentence(self) -> str:
        """The finding in words."""
        return f"{self.kind}s with '{self.separator}' between the parts, of which {self.values:,} come again"


def find_parts(cells: Sequence[str]) -> CellParts | None:
    """What `cells` are made of; None if they are no lists and no paths of parts that come again in other cells."""
    looked_at = cells[:_LOOKED_AT]
    for separator in _SEPARATORS:
        parts = [[part.strip(_BRACKETS) for part in cell.split(separator)] for cell in looked_at]
        several = [cell for cell in parts if len(cell) > 1]
        if len(parts) < _FEWEST_CELLS or len(several) < 0.5 * len(parts):
            continue
        counts = Counter(part for cell in parts for part in set(cell) if part)
        again = sum(count > 1 for count in counts.values())
        if _is_list(parts, counts, separator):
            return CellParts("list", separator, again)
        if separator in _NESTING and _is_path(several):
            return CellParts("path", separator, again)
    return None


def _is_list(parts: Cells, counts: Counter[str], separator: str) -> bool:
    if _share_again(list(counts.elements()), counts) < _MOSTLY or len(counts) < 2:
        return False
    lengths = {len(cell) for cell in parts}
    if len(lengths) > 1:
        return True
    # As many parts in every cell: a list if they change places, and else a record, all of whose fields must come again.
    fields = list(zip(*parts, strict=True))
    if separator == "/" and all(part.isdigit() for part in counts):
        return False  # a date, a fraction, a serial number
    return all(_share_again(field, Counter(field)) >= _NEARLY_ALL for field in fields)


def _share_again(parts: Sequence[str], counts: Counter[str]) -> float:
    """Share of `parts` that occur more than once."""
    return sum(counts[part] > 1 for part in parts) / max(len(parts), 1)


def _is_path(cells: Cells) -> bool:
    """Whether parts lie within one another: each of the second kind belongs to one of the first, and both come again.

    Paths of files are none: they name single things, and their folders often tell what is to be predicted.
    """
    depth = min(map(len, cells))
    if sum(_FILE.fullmatch(cell[-1]) is not None for cell in cells) > 0.5 * len(cells):
        return False
    varying = [level for level in range(depth) if len({cell[level] for cell in cells}) > 1]
    if len(varying) < 2 or (varying[1] == depth - 1 and len({len(cell) for cell in cells}) == 1):
        return False
    upper, lower = varying[:2]
    within = Counter(cell[lower] for cell in cells)
    if len({cell[upper] for cell in cells}) >= len(within) or _share_again(list(within.elements()), within) < _MOSTLY:
        return False
    parents: dict[str, set[str]] = {}
    for cell in cells:
        if within[cell[lower]] > 1:
            parents.setdefault(cell[lower], set()).add(cell[upper])
    return sum(len(above) == 1 for above in parents.values()) >= _NEARLY_ALL * len(parents)
