"""Column names that are unique and not empty, whatever the file says."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["unique_names"]


def unique_names(originals: Sequence[str]) -> list[str]:
    """One usable name per column, the same again for the same file.

    White space around a name is dropped, an empty name becomes ``column_<place>`` (from 1), and a repeated name
    gets ``_2``, ``_3``, ... Everything else (quotes, line breaks, braces, emoji, keywords) is left as it is.
    """
    wanted = [name.strip() or f"column_{place}" for place, name in enumerate(originals, start=1)]
    taken = set(wanted)
    used: set[str] = set()
    names: list[str] = []
    for name in wanted:
        unique, number = name, 1
        while unique in used or (number > 1 and unique in taken):
            number += 1
            unique = f"{name}_{number}"
        used.add(unique)
        names.append(unique)
    return names
