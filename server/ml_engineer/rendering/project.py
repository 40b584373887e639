"""The whole tree of a user's project as texts: which template layers, and what they are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from ml_engineer.rendering.columns import ContractColumn, contract_columns, request_fields
from ml_engineer.rendering.environment import template_environment, templates_dir
from ml_engineer.rendering.packages import dependency_groups, requirements
from ml_engineer.rendering.quoting import identifier
from ml_engineer.vocabulary.contract import DataContract
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.estimates import direction_of
from ml_engineer.vocabulary.model_types import TRUSTED_TYPES
from ml_engineer.vocabulary.places import Place, places_among
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.requests import FEATURE_FOLDERS, FeatureFolder
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.written_numbers import WrittenNumbers

__all__ = ["KEPT_FOLDERS", "STARTER_FILES", "render_project", "render_workflow"]

KEPT_FOLDERS = (
    "data/raw",
    "data/processed",
    "data/features",
    "models/training",
    "models/evaluation",
    "models/serving",
    "models/serving/champion",
    "notebooks",
    "experiments",
    "reports",
    "tests",
)
"""Folders that every project has; those without a rendered file get a ``.gitkeep``."""

STARTER_FILES = frozenset({"models/training/champion.py"})
"""Files that are only a start: another verb owns them, so they are written once and never compared."""

_COMMANDS: dict[FeatureFolder, tuple[tuple[str, str], ...]] = {
    "serving": (("uv run uvicorn models.serving.app:app", "serve the champion at http://127.0.0.1:8000/docs"),),
    "monitoring": (
        (
            "uv run python models/serving/monitor.py",
            "compare what was served with the development rows; status 1 on drift",
        ),
    ),
    "llm": (("uv run python models/llm/explain.py --row 0", "explain a prediction in plain words"),),
    "ci": (),
    "notebook": (("uv run jupyter execute notebooks/explore.ipynb", "run the exploration notebook"),),
}
_FOLDERS: dict[FeatureFolder, tuple[tuple[str, str, str], ...]] = {
    "serving": (),
    "monitoring": (),
    "llm": (("models/llm/", "the explanation of a prediction by Claude, off by default", "yes"),),
    "ci": (),
    "notebook": (("notebooks/", "exploration of the development rows", "yes"),),
}
_FOR_SERIES: frozenset[FeatureFolder] = frozenset({"serving", "monitoring", "ci"})
"""Feature folders that a forecasting project may have."""
_ALSO_FOR_SERIES = frozenset(
    {
        ".gitignore",
        "pyproject.toml",
        "data/__init__.py",
        "data/features/__init__.py",
        "data/features/rules.py",
        "data/features/schema.py",
        "models/__init__.py",
        "models/evaluation/__init__.py",
        "models/serving/Dockerfile",
        "models/serving/Dockerfile.dockerignore",
        "models/serving/__init__.py",
        "models/serving/app.py",
        "models/serving/guard.py",
        "models/serving/passport.py",
        "models/serving/prediction_log.py",
        "models/training/__init__.py",
    }
)
"""Files of other layers that are not about single rows."""


def render_project(
    problem: ProblemDefinition,
    profile: DataProfile,
    split: SplitPlan,
    features: Iterable[FeatureFolder] = FEATURE_FOLDERS,
    *,
    versions: Mapping[str, str] | None = None,
    contract: DataContract | None = None,
    more_files: Mapping[str, str] | None = None,
    text_model: bool = False,
    foundation_model: bool = False,
) -> dict[str, str]:
    """Render every file of the project but the CI workflow and data/contract.yaml, which framing writes.

    Parameters
    ----------
    problem, profile, split
        The framed problem.
    features : iterable of FeatureFolder
        Feature folders to include.
    versions : mapping of str to str, optional
        Installed version by package, which pyproject.toml then asks for.
    contract : DataContract, optional
        Says which fields of a request may be null; without it, those that were missing on development rows.
    more_files : mapping of str to str, optional
        Text by path of files that are no templates.
    text_model, foundation_model : bool
        Whether a training was given a text model, or a foundation model.

    Returns
    -------
    dict of str to str
        Text by path relative to the project, in a stable order.
    """
    chosen = [folder for folder in FEATURE_FOLDERS if folder in set(features)]
    forecasting = problem.task_type == "forecasting"
    if forecasting:
        chosen = [folder for folder in chosen if folder in _FOR_SERIES]
    context = _context(problem, profile, split, chosen, versions=versions or {}, contract=contract)
    context["dependencies"] = requirements(
        versions or {}, forecasting=forecasting, text_model=text_model, foundation_model=foundation_model
    )
    files: dict[str, str] = {}
    for layer in _layers(problem, chosen):
        for path, template in _templates(layer):
            if not forecasting or "forecasting" in layer or path in _ALSO_FOR_SERIES:
                files[path] = _rendered(template, context)
    files |= more_files or {}
    files |= {f"{folder}/.gitkeep": "" for folder in KEPT_FOLDERS if not _holds_file(folder, files)}
    return dict(sorted(files.items()))


def render_workflow(working_directory: str) -> str:
    """Render the CI workflow of the user's repository.

    Parameters
    ----------
    working_directory : str
        The project's folder, relative to the repository, with forward slashes; ``.`` if they are the same.
    """
    # A dollar sign and two braces start an expression of the workflow engine, in quoted text too.
    folder = working_directory.replace("${{", "${{ '${{' }}")
    return template_environment().get_template("project/ci/workflow.yml.j2").render(folder=folder)


def _layers(problem: ProblemDefinition, chosen: list[FeatureFolder]) -> list[str]:
    """Template folders in the order in which they are laid over each other."""
    if problem.task_type == "forecasting":
        folders = [folder for folder in chosen if folder != "ci"]
        return ["base", "forecasting", *(layer for folder in folders for layer in (folder, f"{folder}-forecasting"))]
    kind = "regression" if problem.form == "regression" else "classification"
    if not problem.learns_target:
        kind = "unsupervised"
    layers = ["base", kind]
    # What the task is called comes last: what it has of its own lies over what its outcomes share with others.
    layers += [layer for layer in dict.fromkeys((problem.form, problem.task_type)) if layer != kind]
    layers = [layer for layer in layers if problem.learns_target or layer != problem.form]
    for folder in chosen:
        if folder != "ci":
            layers += dict.fromkeys((folder, f"{folder}-{kind}", f"{folder}-{problem.task_type}"))
    return layers


def _templates(layer: str) -> list[tuple[str, str]]:
    """Path in the project and name of the template, for each file of a layer; a layer may not exist."""
    root = templates_dir() / "project" / layer
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            inside = PurePosixPath(path.relative_to(root).as_posix())
            name = inside.name.removesuffix(".j2")
            name = f".{name.removeprefix('dot_')}" if name.startswith("dot_") else name
            found.append((str(inside.with_name(name)), f"project/{layer}/{inside}"))
    return found


def _rendered(template: str, context: Mapping[str, object]) -> str:
    """Text of one file: files that do not end in ``.j2`` are the same in every project."""
    if template.endswith(".j2"):
        return template_environment().get_template(template).render(**context)
    return (templates_dir() / template).read_text(encoding="utf-8")


def _holds_file(folder: str, files: Mapping[str, str]) -> bool:
    return any(path.startswith(f"{folder}/") for path in files)


def _context(
    problem: ProblemDefinition,
    profile: DataProfile,
    split: SplitPlan,
    chosen: list[FeatureFolder],
    *,
    versions: Mapping[str, str],
    contract: DataContract | None,
) -> dict[str, object]:
    columns = contract_columns(problem, profile)
    written = _written_numbers(problem, profile)
    sections = [f"project/readme/{folder}.md" for folder in chosen]
    return {
        "problem": problem,
        "task": problem.judged_as,
        "higher_is_better": direction_of(problem.primary_metric) == "higher",
        "false_positive_cost": problem.costs.false_positive if problem.costs else None,
        "false_negative_cost": problem.costs.false_negative if problem.costs else None,
        "columns": columns,
        "fields": request_fields(columns, contract),
        "feature_names": [
            column.name
            for column in columns
            if column.storage != "datetime" and not (column.name in written and column.role == "numeric")
        ],
        "written_patterns": {name: numbers.pattern for name, numbers in written.items()},
        "written_parts": {
            name: {part: list(factors) for part, factors in numbers.parts.items()} for name, numbers in written.items()
        },
        "text_names": [column.name for column in problem.features if column.role == "text"],
        "moment_names": [column.name for column in columns if column.storage == "datetime"],
        "code_names": _codes(problem, profile),
        "places": {place.name: [place.latitude, place.longitude] for place in _places(problem, columns)},
        "trusted_types": TRUSTED_TYPES,
        "development_rows": split.development_rows,
        "project_name": identifier(problem.title, fallback="ml").replace("_", "-").strip("-"),
        "groups": dependency_groups(chosen, versions),
        "commands": [command for folder in chosen for command in _COMMANDS[folder]],
        "folders": [line for folder in chosen for line in _FOLDERS[folder]],
        "sections": sections,
        "chosen_folders": chosen,
    }


def _written_numbers(problem: ProblemDefinition, profile: DataProfile) -> dict[str, WrittenNumbers]:
    """Texts whose numbers become features: in place of a text that is nothing else, beside one that is a category too.

    Where rows are only compared with each other, what stands beside the text would count twice.
    """
    seen = {column.name: column for column in profile.columns}
    roles = {"numeric", "categorical"} if problem.learns_target else {"numeric"}
    return {
        column.name: numbers
        for column in problem.features
        if column.role in roles and (numbers := seen[column.name].numbers) is not None
    }


def _codes(problem: ProblemDefinition, profile: DataProfile) -> list[str]:
    """Features that are numbers but name things, where something is learned from them; two values need no names.

    Where rows are only compared with each other, a code told as number and as text would count twice.
    """
    if not problem.learns_target:
        return []
    seen = {column.name: column for column in profile.columns}
    return [
        column.name
        for column in problem.features
        if column.role == "categorical"
        and seen[column.name].storage in {"integer", "float"}
        and seen[column.name].distinct_values > 2
    ]


def _places(problem: ProblemDefinition, columns: Sequence[ContractColumn]) -> list[Place]:
    """Pairs of features that are a latitude and a longitude, where something is learned from them.

    Where rows are only compared with each other, a place told in several ways would count several times.
    """
    if not problem.learns_target:
        return []
    numbers = (column for column in columns if column.storage in {"integer", "float"})
    return places_among((one.name, None if isinstance(one.typical, str) else one.typical) for one in numbers)
