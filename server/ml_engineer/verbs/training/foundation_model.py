"""The foundation model that a training was given: checked, and copied into the project, which then needs no other file."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.modelling.foundation import check_foundation_model
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.scaffold_project import scaffold_project
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import ScaffoldProjectRequest
from ml_engineer.vocabulary.training import FoundationModel

__all__ = ["copy_weights", "with_foundation_model"]

_PACKAGE = "tabicl"


def with_foundation_model(rows: TrainingRows, weights: str, context: WorkContext) -> TrainingRows:
    """The same rows with the weights of a further candidate.

    They are copied to ``models/foundation_models/HASH.ckpt``, whole or not at all; those of an earlier champion stay.

    Raises
    ------
    InputError
        If there is no such file, no checkpoint in it, or one that learns no such target.
    MissingExtraError
        If TabICL is not installed.
    ProjectStateError
        If they cannot be copied.
    """
    source = Path(weights)
    check_foundation_model(source, task=rows.data.task)
    sha256 = file_sha256(source)
    place = rows.layout.foundation_model(sha256)
    if not place.is_file() or file_sha256(place) != sha256:
        copy_weights(source, place)
    _ask_for_package(rows.layout, context)
    data = replace(rows.data, foundation_model=str(place), fingerprint=f"{rows.data.fingerprint}:{sha256}")
    kept = FoundationModel(path=rows.layout.relative(place), sha256=sha256)
    return replace(rows, data=data, foundation_model=kept)


def copy_weights(source: Path, place: Path) -> None:
    """Copy a file of weights to `place`, whole or not at all.

    Raises
    ------
    ProjectStateError
        If it cannot be copied.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as name:
            Path(shutil.copyfile(source, Path(name) / place.name)).replace(place)
    except OSError as error:
        raise ProjectStateError(
            f"Cannot copy the foundation model into {place.parent}",
            found=error.strerror or str(error),
            remedy="Free space or make the folder writable, then call train again; the earlier champion is untouched",
        ) from error


def _ask_for_package(layout: ProjectLayout, context: WorkContext) -> None:
    """Let the project's pyproject.toml name the package; a text that a person changed gets a new one beside it."""
    stored = layout.root / "pyproject.toml"
    if stored.is_file() and _PACKAGE not in stored.read_text(encoding="utf-8", errors="replace"):
        quiet = WorkContext(context.job_id, context.journal_dir)
        scaffold_project(ScaffoldProjectRequest(project_dir=str(layout.root)), quiet)
