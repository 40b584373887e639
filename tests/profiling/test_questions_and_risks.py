"""What is asked and what is warned of, from columns and rows with known faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.profiling.columns import profile_columns
from ml_engineer.profiling.decisions import ColumnDecisions
from ml_engineer.profiling.questions import ask_about_survival, choose_questions
from ml_engineer.profiling.risks import list_assumptions, list_risks
from ml_engineer.profiling.roles import Structure
from ml_engineer.profiling.study import DevelopmentRows, study_development
from ml_engineer.profiling.target import read_target
from ml_engineer.vocabulary.problem import ProblemColumn, Question

RNG = np.random.default_rng(0)


def column(name: str, availability: str = "at_prediction", decided_by: str = "inferred") -> ProblemColumn:
    used = availability != "after_the_fact"
    fields = {"name": name, "role": "numeric", "used": used, "reason": "", "availability": availability}
    return ProblemColumn.model_validate(fields | {"decided_by": decided_by})


def asked(
    *columns: ProblemColumn, found: tuple[Question, ...] = (), given: bool = False, costs: bool = False
) -> list[str]:
    questions = choose_questions(found, target="y", columns=columns, moment_given=given, costs_missing=costs)
    return [question.id for question in questions]


def test_the_moment_is_asked_for_first_and_costs_last() -> None:
    groups = Question(id="groups", text="?", assumption="no", argument="group_columns")
    assert asked(column("a"), found=(groups,), costs=True) == ["prediction_moment", "groups", "costs"]


@pytest.mark.parametrize("time", ["futime", "time", "FollowUp_days", "survival_months"])
def test_a_status_beside_the_time_of_following_may_be_survival(time: str) -> None:
    (question,) = ask_about_survival("status", ["0", "1"], [column("age"), column(time)])
    assert (question.id, question.argument) == (
        "target",
        f"target='{time}', event_column='status' (1 where it happened, else 0)",
    )


@pytest.mark.parametrize(
    ("target", "classes", "others"),
    [
        ("status", ["0", "1"], ["age", "purchase_time"]),
        ("churn", ["0", "1"], ["time"]),
        ("event", list("abcd"), ["time"]),
    ],
    ids=["no time of following", "no event", "many classes"],
)
def test_other_tables_are_not_asked_about_survival(target: str, classes: list[str], others: list[str]) -> None:
    assert ask_about_survival(target, classes, [column(name) for name in others]) == ()


def test_no_more_than_four_are_asked() -> None:
    found = tuple(Question(id=name, text="?", assumption="", argument="") for name in ("target", "groups", "time"))  # type: ignore[arg-type]
    assert asked(column("a"), found=found, costs=True) == ["prediction_moment", "target", "groups", "time"]


def test_a_stated_moment_leaves_only_open_columns_to_ask_about() -> None:
    assert asked(column("a"), given=True) == []
    assert asked(column("a", "unsure"), given=True) == ["prediction_moment"]
    assert asked(column("a", "unsure", "person"), given=True) == []


def test_the_question_names_the_surest_suspects_and_counts_the_rest() -> None:
    columns = [column(f"u{index}", "unsure") for index in range(5)] + [column("late", "after_the_fact")]
    question = choose_questions((), target="y", columns=columns, moment_given=False, costs_missing=False)[0]
    assert "'late', 'u0', 'u1', 'u2' and 2 more" in question.text
    assert question.assumption.startswith("'late' left out")


def risks(frame: pd.DataFrame, groups: tuple[str, ...] = ()) -> str:
    profile, reading = profile_columns(frame, {}), read_target(frame["y"])
    folds = RNG.integers(0, 3, len(frame))
    study = study_development(
        DevelopmentRows(
            frame, folds, lambda some: [(np.flatnonzero(some != k), np.flatnonzero(some == k)) for k in range(3)]
        ),
        profile,
        structure=Structure(target="y", group_columns=groups),
        reading=reading,
        decisions=ColumnDecisions(),
        metric=None,
        counts=False,
        quantile=None,
        has_costs=False,
        seed=0,
    )
    found = list_risks(frame, profile, study, reading, group_columns=groups)
    return "\n".join((*found, *list_assumptions(study, reading, moment_given=False)))


def test_a_clean_table_has_no_risks() -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=800), "y": RNG.integers(0, 2, 800)})
    assert risks(frame).splitlines()[0] == "Every used column is known when the prediction is made"


def test_each_fault_is_named_with_its_numbers() -> None:
    rows = 300
    frame = pd.DataFrame(
        {
            "street": pd.Series([f"street {index}" for index in RNG.integers(0, 150, rows)], dtype="str"),
            "notes": np.where(RNG.random(rows) < 0.3, RNG.normal(size=rows), np.nan),
            "fnlwgt": RNG.integers(1000, 9000, rows),
            "sex": pd.Series(RNG.choice(["m", "f"], rows), dtype="str"),
            "bird": np.repeat(np.arange(100), 3),
            "y": pd.Series(["a", "b", "c"] * 95 + ["d"] * 15, dtype="str"),
        }
    )
    frame = pd.concat([frame, frame.tail(10)], ignore_index=True)
    text = risks(frame, groups=("bird",))
    assert "Classes with few development rows: 'd' (25)" in text
    assert "of 100 values of 'bird' occur with more than one class" in text
    assert "Only 310 development rows" in text
    assert "10 development rows repeat an earlier one" in text
    assert "More than half of the values are missing in 'notes'" in text
    assert "Many values of 'street' occur so rarely" in text
    assert "the groups of 'sex'" in text
    assert "the weights in 'fnlwgt' are not used" in text


def test_a_capped_amount_is_noticed_and_a_count_of_zeros_is_not() -> None:
    amount = RNG.normal(100, 20, 2_000)
    capped = pd.DataFrame({"a": RNG.normal(size=2_000), "y": np.minimum(amount, 130)})
    assert "The target looks capped" in risks(capped)
    zeros = pd.DataFrame({"a": RNG.normal(size=2_000), "y": np.maximum(amount - 100, 0)})
    assert "capped" not in risks(zeros)
