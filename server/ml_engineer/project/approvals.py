"""The log of approvals: append-only and hash-chained, one JSON object a line."""

from __future__ import annotations

from typing import Any

from ml_engineer.project.chained_log import append_entry, load_log, read_log
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.approvals import Approval

__all__ = ["approval_faults", "approve", "load_approvals", "promoted_now"]

_NOUN = "an approval"


def load_approvals(layout: ProjectLayout) -> tuple[Approval, ...]:
    """Every approval, the first one first.

    Raises
    ------
    ProjectStateError
        If the log was edited, cut in the middle, or a line of it cannot be read.
    """
    return load_log(layout.approvals, Approval, noun=_NOUN, plural="approvals")


def approval_faults(layout: ProjectLayout) -> tuple[str, ...]:
    """What does not add up in the log; empty if all is well."""
    return read_log(layout.approvals, Approval, noun=_NOUN)[1]


def promoted_now(layout: ProjectLayout) -> Approval | None:
    """The last approval, which says what is in use; none if nothing was promoted or the log does not add up."""
    approvals, faults = read_log(layout.approvals, Approval, noun=_NOUN)
    return approvals[-1] if approvals and not faults else None


def approve(layout: ProjectLayout, **fields: Any) -> Approval:
    """Add an approval to the log.

    Raises
    ------
    ProjectStateError
        If the log does not add up, or cannot be written.
    """
    return append_entry(layout.approvals, Approval, load_approvals(layout), **fields)
