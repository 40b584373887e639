"""Looks that other projects took at the same rows, in words."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.profiling.names import quoted
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.seal import OtherLooks, looks_of_others

__all__ = ["told_looks_of_others"]

_MOST_NAMED = 3


def told_looks_of_others(deal_id: str, layout: ProjectLayout) -> list[str]:
    """One sentence for each of the other projects that looked, at most three, and one for the rest."""
    others = looks_of_others(deal_id, project_ledger=layout.ledger)
    told = [_in_words(other) for other in others[:_MOST_NAMED]]
    if len(others) > _MOST_NAMED:
        told.append(f"{len(others) - _MOST_NAMED} more projects looked at these held-out rows")
    return told


def _in_words(other: OtherLooks) -> str:
    times = "once" if other.looks == 1 else f"{other.looks} times"
    target = f" (target {quoted(other.target)})" if other.target else ""
    return f"Looked at {times} by {_named(other.project)}{target}: the same held-out rows, so it counts here too"


def _named(folder: str) -> str:
    if not folder:
        return "a project from another machine, or by this one in another place"
    # The seal knows where the ledger lies.
    place = Path(folder)
    root = place.parent if place == ProjectLayout(place.parent).experiments else place
    return f"the project {quoted(root, 200)}"
