"""A task type from end to end, through the verbs: framed, scaffolded, trained, evaluated, asked for predictions."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.requests import (
    EvaluateRequest,
    FrameProblemRequest,
    PredictRequest,
    ScaffoldProjectRequest,
    TrainRequest,
)
from ml_engineer.vocabulary.training import TrainingRun


@dataclass(frozen=True)
class Finished:
    """A project that went the whole way.

    Parameters
    ----------
    layout : ProjectLayout
        Where it lies.
    problem, training, report
        Its records.
    scored : pandas.DataFrame
        What predict wrote for the rows of the table.
    """

    layout: ProjectLayout
    problem: ProblemDefinition
    training: TrainingRun
    report: EvaluationReport
    scored: pd.DataFrame


Go = Callable[..., Finished]


def call(name: str, request: Any, root: Path) -> Any:
    """A verb in this process."""
    context = WorkContext(job_id=f"job_{name}", journal_dir=root / "journal")
    reply = getattr(importlib.import_module(f"ml_engineer.verbs.{name}"), name)(request, context)
    assert reply.status == "done", reply
    return reply


def go(
    root: Path, table: pd.DataFrame, target: str, *, candidates: list[str], folders: tuple[str, ...] = (), **told: Any
) -> Finished:
    """Frame, scaffold, train on a handful of fits, evaluate and predict."""
    root.mkdir(parents=True, exist_ok=True)
    data, project = root / "table.parquet", str(root / "ml")
    table.to_parquet(data)
    call("frame_problem", FrameProblemRequest(data=str(data), target=target, project_dir=project, **told), root)
    call("scaffold_project", ScaffoldProjectRequest(project_dir=project, features=list(folders)), root)
    call("train", TrainRequest(project_dir=project, budget_evaluations=12, candidates=candidates), root)
    call("evaluate", EvaluateRequest(project_dir=project), root)
    output = root / "scored.csv"
    call("predict", PredictRequest(data=str(data), project_dir=project, output=str(output)), root)
    layout = ProjectLayout(root / "ml")
    records = [load_record(layout, kind) for kind in (ProblemDefinition, TrainingRun, EvaluationReport)]
    return Finished(layout, *records, pd.read_csv(output))


def by_hand(layout: ProjectLayout, *arguments: str) -> str:
    """Run Python in the project where ml_engineer cannot be imported; what it printed."""
    blocked = layout.root.parent / "blocked" / "ml_engineer"
    blocked.mkdir(parents=True, exist_ok=True)
    (blocked / "__init__.py").write_text("raise ImportError('the project must not need us')\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(blocked.parent), "OMP_NUM_THREADS": "1"}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=layout.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def stands_alone(layout: ProjectLayout) -> None:
    """The project reproduces its score, passes its own tests and ours of style, all without us."""
    assert "The recorded run is reproduced." in by_hand(layout, "models/training/train.py", "--no-track")
    by_hand(layout, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    by_hand(layout, "-m", "ruff", "check", "--no-cache", ".")
    by_hand(layout, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data directory of its own."""
    return tmp_path_factory.mktemp("home")
