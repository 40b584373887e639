"""The log of approvals: append-only and hash-chained, one JSON object a line."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ml_engineer.errors import ProjectStateError
from ml_engineer.hash_chain import chained, sound_length, to_lines
from ml_engineer.project.files import replacing
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.approvals import Approval

__all__ = ["approval_faults", "approve", "load_approvals", "promoted_now"]


def load_approvals(layout: ProjectLayout) -> tuple[Approval, ...]:
    """Every approval, the first one first.

    Raises
    ------
    ProjectStateError
        If the log was edited, cut in the middle, or a line of it cannot be read.
    """
    approvals, faults = _read(layout)
    if faults:
        raise ProjectStateError(
            f"The log of approvals {layout.approvals} does not add up",
            found="; ".join(faults),
            remedy="Put it back from version control; approvals are never edited or removed",
        )
    return approvals


def approval_faults(layout: ProjectLayout) -> tuple[str, ...]:
    """What does not add up in the log; empty if all is well."""
    return _read(layout)[1]


def promoted_now(layout: ProjectLayout) -> Approval | None:
    """The last approval, which says what is in use; none if nothing was promoted or the log does not add up."""
    approvals, faults = _read(layout)
    return approvals[-1] if approvals and not faults else None


def approve(layout: ProjectLayout, **fields: Any) -> Approval:
    """Add an approval to the log.

    Raises
    ------
    ProjectStateError
        If the log does not add up, or cannot be written.
    """
    before = load_approvals(layout)
    entry = chained(Approval, before[-1] if before else None, **fields)
    with replacing(layout.approvals) as temporary:
        temporary.write_bytes(to_lines((*before, entry)))
    return entry


def _read(layout: ProjectLayout) -> tuple[tuple[Approval, ...], tuple[str, ...]]:
    try:
        lines = layout.approvals.read_bytes().split(b"\n")
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        return (), (f"it cannot be read: {error.strerror or error}",)
    entries, faults = [], []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entries.append(Approval.model_validate_json(line))
            except ValidationError:
                faults.append(f"line {number} is not an approval")
    fault = sound_length(entries)[1]
    return tuple(entries), (*faults, *([fault] if fault else []))
