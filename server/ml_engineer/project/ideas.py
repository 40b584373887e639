"""The log of feature ideas and their verdicts: append-only and hash-chained, so that a refused idea stays refused."""

from __future__ import annotations

from typing import Any

from ml_engineer.project.chained_log import append_entry, load_log
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.ideas import FeatureIdea

__all__ = ["judged_before", "load_ideas", "note_idea"]


def load_ideas(layout: ProjectLayout) -> tuple[FeatureIdea, ...]:
    """Every idea that was judged, the first one first.

    Raises
    ------
    ProjectStateError
        If the log was edited, cut in the middle, or a line of it cannot be read.
    """
    return load_log(layout.ideas, FeatureIdea, noun="a feature idea", plural="feature ideas")


def judged_before(
    ideas: tuple[FeatureIdea, ...], *, columns_sha256: str, development_sha256: str
) -> FeatureIdea | None:
    """The last verdict on the same columns of the same rows, whatever the text was that gave them."""
    same = [
        one for one in ideas if (one.columns_sha256, one.development_sha256) == (columns_sha256, development_sha256)
    ]
    return same[-1] if same else None


def note_idea(layout: ProjectLayout, **fields: Any) -> FeatureIdea:
    """Add a verdict to the log.

    Raises
    ------
    ProjectStateError
        If the log does not add up, or cannot be written.
    """
    return append_entry(layout.ideas, FeatureIdea, load_ideas(layout), **fields)
