"""Scaffolding renders everything, keeps what a person changed, and says what it did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from generated.framed import Framed, visits
from ml_engineer.errors import DefinitionError, ProjectStateError
from ml_engineer.project.definition import save_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.user_code import load_features
from ml_engineer.vocabulary.split import SplitPlan


@pytest.fixture
def framed(tmp_path: Path) -> Framed:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    return visits(tmp_path / "repository" / "ml")


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_everything_is_rendered_and_the_workflow_lies_at_the_top_of_the_repository(
    framed: Framed, call: Callable[..., Any]
) -> None:
    reply = call("scaffold_project", project_dir=str(framed.layout.root))
    assert reply.status == "done"
    assert reply.warnings == []
    assert (framed.layout.root.parent / ".github" / "workflows" / "ml.yml").exists()
    assert Path(reply.artifacts["workflow"]) == framed.layout.root.parent / ".github" / "workflows" / "ml.yml"
    assert all((framed.layout.root / path).exists() for path in reply.written)
    assert framed.layout.serving_app.exists()
    assert framed.layout.monitor.exists()
    stored = json.loads((framed.layout.experiments / "scaffold.json").read_text(encoding="utf-8"))
    assert stored["files"]["README.md"] == file_sha256(framed.layout.root / "README.md")
    assert "models/training/champion.py" not in stored["files"]


def test_a_second_call_changes_nothing(framed: Framed, call: Callable[..., Any]) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root))
    before = tree(framed.layout.root.parent)
    reply = call("scaffold_project", project_dir=str(framed.layout.root))
    assert (reply.written, reply.kept) == ([], [])
    assert tree(framed.layout.root.parent) == before


def test_a_changed_file_is_kept_and_the_difference_is_told(framed: Framed, call: Callable[..., Any]) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root), features=["ci"])
    text = framed.layout.features_py.read_text(encoding="utf-8")
    framed.layout.features_py.write_text(text + "# mine\n", encoding="utf-8")
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=["ci"])
    assert reply.kept == ["data/features/features.py"]
    assert "1 line differs" in reply.warnings[0]
    assert framed.layout.features_py.read_text(encoding="utf-8").endswith("# mine\n")
    assert framed.layout.features_py.with_name("features.py.new").read_text(encoding="utf-8") == text


def test_a_trained_champion_is_left_alone(framed: Framed, call: Callable[..., Any]) -> None:
    framed.layout.champion_py.parent.mkdir(parents=True)
    framed.layout.champion_py.write_text("RUN_ID = 'run_1'\n", encoding="utf-8")
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=[])
    assert framed.layout.champion_py.read_text(encoding="utf-8") == "RUN_ID = 'run_1'\n"
    assert reply.kept == []


def test_code_follows_an_edited_problem_unless_a_person_changed_it(framed: Framed, call: Callable[..., Any]) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root), features=[])
    columns = tuple(
        column.model_copy(update={"used": column.used and column.name != "basket"}) for column in framed.problem.columns
    )
    save_problem(framed.layout, framed.problem.model_copy(update={"columns": columns}))
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=[])
    assert set(reply.written) == {"data/features/contract.py", "data/features/features.py"}
    assert "basket" not in framed.layout.features_py.read_text(encoding="utf-8")


def test_only_chosen_folders_are_rendered(framed: Framed, call: Callable[..., Any]) -> None:
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=["llm"])
    assert "Without serving, monitoring, ci, notebook" in reply.summary
    assert not framed.layout.serving_app.exists()
    assert not (framed.layout.root.parent / ".github").exists()
    assert (framed.layout.root / "models" / "llm" / "explain.py").exists()


def test_folders_that_are_no_longer_chosen_are_removed_and_the_choice_is_remembered(
    framed: Framed, call: Callable[..., Any]
) -> None:
    root = framed.layout.root
    call("scaffold_project", project_dir=str(root))
    reply = call("scaffold_project", project_dir=str(root), features=["serving"])
    assert "Without monitoring, llm, ci, notebook" in reply.summary
    assert {"models/serving/monitor.py", "models/llm/explain.py", "../.github/workflows/ml.yml"} <= set(reply.removed)
    assert reply.kept == []
    assert not (root / "models" / "llm").exists()
    assert not (root.parent / ".github" / "workflows" / "ml.yml").exists()
    assert (root / "notebooks" / ".gitkeep").exists()
    assert framed.layout.serving_app.exists()
    left = tree(root.parent)
    again = call("scaffold_project", project_dir=str(root))
    assert (again.written, again.removed) == ([], [])
    assert tree(root.parent) == left


def test_fewer_folders_leave_the_same_tree_as_if_there_had_never_been_more(
    framed: Framed, tmp_path: Path, call: Callable[..., Any]
) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root), features=["notebook", "ci"])
    alone = tree(framed.layout.root.parent)
    call("scaffold_project", project_dir=str(framed.layout.root), features=["serving", "monitoring", "llm"])
    call("scaffold_project", project_dir=str(framed.layout.root), features=["ci", "notebook"])
    assert tree(framed.layout.root.parent) == alone


def test_a_file_that_a_person_changed_outlives_its_folder_and_is_named(
    framed: Framed, call: Callable[..., Any]
) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root))
    explain = framed.layout.root / "models" / "llm" / "explain.py"
    explain.write_text("# mine\n", encoding="utf-8")
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=[])
    assert reply.kept == ["models/llm/explain.py"]
    assert "models/llm/explain.py is no longer part of the project" in reply.warnings[0]
    assert [path.name for path in explain.parent.iterdir()] == ["explain.py"]
    assert explain.read_text(encoding="utf-8") == "# mine\n"


def test_a_copied_project_does_not_take_the_others_workflow(framed: Framed, call: Callable[..., Any]) -> None:
    call("scaffold_project", project_dir=str(framed.layout.root))
    other = framed.layout.root.with_name("other")
    shutil.copytree(framed.layout.root, other)
    reply = call("scaffold_project", project_dir=str(other), features=[])
    assert (framed.layout.root.parent / ".github" / "workflows" / "ml.yml").exists()
    assert "../.github/workflows/ml.yml" not in reply.removed


def test_without_a_repository_the_workflow_lies_beside_the_project(tmp_path: Path, call: Callable[..., Any]) -> None:
    framed = visits(tmp_path / "somewhere" / "ml")
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=["ci"])
    assert (tmp_path / "somewhere" / ".github" / "workflows" / "ml.yml").exists()
    assert "no git repository yet" in reply.warnings[0]


def test_nothing_is_written_outside_a_named_workspace(
    framed: Framed, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_ENGINEER_WORKSPACE", str(framed.layout.root))
    reply = call("scaffold_project", project_dir=str(framed.layout.root), features=["ci"])
    assert not (framed.layout.root.parent / ".github").exists()
    assert (framed.layout.root / ".github" / "workflows" / "ml.yml").exists()
    assert "top of the repository" in reply.warnings[0]


def test_an_unframed_project_is_told_what_to_do(tmp_path: Path, call: Callable[..., Any]) -> None:
    with pytest.raises(ProjectStateError, match="Call frame_problem first"):
        call("scaffold_project", project_dir=str(tmp_path))
    assert list(tmp_path.glob("*.py")) == []


def test_a_broken_problem_file_is_told_and_nothing_is_rendered(framed: Framed, call: Callable[..., Any]) -> None:
    framed.layout.problem_yaml.write_text("task_type: [", encoding="utf-8")
    with pytest.raises(DefinitionError):
        call("scaffold_project", project_dir=str(framed.layout.root))
    assert not (framed.layout.root / "README.md").exists()


def test_a_problem_without_features_is_refused(framed: Framed, call: Callable[..., Any]) -> None:
    columns = tuple(column.model_copy(update={"used": False}) for column in framed.problem.columns)
    save_problem(framed.layout, framed.problem.model_copy(update={"columns": columns}))
    with pytest.raises((ProjectStateError, DefinitionError)):
        call("scaffold_project", project_dir=str(framed.layout.root))


def test_a_file_in_the_way_of_a_folder_is_told(framed: Framed, call: Callable[..., Any]) -> None:
    (framed.layout.root / "models").write_text("in the way", encoding="utf-8")
    with pytest.raises(ProjectStateError, match="models"):
        call("scaffold_project", project_dir=str(framed.layout.root))


def test_codes_become_texts_and_written_numbers_numbers(tmp_path: Path, call: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    shops = rng.integers(100, 180, 400)
    worth = rng.normal(0, 3, 80)
    table = pd.DataFrame({"shop": shops, "kind": rng.integers(0, 5, 400), "x": rng.normal(size=400)})
    table["opened"] = [f"{hour:02d}:{minute:02d}" for hour, minute in rng.integers(0, 24, (400, 2))]
    table["parcel"] = [f"{width}x{height}" for width, height in rng.integers(10, 99, (400, 2))]
    table["sales"] = (worth[shops - 100] + table["x"] + rng.normal(size=400)).round(3)
    table.to_csv(tmp_path / "sales.csv", index=False)
    project = str(tmp_path / "ml")
    reply = call(
        "frame_problem",
        data=str(tmp_path / "sales.csv"),
        target="sales",
        project_dir=project,
        roles={"shop": "categorical"},
    )
    call("scaffold_project", project_dir=project, features=[])
    layout = ProjectLayout(tmp_path / "ml")
    rows = load_development(layout, load_record(layout, SplitPlan)).frame
    features = load_features(layout)(rows)
    assert list(features) == [
        *("shop", "kind", "x", "shop__code", "kind__code"),
        *("opened__minutes", "opened__hour", "parcel__1", "parcel__2"),
    ]
    assert any("'opened' (clock times: minutes, hour); 'parcel' (sizes: 1, 2)" in told for told in reply.warnings)
    assert features["shop__code"].tolist() == [str(shop) for shop in rows["shop"]]
    hours, minutes = zip(*(map(int, cell.split(":")) for cell in rows["opened"]), strict=True)
    assert features["opened__minutes"].tolist() == [60 * one + two for one, two in zip(hours, minutes, strict=True)]
