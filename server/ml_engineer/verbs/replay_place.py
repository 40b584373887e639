"""A place of its own for a replay: the project's rows and records, and the code as it was when the run was made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ml_engineer import seal
from ml_engineer.errors import ProjectStateError
from ml_engineer.modelling.text_vectors import text_model_sha256
from ml_engineer.project.code_store import find_code
from ml_engineer.project.development import load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.verbs.scaffold_project import scaffold_project
from ml_engineer.verbs.training.champion_files import describe_environment
from ml_engineer.verbs.training.foundation_model import copy_weights
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import ScaffoldProjectRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["ReplayPlace", "lay_out"]

_RECORDS = ("profile", "problem", "split", "waivers")


@dataclass(frozen=True)
class ReplayPlace:
    """Where a run is made again.

    Parameters
    ----------
    layout : ProjectLayout
        A scaffolded project in a scratch folder.
    differences : tuple of str
        What is not as it was when the run was made, and could change the result; one sentence each.
    """

    layout: ProjectLayout
    differences: tuple[str, ...]


def lay_out(layout: ProjectLayout, record: TrainingRun, folder: Path, context: WorkContext) -> ReplayPlace:
    """Make the place; `layout` is only read.

    Raises
    ------
    ProjectStateError
        If the development rows are other ones now, or a text that the run rests on is not there any more.
    """
    _refuse_other_rows(layout, record)
    place = ProjectLayout(folder / "ml")
    _copy_records(layout, place)
    texts = {name: _text(layout, record, name) for name in record.code}
    for path in (place.features_py.parent, place.training_dir):
        path.mkdir(parents=True, exist_ok=True)
    if "problem.yaml" in texts:
        place.problem_yaml.write_bytes(texts["problem.yaml"])
    # Its own progress, from nothing to all, is told to nobody.
    quiet = WorkContext(context.job_id, folder)
    scaffold_project(ScaffoldProjectRequest(project_dir=str(place.root), features=[]), quiet)
    for source in (layout.features_py.parent, layout.training_dir):
        for path in source.glob("*.py"):  # modules of the project's own that features.py or candidates.py import
            target = place.root / path.relative_to(layout.root)
            if not target.exists():
                shutil.copyfile(path, target)
    for name, target in (("features.py", place.features_py), ("candidates.py", place.candidates_py)):
        if name in texts:
            target.write_bytes(texts[name])
    if "champion.py" in texts:
        place.champion_py.write_bytes(texts["champion.py"])
    _copy_text_model(layout, record, place)
    _copy_foundation_model(layout, record, place)
    return ReplayPlace(place, tuple(_differences(layout, record)))


def _copy_text_model(layout: ProjectLayout, record: TrainingRun, place: ProjectLayout) -> None:
    if record.text_model is None:
        return
    kept = layout.root / record.text_model.path
    found = text_model_sha256(kept)
    if found != record.text_model.sha256:
        raise ProjectStateError(
            f"The text model of {record.run_id} is not there any more",
            found=f"{kept} holds other files" if kept.is_dir() else f"no folder {kept}",
            remedy="Put the folder back; a clone holds records and code, and no models",
        )
    shutil.copytree(kept, place.root / record.text_model.path)


def _copy_foundation_model(layout: ProjectLayout, record: TrainingRun, place: ProjectLayout) -> None:
    if record.foundation_model is None:
        return
    kept = layout.root / record.foundation_model.path
    if not kept.is_file() or file_sha256(kept) != record.foundation_model.sha256:
        raise ProjectStateError(
            f"The foundation model of {record.run_id} is not there any more",
            found=f"{kept} holds other weights" if kept.is_file() else f"no file {kept}",
            remedy="Put the file back; a clone holds records and code, and no models",
        )
    copy_weights(kept, place.root / record.foundation_model.path)


def _refuse_other_rows(layout: ProjectLayout, record: TrainingRun) -> None:
    split = load_record(layout, SplitPlan)
    now = seal.frame_sha256(load_development(layout, split).frame)
    if now != record.development_sha256:
        raise ProjectStateError(
            f"The development rows are not those that {record.run_id} learned from",
            found=f"their hash begins {now[:12]}, recorded was {record.development_sha256[:12]}",
            remedy="Call frame_problem with the data of that time, or replay a run on the present rows",
        )


def _copy_records(layout: ProjectLayout, place: ProjectLayout) -> None:
    paths = [layout.records / f"{kind}.json" for kind in _RECORDS]
    paths += [layout.problem_yaml, layout.raw_manifest, layout.contract_yaml, layout.ledger]
    for path in (*paths, layout.development, layout.folds):
        if path.is_file():
            target = place.root / path.relative_to(layout.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _text(layout: ProjectLayout, record: TrainingRun, name: str) -> bytes:
    kept = find_code(layout, record.code[name])
    if kept is None:
        raise ProjectStateError(
            f"The {name} of {record.run_id} is not there any more",
            found=f"no text with SHA-256 {record.code[name][:12]} in {layout.code}",
            remedy="Put experiments/code back from version control",
        )
    return kept.read_bytes()


def _differences(layout: ProjectLayout, record: TrainingRun) -> list[str]:
    """What could make another result come, and what a person would otherwise stumble over."""
    found = []
    if record.parents.get("split") not in (None, load_record(layout, SplitPlan).content_hash()):
        found.append("data: the rows were dealt or folded anew since the run")
    present = {
        "features.py": layout.features_py,
        "candidates.py": layout.candidates_py,
        "problem.yaml": layout.problem_yaml,
    }
    for name, path in present.items():
        if name in record.code and (not path.is_file() or file_sha256(path) != record.code[name]):
            found.append(f"code: {name} was changed since the run; the replay uses the text of then")
    then, now = (
        record.environment,
        describe_environment(
            text_model=record.text_model is not None, foundation_model=record.foundation_model is not None
        ),
    )
    for package in sorted({*then.packages, *now.packages}):
        before, after = then.packages.get(package, "missing"), now.packages.get(package, "missing")
        if before != after:
            found.append(f"version: {package} was {before} and is {after}")
    for name in ("python", "platform"):
        before, after = getattr(then, name), getattr(now, name)
        if before != after:
            found.append(f"version: {name} was {before} and is {after}")
    return found
