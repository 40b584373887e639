"""problem.yaml: what is written is read back, and what a person gets wrong is told by line, key and value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_engineer.errors import DefinitionError, ProjectStateError
from ml_engineer.project.definition import load_problem, refuse_redealt, save_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.problem_yaml import problem_text
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    Costs,
    ProblemColumn,
    ProblemDefinition,
    Question,
    SignalTest,
    SplitDefinition,
)
from ml_engineer.vocabulary.split import SplitPlan

NASTY = (
    'quo"te', "line\nbreak", "{{ brace }}", "emoji 🐧", "class", "null", "yes", "2024", "1e-5", "# no", "- dash", "a: b",
    "tab\t", "nel\x85", "\u2028ls", "\ufeffbom", "bell\x07", " padded ", "", "'single'", "%TAG", "&a", "*b", "!!str x", "x" * 300, "ß/é/ж/水",
)  # fmt: skip


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 1e-5, high=value + 0.1 / 3, method="bootstrap", rows=80)


def column(name: str, **fields: object) -> ProblemColumn:
    return ProblemColumn.model_validate({"name": name, "role": "numeric", "used": True, "reason": "numbers"} | fields)


@pytest.fixture
def problem() -> ProblemDefinition:
    return ProblemDefinition(
        parents={"profile": "0" * 64},
        title="Predict left",
        business_goal="Know who leaves.",
        goal_given=False,
        task_type="binary",
        task_reason="two classes",
        target="left",
        classes=("0", "1"),
        positive_class="1",
        primary_metric="roc_auc",
        metric_reason="ranks",
        prediction_moment="At the end of the month.",
        prediction_moment_given=False,
        columns=(column("age"), column("plan", role="categorical"), column("left", role="target", used=False)),
        split=SplitDefinition(
            strategy="grouped", group_columns=("plan",), held_out_fraction=0.2, folds=5, reason="several rows a plan"
        ),
        costs=Costs(false_positive=1, false_negative=2.5),
        baseline=BaselineSummary(rule="class shares", metric="roc_auc", score=estimate(0.5)),
        signal=SignalTest(verdict="learnable", gain=estimate(0.2), explanation="Better."),
        worth_building=True,
        risks=("Few rows.",),
        questions=(Question(id="costs", text="What does an error cost?", assumption="Equal.", argument="costs"),),
        deal_id="deal_1",
    )


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path / "ml")


@pytest.fixture
def edited(layout: ProjectLayout, problem: ProblemDefinition) -> Callable[[str, str], ProjectLayout]:
    """A project whose problem.yaml has one text replaced by another."""

    def _edit(old: str, new: str) -> ProjectLayout:
        save_problem(layout, problem)
        text = layout.problem_yaml.read_text(encoding="utf-8")
        assert old in text
        layout.problem_yaml.write_text(text.replace(old, new, 1), encoding="utf-8")
        return layout

    return _edit


def line_of(layout: ProjectLayout, start: str) -> int:
    lines = layout.problem_yaml.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.lstrip().startswith(start))


def test_what_is_saved_is_loaded(layout: ProjectLayout, problem: ProblemDefinition) -> None:
    save_problem(layout, problem)
    assert load_problem(layout) == problem


def test_the_file_alone_holds_everything(layout: ProjectLayout, problem: ProblemDefinition) -> None:
    save_problem(layout, problem)
    (layout.records / "problem.json").unlink()
    assert load_problem(layout).content_hash() == problem.content_hash()


@pytest.mark.parametrize("name", NASTY)
def test_any_name_and_text_survives_the_file(layout: ProjectLayout, problem: ProblemDefinition, name: str) -> None:
    columns = (*problem.columns, column(f"x{name}", reason=name), column(name or "empty"))
    odd = problem.model_copy(update={"columns": columns, "business_goal": name, "risks": (name, "Few rows.")})
    layout.root.mkdir()
    layout.problem_yaml.write_text(problem_text(odd), encoding="utf-8", newline="\n")
    assert load_problem(layout) == odd


def test_every_key_is_explained_and_closed_sets_are_listed(problem: ProblemDefinition) -> None:
    lines = problem_text(problem).splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith((" ", "#", "-")):
            assert lines[number - 1].lstrip().startswith("#"), line
    assert any("One of: accuracy, balanced_accuracy" in line for line in lines)


def test_a_missing_file_says_what_makes_it(layout: ProjectLayout) -> None:
    with pytest.raises(ProjectStateError, match="Call frame_problem first"):
        load_problem(layout)


def test_a_typo_in_a_key_names_the_line_and_the_nearest_key(edited: Callable[[str, str], ProjectLayout]) -> None:
    layout = edited("\nprimary_metric:", "\nprimary_metrik:")
    with pytest.raises(DefinitionError) as caught:
        load_problem(layout)
    line = line_of(layout, "primary_metrik")
    assert f"line {line}: there is no key 'primary_metrik' here; did you mean 'primary_metric'?" in str(caught.value)


def test_a_typo_in_a_nested_key_names_its_own_line(edited: Callable[[str, str], ProjectLayout]) -> None:
    layout = edited("  held_out_fraction: 0.2", "  held_out_frction: 0.2")
    with pytest.raises(DefinitionError, match="did you mean 'held_out_fraction'"):
        load_problem(layout)
    with pytest.raises(DefinitionError, match=f"line {line_of(layout, 'held_out_frction')}"):
        load_problem(layout)


def test_a_wrong_value_names_key_value_and_what_is_allowed(edited: Callable[[str, str], ProjectLayout]) -> None:
    layout = edited("role: categorical", "role: categoricl")
    with pytest.raises(DefinitionError) as caught:
        load_problem(layout)
    text = str(caught.value)
    assert f"line {line_of(layout, 'role: categoricl')}: 'role' holds 'categoricl'; allowed: target, numeric" in text
    assert "did you mean 'categorical'?" in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("target: left", "target: lft", "not a column; did you mean 'left'?"),
        ("positive_class: '1'", "positive_class: '2'", "allowed: 0, 1"),
        ("primary_metric: roc_auc", "primary_metric: rmse", "does not fit; allowed: accuracy"),
        ("role: target\n    used: false", "role: target\n    used: true", "the target cannot be used"),
        ("availability: at_prediction", "availability: after_the_fact", "known only after the fact"),
        ("used: true", "used: perhaps", "'used' holds 'perhaps'"),
        ("held_out_fraction: 0.2", "held_out_fraction: 20", "less than or equal to 1"),
        ("[plan]", "[plam]", "did you mean 'plan'?"),
        ("task_type: binary", "task_type: forecasting", "does not fit a forecasting task"),
        ("title: Predict left", "", "the key 'title' is missing"),
    ],
)
def test_contradictions_are_found(
    edited: Callable[[str, str], ProjectLayout], old: str, new: str, expected: str
) -> None:
    with pytest.raises(DefinitionError, match="line ") as caught:
        load_problem(edited(old, new))
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2\n", "- 1\n", "", "just words", "\ttab: 1"])
def test_what_is_not_a_yaml_mapping_is_refused(layout: ProjectLayout, text: str) -> None:
    layout.root.mkdir()
    layout.problem_yaml.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"problem\.yaml"):
        load_problem(layout)


def test_labels_that_are_digits_may_be_written_as_numbers(edited: Callable[[str, str], ProjectLayout]) -> None:
    assert load_problem(edited("positive_class: '1'", "positive_class: 0")).positive_class == "0"


def test_an_edited_column_is_marked_as_the_persons(edited: Callable[[str, str], ProjectLayout]) -> None:
    problem = load_problem(edited("sensitive: false", "sensitive: true"))
    assert problem.column("age").sensitive
    assert [item.decided_by for item in problem.columns] == ["person", "inferred", "inferred"]


def test_an_edited_goal_counts_as_given(edited: Callable[[str, str], ProjectLayout]) -> None:
    assert load_problem(edited("Know who leaves.", "Keep them.")).goal_given


def split_of(problem: ProblemDefinition) -> SplitPlan:
    return SplitPlan(
        deal_id=problem.deal_id,
        definition=problem.split,
        target=problem.target,
        table_sha256="",
        development_rows=80,
        held_out_rows=20,
        development_sha256="",
        held_out_sha256="",
        fold_rows=(40, 40),
    )


def test_the_problem_as_dealt_is_accepted(problem: ProblemDefinition) -> None:
    reworded = problem.split.model_copy(update={"reason": "in other words"})
    refuse_redealt(problem.model_copy(update={"split": reworded}), split_of(problem))


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"strategy": "time", "time_column": "age"}, "split='time'"),
        ({"group_columns": ("age",)}, "group_columns="),
        ({"held_out_fraction": 0.3}, "held_out_fraction=0.3"),
        ({"folds": 3}, "Put the old value back"),
    ],
)
def test_an_edited_split_is_refused_with_the_argument_to_pass(
    problem: ProblemDefinition, change: dict[str, object], argument: str
) -> None:
    edited = problem.model_copy(update={"split": problem.split.model_copy(update=change)})
    with pytest.raises(ProjectStateError, match="than the rows were dealt by") as caught:
        refuse_redealt(edited, split_of(problem))
    assert argument in str(caught.value)


def test_an_edited_target_is_refused(problem: ProblemDefinition) -> None:
    with pytest.raises(ProjectStateError, match="another target"):
        refuse_redealt(problem.model_copy(update={"target": "plan"}), split_of(problem))


def test_classes_called_yes_and_no_are_text_to_every_reader_of_yaml(problem: ProblemDefinition) -> None:
    """Readers of YAML 1.1 take a bare yes or no for a truth value."""
    text = problem_text(problem.model_copy(update={"classes": ("no", "yes"), "positive_class": "yes"}))
    assert 'classes: ["no", "yes"]' in text
    assert 'positive_class: "yes"' in text
