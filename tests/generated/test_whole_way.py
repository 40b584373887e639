"""Framed and trained for real, a project reproduces its champion and serves it without us."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generated.conftest import Run

pytestmark = pytest.mark.full


def test_a_trained_project_reproduces_its_score_and_passes_its_own_tests(
    tmp_path: Path, penguins: Path, call: Callable[..., Any], run: Run
) -> None:
    root = tmp_path / "ml"
    call("frame_problem", data=str(penguins), target="Species", project_dir=str(root))
    call("scaffold_project", project_dir=str(root))
    reply = call("train", project_dir=str(root), budget_seconds=60)
    result = run(root, "models/training/train.py", "--no-track")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The recorded run is reproduced." in result.stdout
    difference = re.search(r"difference of a prediction: (\S+)", result.stdout)
    assert difference is not None
    assert float(difference.group(1)) <= 1e-6
    assert (
        json.loads((root / "models/serving/champion/manifest.json").read_text(encoding="utf-8"))["run_id"]
        == reply.run_id
    )

    tests = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout[-6000:]
    serving = "from models.serving.app import app; from fastapi.testclient import TestClient\n"
    serving += "with TestClient(app) as client: print(client.get('/health').json())"
    assert "guardrails were not checked" in run(root, "-c", serving).stdout
    call("evaluate", project_dir=str(root))
    call("check_guardrails", project_dir=str(root), stage="deploy")
    serving = "from models.serving.app import app; from fastapi.testclient import TestClient\n"
    serving += "with TestClient(app) as client: print(client.get('/metadata').json()['run_id'])"
    assert run(root, "-c", serving).stdout.strip() == reply.run_id
    style = run(root, "-m", "ruff", "check", "--no-cache", ".")
    assert style.returncode == 0, style.stdout
    assert run(root, "-m", "ruff", "format", "--no-cache", "--check", ".").returncode == 0

    again = call("scaffold_project", project_dir=str(root))
    assert (again.written, again.kept) == ([], [])
