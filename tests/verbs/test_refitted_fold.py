"""A real champion's fold is fitted again from its code; predictions that were tampered with do not come true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

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
