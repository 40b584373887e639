"""FAI: the verdicts are those four and no others; a planted disparity is shown, a small group is not judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_run, a_table, ask, evidence_of, text
from ml_engineer.guardrails import Evidence
from ml_engineer.guardrails.fairness import FAI001, FAI002, FAI003, FAI004, FAI005
from ml_engineer.vocabulary.problem import Costs

SENSITIVE = {"sex": {"sensitive": True}}


def people(*, rows: int = 4000, women: float = 0.5, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    sex = np.where(generator.random(rows) < women, "w", "m")
    y = np.where(generator.random(rows) < 0.5, "yes", "no")
    return pd.DataFrame({"x": generator.normal(size=rows), "sex": text(sex), "y": text(y)})


def predicted(frame: pd.DataFrame, codes: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"row": frame.index.to_numpy(), "fold": 0, "predicted": codes})


def missing_some(frame: pd.DataFrame, chance: dict[str, float]) -> np.ndarray:
    """Predictions that find each positive with a chance that depends on the group, and raise no false alarm."""
    found = np.random.default_rng(1).random(len(frame)) < frame["sex"].map(chance).to_numpy(dtype=float)
    return ((frame["y"] == "yes").to_numpy() & found).astype(int)


def judged(frame: pd.DataFrame, codes: np.ndarray, **parts: Any) -> Evidence:
    return evidence_of(
        frame,
        columns=SENSITIVE,
        groups={"sex": frame["sex"].to_numpy(dtype=object)},
        training=a_run(),
        predictions=predicted(frame, codes),
        **parts,
    )


def test_a_disparity_is_shown_and_blocks_production_only() -> None:
    frame = people()
    evidence = judged(frame, missing_some(frame, {"w": 0.5, "m": 0.9}))
    finding = ask(FAI002(), evidence)
    assert finding.found.startswith("disparity shown: recall")
    assert (finding.outcome, finding.blocks, finding.columns) == ("issue", False, ("sex",))
    assert ask(FAI002(), evidence, stage="production").blocks


def test_equal_recall_of_large_groups_is_within_the_tolerance() -> None:
    frame = people()
    finding = ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8})))
    assert finding.outcome == "passed"
    assert finding.found.startswith("within the tolerance you set: recall")


def test_a_small_group_gives_the_number_of_rows_that_would_settle_it() -> None:
    frame = people(rows=500, women=0.3)
    finding = ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.7, "m": 0.8})))
    assert finding.outcome == "issue"
    assert finding.found.startswith("not enough data: ")
    now, needed = (int(part.split()[0].replace(",", "")) for part in finding.found.split(": ")[1].split(", ")[:2])
    assert 30 <= now < needed


def test_a_tiny_group_is_named_and_does_not_decide() -> None:
    frame = people()
    frame.loc[:9, "sex"] = "x"
    finding = ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8, "x": 0.0})))
    assert finding.outcome == "passed"
    assert "too few rows to judge 'x'" in finding.found


def test_one_group_cannot_be_compared() -> None:
    frame = people(women=1.0)
    assert (
        "not assessed: 'sex' has one group only" in ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.8}))).found
    )


def test_false_alarms_are_compared_if_they_cost_more() -> None:
    frame = people()
    alarms = np.random.default_rng(1).random(len(frame)) < np.where(frame["sex"] == "w", 0.4, 0.1)
    codes = ((frame["y"] == "yes").to_numpy() | alarms).astype(int)
    costs = Costs(false_positive=5, false_negative=1)
    finding = ask(FAI002(), judged(frame, codes, problem={"costs": costs}))
    assert finding.found.startswith("disparity shown: false positive rate")


def test_errors_of_numbers_are_compared_relative_to_all_rows() -> None:
    frame = people().assign(y=np.random.default_rng(0).normal(100, 10, 4000))
    errors = np.random.default_rng(1).normal(size=4000) * np.where(frame["sex"] == "w", 3.0, 1.0)
    finding = ask(FAI002(), judged(frame, frame["y"].to_numpy() + errors))
    assert finding.found.startswith("disparity shown: mean absolute error")


def test_rows_of_one_person_do_not_count_as_many() -> None:
    frame = people().assign(person=np.arange(4000) // 100)
    codes = missing_some(frame, {"w": 0.8, "m": 0.8})
    split = evidence_of(frame).problem.split.model_copy(update={"group_columns": ("person",)})
    assert "not enough data" in ask(FAI002(), judged(frame, codes, problem={"split": split})).found


def test_without_sensitive_columns_nothing_is_assessed() -> None:
    finding = ask(FAI002(), evidence_of(a_table(), training=a_run()))
    assert (finding.outcome, finding.found) == ("not_applicable", "not assessed: no sensitive column is named")


@pytest.mark.parametrize("seed", range(10, 30))
def test_no_disparity_is_shown_where_there_is_none(seed: int) -> None:
    frame = people(rows=600, seed=seed)
    assert "disparity shown" not in ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.7, "m": 0.7}))).found


@pytest.mark.parametrize("name", ["sex", "Gender", "race", "maritalStatus", "age", "customer_age", "foreign worker"])
def test_a_protected_attribute_that_nobody_named_blocks_deployment(name: str) -> None:
    finding = ask(FAI001(), evidence_of(a_table().assign(**{name: 1.0})))
    assert finding.blocks
    assert finding.columns == (name,)
    assert ask(FAI001(), evidence_of(a_table().assign(**{name: 1.0})), stage="train").outcome == "not_applicable"


def test_a_table_about_nobody_is_not_assessed_until_a_person_says_so() -> None:
    finding = ask(FAI001(), evidence_of(a_table().assign(housing_median_age=1.0)))
    assert (finding.outcome, finding.blocks) == ("question", False)
    assert finding.found.startswith("not assessed: ")


def test_a_named_column_passes() -> None:
    assert ask(FAI001(), evidence_of(people(), columns=SENSITIVE)).outcome == "passed"


def with_stand_in(*, used: bool) -> Evidence:
    frame = people()
    flips = np.random.default_rng(2).random(len(frame)) < 0.1
    frame["title"] = text(np.where((frame["sex"] == "w") ^ flips, "ms", "mr"))
    columns = {"sex": {"sensitive": True, "used": used}}
    return evidence_of(frame, columns=columns, groups={"sex": frame["sex"].to_numpy(dtype=object)})


def test_a_stand_in_is_an_issue_if_the_sensitive_column_was_left_out() -> None:
    finding = ask(FAI003(), with_stand_in(used=False))
    assert finding.outcome == "issue"
    assert "'title' (0.9" in finding.found
    assert ask(FAI003(), with_stand_in(used=True)).outcome == "advice"


def test_unrelated_columns_are_no_stand_ins_and_without_groups_there_is_nothing_to_stand_in_for() -> None:
    frame = people()
    groups = {"sex": frame["sex"].to_numpy(dtype=object)}
    assert ask(FAI003(), evidence_of(frame, columns=SENSITIVE, groups=groups)).outcome == "passed"
    assert ask(FAI003(), evidence_of(frame)).outcome == "not_applicable"


def test_a_sensitive_feature_is_asked_about() -> None:
    hidden = {"sex": {"sensitive": True, "used": False}}
    assert ask(FAI004(), evidence_of(people(), columns=SENSITIVE)).outcome == "question"
    assert ask(FAI004(), evidence_of(people(), columns=hidden)).outcome == "passed"
    assert ask(FAI004(), evidence_of(people())).outcome == "not_applicable"


def test_an_outcome_that_differs_between_groups_is_told() -> None:
    frame = people()
    frame["y"] = text(
        np.where(np.random.default_rng(3).random(4000) < np.where(frame["sex"] == "w", 0.3, 0.6), "yes", "no")
    )
    finding = ask(FAI005(), evidence_of(frame, columns=SENSITIVE, groups={"sex": frame["sex"].to_numpy(dtype=object)}))
    assert finding.outcome == "advice"
    assert "for 'sex' = 'm'" in finding.found


def test_equal_outcomes_pass() -> None:
    frame = people()
    groups = {"sex": frame["sex"].to_numpy(dtype=object)}
    assert ask(FAI005(), evidence_of(frame, columns=SENSITIVE, groups=groups)).outcome == "passed"
    assert ask(FAI005(), evidence_of(frame)).outcome == "not_applicable"
