"""The foundation model that a training was given: checked, and copied into the project, which then needs no other file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ml_engineer.modelling.foundation import check_foundation_model
from ml_engineer.project.files import file_sha256
from ml_engineer.verbs.training.given_models import ask_for_package, copied_beside
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.context import WorkContext
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
    ask_for_package(rows.layout, _PACKAGE, context)
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
    with copied_beside(place, what="foundation model") as whole:
        shutil.copyfile(source, whole)
        whole.replace(place)
