"""Which stored record belongs to a verb: what ``--record`` prints."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.layout import ProjectLayout

__all__ = ["RECORD_OF_VERB", "stored_record"]

RECORD_OF_VERB = {
    "frame_problem": "problem",
    "train": "training",
    "evaluate": "evaluation",
    "check_guardrails": "guardrails",
    "waive_finding": "waivers",
}
"""Kind of the record a verb writes; the problem as it was framed, problem.yaml may have been edited since."""


def stored_record(verb: str, project_dir: str) -> str:
    """The record that `verb` stored in the project, as JSON text.

    Raises
    ------
    ProjectStateError
        If it is not there.
    """
    path = ProjectLayout(Path(project_dir)).records / f"{RECORD_OF_VERB[verb]}.json"
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise ProjectStateError(
            f"Cannot read {path}", found=error.strerror or str(error), remedy=f"Call {verb} again"
        ) from error
