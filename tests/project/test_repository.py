"""The workflow lies where the version control system looks for it, one a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_engineer.project.repository import find_repository, workflow_path, working_directory


def test_the_repository_is_the_nearest_one_above(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert find_repository(tmp_path / "a" / "ml") == tmp_path
    (tmp_path / "a" / ".git").mkdir(parents=True)
    assert find_repository(tmp_path / "a" / "ml") == tmp_path / "a"


def test_a_worktree_counts_and_a_home_under_version_control_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
    assert find_repository(tmp_path / "ml") == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert find_repository(tmp_path / "ml") is None


def test_the_workflow_is_ml_yml_at_the_top(tmp_path: Path) -> None:
    assert workflow_path(tmp_path / "ml", tmp_path, rendered_before=()) == "../.github/workflows/ml.yml"
    assert workflow_path(tmp_path, tmp_path, rendered_before=()) == ".github/workflows/ml.yml"
    assert working_directory(tmp_path / "a" / "ml", tmp_path) == "a/ml"


def test_a_second_project_of_the_repository_gets_a_workflow_of_its_own(tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ml.yml").write_text('jobs:\n  x:\n    working-directory: "ml"\n', encoding="utf-8")
    assert workflow_path(tmp_path / "ml", tmp_path, rendered_before=()) == "../.github/workflows/ml.yml"
    own = workflow_path(tmp_path / "Fraud Team", tmp_path, rendered_before=())
    assert own == "../.github/workflows/ml-fraud-team.yml"
    assert workflow_path(tmp_path / "Fraud Team", tmp_path, rendered_before={own}) == own
