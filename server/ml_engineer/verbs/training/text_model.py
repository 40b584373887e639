"""The text model that a training was given: checked, and copied into the project, which then needs no other folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ml_engineer.modelling.columns import sort_columns
from ml_engineer.modelling.text_vectors import check_text_model, text_model_files, text_model_sha256
from ml_engineer.verbs.training.given_models import ask_for_package, copied_beside
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.training import TextModel

__all__ = ["NO_TEXT", "with_text_model"]

NO_TEXT = "text_model was not used: no column that features.py gives holds running text."
_PACKAGE = "model2vec"


def with_text_model(rows: TrainingRows, folder: str, context: WorkContext) -> TrainingRows:
    """The same rows with the model that their running text is read by, if a column holds any.

    The model is copied to ``models/text_models/HASH``, whole or not at all; one that an earlier champion needs stays.

    Raises
    ------
    InputError
        If there is no such folder, or no static model in it.
    MissingExtraError
        If model2vec is not installed.
    ProjectStateError
        If it cannot be copied.
    """
    source = Path(folder)
    check_text_model(source)
    if not sort_columns(rows.data.features, text_columns=rows.data.text_columns).text:
        return rows
    sha256 = text_model_sha256(source)
    place = rows.layout.text_model(sha256)
    _copy(source, place, sha256=sha256)
    ask_for_package(rows.layout, _PACKAGE, context)
    data = replace(rows.data, text_model=str(place), fingerprint=f"{rows.data.fingerprint}:{sha256}")
    return replace(rows, data=data, text_model=TextModel(path=rows.layout.relative(place), sha256=sha256))


def _copy(source: Path, place: Path, *, sha256: str) -> None:
    """Copy what makes up the model, unless the very same lies there."""
    if place.is_dir() and text_model_sha256(place) == sha256:
        return
    with copied_beside(place, what="text model") as whole:
        for file in text_model_files(source):
            (whole / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, whole / file)
        if place.exists():  # somebody changed it: it is not what its name says
            shutil.rmtree(place)
        whole.replace(place)
