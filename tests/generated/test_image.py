"""The image holds what the service needs, and nobody's data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from generated.conftest import Run


def test_the_files_that_the_image_copies_are_enough_to_start_the_service(
    projects: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    root = projects["penguins"]
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
