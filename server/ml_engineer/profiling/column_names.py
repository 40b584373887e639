"""Names of columns that a person gave, held against those of the table."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ml_engineer.errors import InputError
from ml_engineer.profiling.names import quoted

__all__ = ["nearest_columns", "require_columns"]

_SHORTEST = 3
"""Of fewer letters, half in common means nothing."""
_LISTED = 20


def nearest_columns(name: str, columns: Sequence[str]) -> list[str]:
    """At most three columns whose names are close to `name`, case and outer spaces aside; none of so short a name as '0'."""
    if len(name.strip()) < _SHORTEST:
        return []
    folded = {column.strip().casefold(): column for column in reversed(columns)}
    close = difflib.get_close_matches(name.strip().casefold(), list(folded), n=3, cutoff=0.5)
    return [folded[match] for match in close]


def require_columns(names: Sequence[str], columns: Sequence[str], *, argument: str) -> None:
    """Refuse names that are not columns.

    Raises
    ------
    InputError
        Naming the argument, the name and the nearest columns.
    """
    known = set(columns)
    for name in names:
        if name not in known:
            near = nearest_columns(name, columns)
            listed = ", ".join(quoted(column) for column in (near or list(columns)[:_LISTED]))
            more = "" if near or len(columns) <= _LISTED else f" and {len(columns) - _LISTED:,} more"
            raise InputError(
                f"There is no column {quoted(name)} ({argument})",
                found=f"{'nearest names' if near else 'the columns are'}: {listed}{more}",
                remedy=f"Pass {argument} as it is spelled in the data",
            )
