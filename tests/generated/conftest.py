"""Scaffolded projects, and how to run things in them as their owner would: without us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generated.framed import Framed, hostile, penguins, visits
from ml_engineer.rendering.project import render_project

PROJECTS = {make.__name__: make for make in (penguins, hostile, visits)}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def scaffold(framed: Framed) -> Path:
    """Write the whole rendered tree."""
    for path, text in render_project(framed.problem, framed.profile, framed.split).items():
        file = framed.layout.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return framed.layout.root


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Roots of scaffolded projects by name; tests do not change them."""
    return {name: scaffold(make(tmp_path_factory.mktemp(name) / "ml")) for name, make in PROJECTS.items()}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run Python in a project, in an environment where importing `ml_engineer` fails."""
    blocked = tmp_path_factory.mktemp("blocked") / "ml_engineer"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise ImportError('the project must not need us')\n", encoding="utf-8")

    def _run(root: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "PYTHONPATH": str(blocked.parent),
            "OMP_NUM_THREADS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            **settings,
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=900,
        )

    return _run


def stands_alone(run: Run, root: Path) -> None:
    """Hold a trained project to what its owner counts on: the recorded run, its own tests, and clean code."""
    result = run(root, "models/training/train.py", "--no-track")
    assert "The recorded run is reproduced." in result.stdout, result.stdout + result.stderr
    tests = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout[-6000:]
    for check in (["check", "--no-cache"], ["format", "--no-cache", "--check"]):
        style = run(root, "-m", "ruff", *check, ".")
        assert style.returncode == 0, style.stdout
