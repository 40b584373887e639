"""What a person told or changed is found again; what is not theirs is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_engineer.project.definition import save_problem
from ml_engineer.project.earlier import Earlier, recall
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    ProblemColumn,
    ProblemDefinition,
    SignalTest,
    SplitDefinition,
)

NUMBER = Estimate(value=1, low=0, high=2, method="bootstrap", rows=80)
PROBLEM = ProblemDefinition(
    title="Predict price",
    business_goal="Predict 'price'.",
    goal_given=False,
    task_type="regression",
    task_reason="a number",
    target="price",
    primary_metric="rmse",
    metric_reason="squared errors",
    prediction_moment="Before the sale.",
    prediction_moment_given=True,
    columns=(
        ProblemColumn(name="area", role="numeric", used=True, reason="numbers"),
        ProblemColumn(name="agent", role="categorical", used=True, reason="category"),
        ProblemColumn(name="price", role="target", used=False, reason="the column to predict"),
    ),
    split=SplitDefinition(strategy="random", held_out_fraction=0.2, folds=5, reason="independent rows"),
    baseline=BaselineSummary(rule="mean", metric="rmse", score=NUMBER),
    signal=SignalTest(verdict="learnable", gain=NUMBER, explanation="better"),
    worth_building=True,
    deal_id="deal_1",
    arguments={"prediction_moment": "Before the sale.", "group_columns": ["agent"]},
)


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    layout = ProjectLayout(tmp_path)
    save_problem(layout, PROBLEM)
    return layout


def edit(layout: ProjectLayout, old: str, new: str) -> None:
    text = layout.problem_yaml.read_text(encoding="utf-8")
    assert old in text
    layout.problem_yaml.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_new_project_remembers_nothing(tmp_path: Path) -> None:
    assert recall(ProjectLayout(tmp_path / "new"), target="price") == Earlier()


def test_arguments_are_remembered_and_an_untouched_file_is_not_kept(layout: ProjectLayout) -> None:
    assert recall(layout, target="price") == Earlier(PROBLEM, PROBLEM.arguments, {}, None)


def test_another_target_forgets(layout: ProjectLayout) -> None:
    assert recall(layout, target="area") == Earlier()


def test_edits_of_the_file_become_arguments_and_the_text_is_kept(layout: ProjectLayout) -> None:
    edit(layout, "primary_metric: rmse", "primary_metric: mae")
    edit(layout, "business_goal: Predict 'price'.", "business_goal: Quote a price.")
    earlier = recall(layout, target="price")
    assert earlier.arguments == dict(PROBLEM.arguments) | {"metric": "mae", "goal": "Quote a price."}
    assert earlier.edited_text == layout.problem_yaml.read_text(encoding="utf-8")


def test_columns_edited_by_hand_are_the_persons(layout: ProjectLayout) -> None:
    edit(layout, "used: true", "used: false")
    earlier = recall(layout, target="price")
    assert [column.name for column in earlier.columns.values()] == ["area"]
    assert not earlier.columns["area"].used


def test_a_removed_argument_is_forgotten(layout: ProjectLayout) -> None:
    edit(layout, "  group_columns: [agent]\n", "")
    assert recall(layout, target="price").arguments == {"prediction_moment": "Before the sale."}


def test_a_file_that_cannot_be_read_is_kept_and_no_error(layout: ProjectLayout) -> None:
    layout.problem_yaml.write_text("{", encoding="utf-8")
    assert recall(layout, target="price") == Earlier(edited_text="{")
