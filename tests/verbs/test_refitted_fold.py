"""A real champion's fold is fitted again from its code; predictions that were tampered with do not come true."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from ml_engineer.guardrails import RefitFacts
from ml_engineer.project.definition import load_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.verbs.training.refitted_fold import refit_one_fold
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun


@pytest.fixture
def layout(tmp_path: Path, penguins: Path, call: Callable[..., Any]) -> ProjectLayout:
    root = str(tmp_path / "ml")
    call("frame_problem", data=str(penguins), target="Species", project_dir=root)
    call("train", project_dir=root, candidates=["linear"], budget_seconds=10)
    return ProjectLayout(tmp_path / "ml")


def refit(layout: ProjectLayout) -> RefitFacts | None:
    split = load_record(layout, SplitPlan)
    return refit_one_fold(
        layout, load_problem(layout), split, load_record(layout, TrainingRun), load_development(layout, split)
    )


def test_a_champions_fold_comes_true_again_until_its_predictions_are_changed(layout: ProjectLayout) -> None:
    facts = refit(layout)
    assert facts is not None
    assert (facts.problem, facts.unequal_rows) == ("", 0)
    assert facts.rows > 20
    path = layout.out_of_fold(load_record(layout, TrainingRun).run_id)
    stored = pd.read_parquet(path)
    first, second = "p0", "p1"
    stored[[first, second]] = stored[[second, first]].to_numpy()
    stored.to_parquet(path)
    changed = refit(layout)
    assert changed is not None
    assert changed.unequal_rows > facts.rows / 2
    path.unlink()
    assert refit(layout) is None


def test_a_model_that_depends_on_the_number_of_cores_comes_true_again(
    tmp_path: Path, penguins: Path, call: Callable[..., Any]
) -> None:
    root = tmp_path / "ml"
    call("frame_problem", data=str(penguins), target="Species", project_dir=str(root))
    call("scaffold_project", project_dir=str(root), features=[])
    (root / "models" / "training" / "candidates.py").write_text(
        """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_info


class Cores(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.tree_ = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X.select_dtypes("number"), y)
        self.classes_ = self.tree_.classes_
        cores = max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        self.trust_ = 0.9 / cores
        return self

    def predict_proba(self, X):
        learned = self.tree_.predict_proba(X.select_dtypes("number"))
        return self.trust_ * learned + (1 - self.trust_) / len(self.classes_)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def build_candidates():
    return {"cores": Cores()}
""",
        encoding="utf-8",
    )
    assert call("train", project_dir=str(root), candidates=["cores"], budget_seconds=10).champion == "cores"
    with threadpool_limits(limits=4, user_api="blas"):
        facts = refit(ProjectLayout(root))
    assert facts is not None
    assert (facts.problem, facts.unequal_rows) == ("", 0)


def test_a_champion_that_learned_from_a_sample_comes_true_again_from_the_projects_own_code(
    tmp_path: Path, penguins: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine on which all rows take too long.
    state = "ml_engineer.modelling.search_state."
    monkeypatch.setattr(f"{state}HOLDOUT_ROWS", 200)
    monkeypatch.setattr(
        f"{state}SearchState.seconds_per_fold",
        lambda _state, standing: 1e6 if standing.candidate.most_rows is None else 0.1,
    )
    layout = ProjectLayout(tmp_path / "ml")
    root = str(layout.root)
    call("frame_problem", data=str(penguins), target="Species", project_dir=root)
    call("train", project_dir=root, candidates=["linear"], budget_seconds=30)
    training = load_record(layout, TrainingRun)
    learned = training.champion.learned_rows
    assert training.champion.name == "linear_on_sample"
    assert learned is not None
    assert f"LEARNED_ROWS = {learned}" in layout.champion_py.read_text(encoding="utf-8")
    report = (layout.reports / "search.md").read_text(encoding="utf-8")
    assert f"a sample of {learned} development rows" in report
    facts = refit(layout)
    assert facts is not None
    assert (facts.problem, facts.unequal_rows) == ("", 0)
    script = [sys.executable, str(layout.training_dir / "train.py"), "--no-track", "--save"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The recorded run is reproduced." in done.stdout
