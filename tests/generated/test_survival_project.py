"""A survival project reproduces its champion, passes its own tests and answers with chances over time, without us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generated.conftest import Run, stands_alone
from verbs.test_survival import patients

pytestmark = pytest.mark.full

ANSWERING = """
from fastapi.testclient import TestClient
from models.serving.app import app
rows = [{"risk": risk, "noise": 0.0, "arm": "drug"} for risk in (-2.0, 2.0)]
with TestClient(app) as client:
    low, high = client.post("/predict", json=rows).json()["predictions"]
print(low["predicted"] < high["predicted"], len(high["survival"]))
print(all(high["survival"][time] < chance for time, chance in low["survival"].items()))
"""


@pytest.mark.parametrize("candidate", ["cox", "cox_boosting", "survival_forest"])
def test_a_survival_project_stands_on_its_own(
    tmp_path: Path, call: Callable[..., Any], run: Run, candidate: str
) -> None:
    data, root = tmp_path / "patients.csv", tmp_path / "ml"
    patients().to_csv(data, index=False)
    call("frame_problem", data=str(data), target="days", event_column="status", project_dir=str(root))
    reply = call("train", project_dir=str(root), budget_evaluations=6, candidates=[candidate])
    assert reply.champion == candidate
    stands_alone(run, root)
    for _ in range(2):
        answered = run(root, "-c", ANSWERING, SERVE_WITHOUT_PASSPORT="yes")
        assert answered.stdout.split() == ["True", "3", "True"], answered.stderr
        # The second time round it is served as trained and saved by hand.
        assert run(root, "models/training/train.py", "--no-track", "--save").returncode == 0
