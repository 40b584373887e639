"""A champion that holds the user's own class and function is saved as a pickle: everything generated copes with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generated.conftest import Run

OWN = '''"""Pipelines of our own."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


class Measures(TransformerMixin, BaseEstimator):
    """The bill, with gaps filled by what was learned."""

    def fit(self, X: pd.DataFrame, y: object = None) -> "Measures":
        """Learn the medians."""
        self.medians_ = X.filter(like="Culmen").median()
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Fill the gaps."""
        return X.filter(like="Culmen").fillna(self.medians_)


def with_ratio(values: pd.DataFrame) -> np.ndarray:
    """Add the bill's shape."""
    return np.column_stack([values, values.iloc[:, 0] / values.iloc[:, 1]])


def build_candidates() -> dict[str, BaseEstimator]:
    """Build our own model."""
    return {"bill": make_pipeline(Measures(), FunctionTransformer(with_ratio), LogisticRegression(max_iter=2000))}
'''
SERVE = """
import json
from fastapi.testclient import TestClient
from models.serving.app import app
with TestClient(app) as client:
    health = client.get("/health")
    print(health.json().get("status") or health.json()["detail"])
"""


@pytest.fixture
def trained(tmp_path: Path, penguins: Path, call: Callable[..., Any]) -> Path:
    """A project whose champion is our own model."""
    root = tmp_path / "ml"
    call("frame_problem", data=str(penguins), target="Species", project_dir=str(root))
    call("scaffold_project", project_dir=str(root), features=["serving", "monitoring", "llm"])
    (root / "models" / "training" / "candidates.py").write_text(OWN, encoding="utf-8")
    assert call("train", project_dir=str(root), candidates=["bill"], budget_seconds=30).champion == "bill"
    return root


@pytest.mark.full
def test_it_is_served_only_where_that_is_allowed_and_without_the_code_it_came_from(trained: Path, run: Run) -> None:
    shutil.move(trained / "models" / "training" / "candidates.py", trained / "candidates.py.away")
    assert "set ALLOW_PICKLE_MODEL=yes" in run(trained, "-c", SERVE).stdout
    assert "guardrails were not checked" in run(trained, "-c", SERVE, ALLOW_PICKLE_MODEL="yes").stdout
    result = run(trained, "-c", SERVE, ALLOW_PICKLE_MODEL="yes", SERVE_WITHOUT_PASSPORT="yes")
    assert result.stdout.strip() == "ok", result.stderr
    assert "can run any code" in run(trained, "models/llm/explain.py").stderr
    explained = run(trained, "models/llm/explain.py", ALLOW_PICKLE_MODEL="yes")
    assert "The model predicts" in explained.stdout, explained.stderr


def test_saved_by_hand_it_predicts_what_train_recorded(trained: Path, run: Run) -> None:
    result = run(trained, "models/training/train.py", "--save", "--no-track")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The recorded run is reproduced." in result.stdout
    assert "It is a pickle" in result.stdout
    champion = trained / "models" / "serving" / "champion"
    assert json.loads((champion / "manifest.json").read_text(encoding="utf-8"))["model_format"] == "pickle"
    assert not (champion / "model.skops").exists()
    served = run(trained, "-c", SERVE, ALLOW_PICKLE_MODEL="yes")
    assert "passport.json is about another model" in served.stdout
    served = run(trained, "-c", SERVE, ALLOW_PICKLE_MODEL="yes", SERVE_WITHOUT_PASSPORT="yes")
    assert served.stdout.strip() == "ok", served.stderr


@pytest.mark.full
def test_the_projects_own_tests_pass(trained: Path, run: Run) -> None:
    result = run(trained, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout[-6000:]
    assert " skipped" not in result.stdout.splitlines()[-1]
    style = run(trained, "-m", "ruff", "check", "--no-cache", "data", "models", "tests")
    assert style.returncode == 0, style.stdout
