"""What models that a person gives have in common: they are copied into the project, and its pyproject.toml names their package."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.scaffold_project import scaffold_project
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import ScaffoldProjectRequest

__all__ = ["ask_for_package", "copied_beside"]


@contextlib.contextmanager
def copied_beside(place: Path, *, what: str) -> Iterator[Path]:
    """A path beside `place` to copy to, from which the whole copy is then moved there; it goes if it is not.

    Parameters
    ----------
    place : pathlib.Path
        Where the copy is to lie.
    what : str
        What is copied, for the error.

    Raises
    ------
    ProjectStateError
        If it cannot be copied.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as name:
            yield Path(name) / place.name
    except OSError as error:
        raise ProjectStateError(
            f"Cannot copy the {what} into {place.parent}",
            found=error.strerror or str(error),
            remedy="Free space or make the folder writable, then call train again; the earlier champion is untouched",
        ) from error


def ask_for_package(layout: ProjectLayout, package: str, context: WorkContext) -> None:
    """Let the project's pyproject.toml name the package; a text that a person changed gets a new one beside it."""
    stored = layout.root / "pyproject.toml"
    if stored.is_file() and package not in stored.read_text(encoding="utf-8", errors="replace"):
        quiet = WorkContext(context.job_id, context.journal_dir)
        scaffold_project(ScaffoldProjectRequest(project_dir=str(layout.root)), quiet)
