"""The files of promoted champions, kept so that one of them can be put back whole."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import file_sha256, replacing
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["keep_promoted", "load_promoted", "put_back"]

_RECORDS = ("training", "evaluation", "guardrails")


def keep_promoted(layout: ProjectLayout, run_id: str) -> None:
    """Copy the champion's files and records to ``experiments/promoted/RUN``.

    Raises
    ------
    ProjectStateError
        If they cannot be written.
    """
    home = layout.promoted / run_id
    for path in _files(layout):
        with replacing(home / layout.relative(path)) as temporary:
            shutil.copyfile(path, temporary)


def load_promoted(layout: ProjectLayout, run_id: str) -> TrainingRun:
    """The training record of a promoted champion whose files were kept.

    Raises
    ------
    ProjectStateError
        If they were not, or its model file is not the one that was promoted.
    """
    home = layout.promoted / run_id
    remedy = "Name another run that was promoted, or train and promote anew"
    try:
        text = (home / layout.relative(layout.records / "training.json")).read_text(encoding="utf-8")
        record = TrainingRun.model_validate_json(text)
    except (OSError, ValidationError) as error:
        raise ProjectStateError(
            f"The files of {run_id} are not there to be put back", found=f"in {home}", remedy=remedy
        ) from error
    model = home / record.champion.model_path
    if not model.is_file() or file_sha256(model) != record.champion.model_sha256:
        raise ProjectStateError(f"The kept model of {run_id} is not the promoted one", found=str(model), remedy=remedy)
    return record


def put_back(layout: ProjectLayout, run_id: str) -> None:
    """Put a promoted champion's model, manifest, code and records in place of the present ones, all or none.

    Raises
    ------
    ProjectStateError
        If its files are not there, features.py is another one now, or the files cannot be written.
    """
    record = load_promoted(layout, run_id)
    home = layout.promoted / run_id
    _refuse_other_features(layout, home, record)
    kept = [path for path in sorted(home.rglob("*")) if path.is_file()]
    places = {path: layout.root / path.relative_to(home) for path in kept}
    with ExitStack() as stack:
        for path, place in places.items():
            if place != layout.features_py:
                shutil.copyfile(path, stack.enter_context(replacing(place)))
    for path in layout.champion_dir.iterdir():
        if path.is_file() and path.name != ".gitkeep" and path not in places.values():
            path.unlink()


def _files(layout: ProjectLayout) -> list[Path]:
    served = sorted(path for path in layout.champion_dir.rglob("*") if path.is_file() and path.name != ".gitkeep")
    records = [layout.records / f"{kind}.json" for kind in _RECORDS]
    return [*served, *(path for path in (layout.champion_py, layout.features_py, *records) if path.is_file())]


def _refuse_other_features(layout: ProjectLayout, home: Path, record: TrainingRun) -> None:
    now = file_sha256(layout.features_py) if layout.features_py.is_file() else ""
    if now != record.champion.features_sha256:
        kept = home / layout.relative(layout.features_py)
        raise ProjectStateError(
            f"features.py is not the feature code of {record.run_id}",
            found="it was changed since that model was promoted, and the model would be fed other features",
            remedy=f"Copy {json.dumps(str(kept))} over {json.dumps(str(layout.features_py))}, then roll back again",
        )
