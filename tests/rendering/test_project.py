"""The tree is exactly the expected one, and nothing of a template or of hostile data survives in it as code."""

from __future__ import annotations

import ast
import itertools
import json
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from generated.framed import HOSTILE_NAMES, Framed, hostile, penguins, visits
from ml_engineer.rendering.environment import templates_dir
from ml_engineer.rendering.project import KEPT_FOLDERS, STARTER_FILES, render_project, render_workflow
from ml_engineer.vocabulary.requests import FEATURE_FOLDERS, FeatureFolder

BASE = {
    ".gitignore",
    "README.md",
    "data/__init__.py",
    "data/features/__init__.py",
    "data/features/contract.py",
    "data/features/features.py",
    "data/features/rows.py",
    "data/features/rules.py",
    "data/features/schema.py",
    "data/processed/.gitkeep",
    "data/raw/.gitkeep",
    "experiments/.gitkeep",
    "models/__init__.py",
    "models/evaluation/__init__.py",
    "models/evaluation/evaluate.py",
    "models/evaluation/metrics.py",
    "models/evaluation/resampling.py",
    "models/serving/__init__.py",
    "models/serving/champion/.gitkeep",
    "models/serving/champion_file.py",
    "models/training/__init__.py",
    "models/training/candidates.py",
    "models/training/champion.py",
    "models/training/development.py",
    "models/training/fitting.py",
    "models/training/prediction.py",
    "models/training/tracking.py",
    "models/training/train.py",
    "pyproject.toml",
    "reports/.gitkeep",
    "tests/conftest.py",
    "tests/test_contract.py",
    "tests/test_evaluate.py",
    "tests/test_features.py",
    "tests/test_train.py",
}
FOLDERS: dict[FeatureFolder, set[str]] = {
    "serving": {
        "models/serving/Dockerfile",
        "models/serving/Dockerfile.dockerignore",
        "models/serving/answers.py",
        "models/serving/app.py",
        "models/serving/guard.py",
        "models/serving/passport.py",
        "models/serving/prediction_log.py",
        "models/serving/requests.py",
        "models/serving/service.py",
        "tests/test_app.py",
    },
    "monitoring": {"models/serving/drift.py", "models/serving/monitor.py", "tests/test_monitor.py"},
    "llm": {
        "models/llm/__init__.py",
        "models/llm/explain.py",
        "models/llm/influences.py",
        "models/llm/prompts/explain_v1.md",
        "models/llm/settings.py",
        "tests/test_explain.py",
    },
    "ci": set(),
    "notebook": {"notebooks/explore.ipynb", "tests/test_notebook.py"},
}


@pytest.fixture(scope="module", params=[penguins, hostile, visits], ids=lambda make: make.__name__)
def framed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Framed:
    return request.param(tmp_path_factory.mktemp("framed") / "ml")


def rendered(framed: Framed, *features: FeatureFolder) -> dict[str, str]:
    return render_project(framed.problem, framed.profile, framed.split, features)


@pytest.mark.parametrize(
    "features",
    [subset for size in (0, 1, 2, 5) for subset in itertools.combinations(FEATURE_FOLDERS, size)],
    ids=lambda subset: "+".join(subset) or "none",
)
def test_the_tree_is_exactly_what_the_chosen_folders_hold(features: tuple[FeatureFolder, ...], tmp_path: Path) -> None:
    expected = BASE.union(*(FOLDERS[folder] for folder in features))
    if "notebook" not in features:
        expected |= {"notebooks/.gitkeep"}
    files = rendered(visits(tmp_path), *features)
    assert set(files) == expected
    numbers = {"models/training/intervals.py", "models/training/spread.py", "tests/test_intervals.py"}
    assert set(rendered(hostile(tmp_path / "numbers"), *features)) == expected | numbers
    assert all(any(path.startswith(f"{folder}/") for path in files) for folder in KEPT_FOLDERS)
    assert set(files) >= STARTER_FILES


def test_every_python_file_compiles_and_every_other_file_can_be_read(framed: Framed) -> None:
    files = rendered(framed, *FEATURE_FOLDERS)
    for path, text in files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
    tomllib.loads(files["pyproject.toml"])
    json.loads(files["notebooks/explore.ipynb"])
    assert all(text == "" or text.endswith("\n") for text in files.values())


def test_no_template_mark_survives(tmp_path: Path) -> None:
    problem = penguins(tmp_path)
    goal = problem.problem.model_copy(update={"business_goal": "To test with."})
    files = render_project(goal, problem.profile, problem.split)
    survivors = [path for path, text in files.items() if "{{" in text or "{%" in text]
    assert survivors == []


def test_names_arrive_in_the_contract_as_they_are(tmp_path: Path) -> None:
    framed = hostile(tmp_path)
    tree = ast.parse(rendered(framed)["data/features/contract.py"])
    names = [
        ast.literal_eval(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Column"
        for keyword in node.keywords
        if keyword.arg == "name"
    ]
    assert names[: len(HOSTILE_NAMES)] == list(HOSTILE_NAMES)


def test_names_of_the_data_are_only_ever_string_literals(tmp_path: Path) -> None:
    files = rendered(hostile(tmp_path), *FEATURE_FOLDERS)
    for path in ("data/features/contract.py", "data/features/features.py", "models/serving/requests.py"):
        names = {node.id for node in ast.walk(ast.parse(files[path])) if isinstance(node, ast.Name)}
        assert not names & {"__import__", "os", "quoted", "braces"}, path


def test_request_fields_are_safe_identifiers_with_the_name_as_alias(tmp_path: Path) -> None:
    tree = ast.parse(rendered(hostile(tmp_path), "serving")["models/serving/requests.py"])
    row = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Row")
    fields = [node.target.id for node in row.body if isinstance(node, ast.AnnAssign)]
    assert len(fields) == len(set(fields))
    assert not {"class", "model_config", "json", "register"} & set(fields)


def test_the_readme_shows_hostile_text_as_text(tmp_path: Path) -> None:
    readme = rendered(hostile(tmp_path))["README.md"]
    assert "<b>" not in readme
    assert "A \\{\\{7\\*7\\}\\}'s" in readme


def test_rendering_twice_gives_the_same(framed: Framed) -> None:
    assert rendered(framed, "serving") == rendered(framed, "serving")


def test_the_workflow_works_in_the_projects_folder() -> None:
    workflow = YAML(typ="safe").load(render_workflow('odd "folder" ${{ x }}/ml'))
    folder = workflow["jobs"]["check"]["defaults"]["run"]["working-directory"]
    assert folder == "odd \"folder\" ${{ '${{' }} x }}/ml"
    assert workflow["permissions"] == {"contents": "read"}
    runs = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert any("pytest" in run for run in runs)
    assert not any("${{" in run for run in runs)


def test_versions_that_are_installed_are_asked_for(tmp_path: Path) -> None:
    framed = visits(tmp_path)
    files = render_project(
        framed.problem, framed.profile, framed.split, ["serving"], versions={"scikit-learn": "1.9.1", "pandas": "3.1.1"}
    )
    project = tomllib.loads(files["pyproject.toml"])
    assert "scikit-learn>=1.9.1,<1.10" in project["project"]["dependencies"]
    assert "pandas>=3.1,<4" in project["project"]["dependencies"]
    assert set(project["dependency-groups"]) == {"dev", "tracking", "serving"}


def _names(tree: ast.AST, module: str) -> set[str]:
    """What is imported from `module`, or every name that is imported or defined if it is empty."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and module in {"", node.module}]
    functions = [] if module else [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {alias.name for node in imports for alias in node.names} | set(functions)


@pytest.mark.parametrize("layer", ["classification", "ordinal", "regression", "survival"])
def test_each_kind_of_prediction_has_what_train_py_asks_of_it(layer: str) -> None:
    def parsed(folder: str, name: str) -> ast.AST:
        path = templates_dir() / "project" / folder / "models" / "training" / name
        return ast.parse(path.read_text(encoding="utf-8"))

    asked = _names(parsed("base", "train.py"), "models.training.prediction")
    assert asked
    assert asked <= _names(parsed(layer, "prediction.py"), "")
