"""A multilabel project reproduces its champion, passes its own tests and answers with several labels, without us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generated.conftest import Run, stands_alone
from verbs.test_multilabel import songs

pytestmark = pytest.mark.full

ANSWERING = """
from fastapi.testclient import TestClient
from models.serving.app import app
rows = [{"tempo": 3.0, "volume": 3.0, "noise": 0.0, "kind": "a"}, {"tempo": -3.0, "volume": -3.0, "noise": 0.0, "kind": "b"}]
with TestClient(app) as client:
    lively, quiet = client.post("/predict", json=rows).json()["predictions"]
print(",".join(lively["predicted"]), ",".join(quiet["predicted"]), len(quiet["probabilities"]))
"""


@pytest.mark.parametrize("candidate", ["linear", "boosting", "extra_trees", "network", "gradient_boosting"])
def test_a_multilabel_project_stands_on_its_own(
    tmp_path: Path, call: Callable[..., Any], run: Run, candidate: str
) -> None:
    data, root = tmp_path / "songs.csv", tmp_path / "ml"
    songs()[0].to_csv(data, index=False)
    call("frame_problem", data=str(data), target="calm,fast,loud", project_dir=str(root))
    call("scaffold_project", project_dir=str(root))
    reply = call("train", project_dir=str(root), budget_evaluations=16, candidates=[candidate])
    assert reply.champion == candidate
    stands_alone(run, root)
    for _ in range(2):
        answered = run(root, "-c", ANSWERING, SERVE_WITHOUT_PASSPORT="yes")
        assert answered.stdout.split() == ["fast,loud", "calm", "3"], answered.stderr
        # The second time round it is served as trained and saved by hand.
        assert run(root, "models/training/train.py", "--no-track", "--save").returncode == 0
