"""A ranking's project reproduces its champion, passes its own tests and answers a query with its order, without us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generated.conftest import Run, stands_alone
from verbs.test_ranking import searches

pytestmark = pytest.mark.full

ANSWERING = """
from fastapi.testclient import TestClient
from models.serving.app import app
rows = [{"hardness": 0.0, "fit": fit, "price": 5.0} for fit in (-1.0, 2.0, 0.5)]
with TestClient(app) as client:
    print([one["rank"] for one in client.post("/predict", json=rows).json()["predictions"]])
"""


@pytest.mark.parametrize("candidate", ["lambda_boosting", "lambda_gradient_boosting_shallow", "linear"])
def test_a_ranking_project_stands_on_its_own(
    tmp_path: Path, call: Callable[..., Any], run: Run, candidate: str
) -> None:
    data, root = tmp_path / "searches.csv", tmp_path / "ml"
    searches().to_csv(data, index=False)
    told: dict[str, Any] = {"target": "relevance", "task_type": "ranking", "group_columns": ["search"]}
    call("frame_problem", data=str(data), project_dir=str(root), **told)
    reply = call("train", project_dir=str(root), budget_evaluations=6, candidates=[candidate])
    assert reply.champion == candidate
    stands_alone(run, root)
    assert run(root, "models/evaluation/evaluate.py").returncode == 0
    assert run(root, "-c", ANSWERING, SERVE_WITHOUT_PASSPORT="yes").stdout.strip() == "[3, 1, 2]"
