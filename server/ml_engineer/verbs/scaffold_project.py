"""Render the project's code, tests and documents from the framed problem, keeping what a person changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.forecasting.plain import plain_modules
from ml_engineer.modelling.versions import installed_versions
from ml_engineer.project.definition import load_problem, refuse_redealt
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record, refuse_stale
from ml_engineer.project.rendered_files import (
    Difference,
    Placement,
    Rendering,
    place_files,
    read_rendering,
    write_rendering,
)
from ml_engineer.project.repository import find_repository, is_workflow_for, workflow_path, working_directory
from ml_engineer.project.retired_files import Retirement, retire_files
from ml_engineer.project.workspace import Workspace, find_workspace
from ml_engineer.rendering.packages import ALL_PACKAGES
from ml_engineer.rendering.project import STARTER_FILES, render_project, render_workflow
from ml_engineer.verbs.framing.contract import ensure_contract
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.replies import ScaffoldProjectReply
from ml_engineer.vocabulary.requests import FEATURE_FOLDERS, FeatureFolder, ScaffoldProjectRequest
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["scaffold_project"]

_YOURS = "data/features/features.py or models/training/candidates.py"


def scaffold_project(request: ScaffoldProjectRequest, context: WorkContext) -> ScaffoldProjectReply:
    """Render the tree of a project for its framed problem.

    Files that a person changed are kept, with the rendering beside them as ``NAME.new``; what `train` owns is written
    only where there is nothing yet. Files that were rendered before and no longer belong are removed while untouched.
    Called twice, the second call changes nothing.

    Raises
    ------
    ProjectStateError
        If there is no framed problem, its records do not fit together, or a file cannot be written.
    DefinitionError
        If problem.yaml is not valid.
    """
    layout = ProjectLayout(Path(request.project_dir))
    context.report("reading the framed problem", 0.0)
    problem, profile, split = _framed(layout)
    stored = layout.experiments / "scaffold.json"
    last = read_rendering(stored)
    chosen, unfit = _fitting(_chosen(request.features, last), problem, asked=request.features or ())

    context.report("rendering the project", 0.1)
    contract = ensure_contract(layout, problem, profile, split)
    more = plain_modules() if problem.task_type == "forecasting" else None
    files = render_project(
        problem,
        profile,
        split,
        chosen,
        versions=installed_versions(ALL_PACKAGES),
        contract=contract,
        more_files=more,
        text_model=layout.text_models.is_dir(),
        foundation_model=layout.foundation_models.is_dir(),
    )
    top, said = _top(layout.root)
    workflow = workflow_path(layout.root, top, rendered_before=last.hashes)
    if "ci" in chosen:
        files[workflow] = render_workflow(working_directory(layout.root, top))
    placement = place_files(
        layout.root, files, rendered_before=last.hashes, starters=STARTER_FILES, report=context.report
    )
    retired = retire_files(
        layout.root,
        last.hashes.keys() - files.keys(),
        rendered_before=last.hashes,
        # Of two projects in one repository, a copied record must not cost the other its workflow.
        outside=workflow if is_workflow_for(layout.root / workflow, working_directory(layout.root, top)) else None,
    )
    # A file that a person changed stays known, so that it is told again and taken up again.
    hashes = {path: last.hashes[path] for path in retired.kept} | placement.hashes
    write_rendering(stored, Rendering(hashes, chosen), problem_sha256=problem.content_hash())
    return _reply(
        layout, placement, retired, chosen=chosen, files=files, warnings=unfit + (said if "ci" in chosen else [])
    )


def _chosen(asked: Sequence[FeatureFolder] | None, last: Rendering) -> tuple[FeatureFolder, ...]:
    """The feature folders asked for, else those of last time, else all; in their usual order."""
    wanted = asked if asked is not None else FEATURE_FOLDERS if last.features is None else last.features
    return tuple(folder for folder in FEATURE_FOLDERS if folder in wanted)


def _fitting(
    chosen: tuple[FeatureFolder, ...], problem: ProblemDefinition, *, asked: Sequence[FeatureFolder]
) -> tuple[tuple[FeatureFolder, ...], list[str]]:
    """Without what makes no sense for the task, and what to say about it."""
    if problem.learns_target or "llm" not in chosen:
        return chosen, []
    told = (
        f"'llm' explains predictions, and {problem.task_type} predicts nothing: it is left out."
        if "llm" in asked
        else ""
    )
    return tuple(folder for folder in chosen if folder != "llm"), [told] if told else []


def _framed(layout: ProjectLayout) -> tuple[ProblemDefinition, DataProfile, SplitPlan]:
    """The framed problem with its profile and split, refused if they do not fit together."""
    problem = load_problem(layout)
    profile = load_record(layout, DataProfile)
    split = load_record(layout, SplitPlan)
    refuse_redealt(problem, split)
    refuse_stale(layout, split, profile)
    if not problem.features:
        raise ProjectStateError(
            "There is no column that the model may see",
            found=f"none of the {len(problem.columns)} columns has used: true in {layout.problem_yaml}",
            remedy="Set used: true for at least one column, or call frame_problem with known_at_prediction or roles",
        )
    known = {column.name for column in profile.columns}
    unknown = [column.name for column in problem.features if column.name not in known]
    if unknown:
        raise ProjectStateError(
            "problem.yaml names columns that the data does not have",
            found=f"{unknown[0]!r}" + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""),
            remedy="Remove them from problem.yaml, or call frame_problem again",
        )
    return problem, profile, split


def _top(root: Path) -> tuple[Path, list[str]]:
    """The folder whose ``.github`` holds the CI workflow, and what to say about it."""
    workspace = find_workspace(os.environ, root)
    repository = find_repository(root)
    top = repository or root.parent
    warnings = []
    if not _may_hold_workflow(top, workspace):
        top = root
        warnings.append("The CI workflow lies inside the project: move .github to the top of the repository.")
    elif repository is None:
        warnings.append(f"There is no git repository yet: the CI workflow works once {top} is the top of one.")
    return top, warnings


def _may_hold_workflow(top: Path, workspace: Workspace | None) -> bool:
    """Whether `top` is a folder to write into: inside the workspace, if one was named, and nobody's home."""
    if top in {Path.home(), Path(top.anchor)}:
        return False
    # Without a named workspace `find_workspace` gives the project itself, which limits nothing here.
    return workspace is None or workspace.origin == "the current folder" or workspace.holds(top)


def _reply(
    layout: ProjectLayout,
    placement: Placement,
    retired: Retirement,
    *,
    chosen: tuple[FeatureFolder, ...],
    files: dict[str, str],
    warnings: list[str],
) -> ScaffoldProjectReply:
    kept = [_in_words(difference) for difference in placement.kept]
    retained = [
        f"{path} is no longer part of the project, but a person changed it: kept. Delete it if you do not want it."
        for path in retired.kept
    ]
    left_out = [folder for folder in FEATURE_FOLDERS if folder not in chosen]
    summary = (
        f"Rendered {len(files)} files into {layout.root}: {len(placement.written)} written, "
        f"{placement.unchanged} already as they should be, "
        f"{len(placement.kept) + len(retired.kept)} changed by a person and kept."
    )
    if retired.removed:
        summary += f" Removed {len(retired.removed)} untouched files that no longer belong."
    if left_out:
        summary += f" Without {', '.join(left_out)}."
    workflow = next((path for path in files if ".github/workflows" in path), None)
    artifacts = {"project": str(layout.root), "readme": str(layout.root / "README.md")}
    if workflow is not None:
        artifacts["workflow"] = os.path.normpath(layout.root / workflow)
    return ScaffoldProjectReply(
        status="done",
        summary=summary,
        warnings=[*kept, *retained, *warnings],
        next_step=(
            "Compare each kept file with its NAME.new, take over what you want and delete the .new file. "
            if kept
            else ""
        )
        + f"Edit {_YOURS if 'models/training/candidates.py' in files else 'data/features/features.py'} if you have ideas, then "
        f"call train. The project's own tests: `uv run pytest` in {layout.root}.",
        artifacts=artifacts,
        project_dir=str(layout.root),
        written=list(placement.written),
        unchanged=placement.unchanged,
        kept=[*(difference.path for difference in placement.kept), *retired.kept],
        removed=list(retired.removed),
    )


def _in_words(difference: Difference) -> str:
    lines = "1 line differs" if difference.lines == 1 else f"{difference.lines} lines differ"
    return (
        f"{difference.path} was changed by a person and kept; the new text is {difference.path}.new "
        f"({lines}, from line {difference.first_line} on)."
    )
