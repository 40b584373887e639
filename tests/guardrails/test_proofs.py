"""LEA by fitting: shuffled outcomes, one column left out, a later row's target."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_split, a_table, ask, evidence_of, some_folds, text
from ml_engineer.guardrails.proofs import LEA014, LEA015, LEA016


@pytest.mark.parametrize("frame", [a_table(), a_numeric_table()], ids=["classes", "numbers"])
def test_honest_rows_score_like_chance_on_shuffled_outcomes(frame: pd.DataFrame) -> None:
    finding = ask(LEA014(), evidence_of(frame))
    assert finding.outcome == "passed"
    assert "where chance is" in finding.found


def people(rows: int = 800) -> pd.DataFrame:
    """Eight rows a person, whose height gives them away and whose fate is their own."""
    generator = np.random.default_rng(0)
    person = np.arange(rows) // 8
    height = generator.normal(170, 10, rows)[person] + generator.normal(0, 0.01, rows)
    fate = generator.integers(0, 2, rows)[person]
    return pd.DataFrame({"person": person, "height": height, "y": text(np.where(fate, "yes", "no"))})


def test_people_known_again_on_shuffled_outcomes_block() -> None:
    evidence = evidence_of(people(), columns={"person": {"role": "identifier", "used": False}})
    finding = ask(LEA014(), evidence, stage="train")
    assert finding.blocks
    assert "shuffled between groups of 'person'" in finding.found


def test_people_kept_together_are_not_known_again() -> None:
    frame = people()
    grouped = {"split": a_split(strategy="grouped", group_columns=("person",))}
    evidence = evidence_of(
        frame,
        columns={"person": {"role": "group", "used": False}},
        problem=grouped,
        folds=some_folds(100)[frame["person"]],
    )
    assert ask(LEA014(), evidence).outcome == "passed"


def nearly_solved(*, by_one: bool) -> pd.DataFrame:
    frame = a_table(rows=1000)
    yes = (frame["y"] == "yes").to_numpy()
    generator = np.random.default_rng(1)
    frame["first"] = yes * 6 + generator.normal(size=1000)
    return frame if by_one else frame.assign(second=yes * 6 + generator.normal(size=1000))


def test_a_jump_by_one_column_is_asked_about() -> None:
    finding = ask(LEA015(), evidence_of(nearly_solved(by_one=True)))
    assert (finding.outcome, finding.columns) == ("question", ("first",))


def test_a_problem_that_several_columns_solve_is_easy() -> None:
    finding = ask(LEA015(), evidence_of(nearly_solved(by_one=False)))
    assert finding.outcome == "passed"
    assert "an easy problem" in finding.found


def test_a_text_is_no_jump() -> None:
    frame = a_table()
    words = np.where(frame["y"] == "yes", "you have won a free prize today", "see you for lunch tomorrow then")
    frame["message"] = text([f"{line} {row}" for row, line in enumerate(words)])
    assert ask(LEA015(), evidence_of(frame, columns={"message": {"role": "text"}})).outcome == "passed"


def sales(*, shift: int) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    y = np.round(100 + np.cumsum(generator.normal(0, 5, 400)), 2)
    return pd.DataFrame({"day": pd.date_range("2024-01-01", periods=400), "lag": pd.Series(y).shift(shift), "y": y})


IN_TIME = {"split": a_split(strategy="time", time_column="day")}


@pytest.mark.parametrize("days", [1, 7])
def test_a_shift_into_the_future_blocks(days: int) -> None:
    finding = ask(LEA016(), evidence_of(sales(shift=-days), problem=IN_TIME), stage="train")
    assert finding.blocks
    assert finding.columns == ("lag",)


def test_a_shift_into_the_past_passes() -> None:
    assert ask(LEA016(), evidence_of(sales(shift=1), problem=IN_TIME)).outcome == "passed"


def test_without_time_there_is_no_later_row() -> None:
    assert ask(LEA016(), evidence_of(a_table())).outcome == "not_applicable"


def test_rows_that_are_equal_because_few_values_exist_are_no_groups() -> None:
    rng = np.random.default_rng(0)
    rooms, age = rng.integers(1, 9, 1200), rng.integers(0, 50, 1200)
    frame = pd.DataFrame({"rooms": rooms, "age": age, "y": rooms + 0.02 * age + rng.normal(size=1200)})
    assert ask(LEA014(), evidence_of(frame), stage="train").outcome == "passed"
