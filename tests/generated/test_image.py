"""The image holds what the service needs, and nobody's data."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generated.conftest import Run, scaffold
from generated.framed import hostile
from ml_engineer.vocabulary.problem import TaskType

WITHOUT_TARGET = {"clustering", "anomaly_detection"}


def without_classes(root: Path, task: TaskType) -> Path:
    """Scaffold a project that only its kind tells from a regression."""
    framed = hostile(root)
    changed = framed.problem.model_copy(
        update={"task_type": task, "target": "" if task in WITHOUT_TARGET else framed.problem.target}
    )
    return scaffold(replace(framed, problem=changed))


@pytest.mark.parametrize("task", ["multiclass", "regression", "survival", "clustering", "anomaly_detection"])
def test_the_files_that_the_image_copies_are_enough_to_start_the_service(
    projects: dict[str, Path], run: Run, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, task: TaskType
) -> None:
    scaffolded = {"multiclass": "penguins", "regression": "hostile"}.get(task)
    root = projects[scaffolded] if scaffolded else without_classes(tmp_path_factory.mktemp("project") / "ml", task)
    dockerfile = (root / "models" / "serving" / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if re.match(r"COPY (data|models)", line)]
    assert copied
    for name in (name for line in copied for name in line):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(root / name, target) if (root / name).is_dir() else shutil.copy(root / name, target)
    assert not list(tmp_path.rglob("*.parquet"))
    starting = "from models.serving.app import app; from fastapi.testclient import TestClient\n"
    starting += "with TestClient(app) as client: print(client.get('/health').json()['detail'])"
    result = run(tmp_path, "-c", starting)
    assert "train a model first" in result.stdout, result.stderr


def test_the_image_runs_as_nobody_and_checks_its_health(projects: dict[str, Path]) -> None:
    dockerfile = (projects["penguins"] / "models" / "serving" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile, re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile
