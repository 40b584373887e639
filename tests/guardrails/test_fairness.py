"""FAI: the verdicts are those four and no others; a planted disparity is shown, a small group is not judged."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_run, a_split, a_table, an_estimate, an_evaluation, ask, evidence_of, text
from ml_engineer.guardrails import Evidence
from ml_engineer.guardrails.fairness import FAI001, FAI004, FAI005
from ml_engineer.guardrails.fairness_groups import FAI002, FAI006, FAI007, FAI008, FAI009
from ml_engineer.guardrails.fairness_mitigation import FAI010
from ml_engineer.guardrails.fairness_proxies import FAI003
from ml_engineer.vocabulary.fairness import MitigationTrial
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
    now, needed = (
        int(number.replace(",", "")) for number in re.findall(r"([\d,]+) rows.* now, ([\d,]+) needed", finding.found)[0]
    )
    assert 30 <= now < needed


def test_a_tiny_group_is_named_and_does_not_decide() -> None:
    frame = people()
    frame.loc[:9, "sex"] = "x"
    evidence = judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8, "x": 0.0}))
    assert ask(FAI002(), evidence).outcome == "passed"
    finding = ask(FAI009(), evidence)
    assert (finding.outcome, finding.columns) == ("advice", ("sex",))
    assert "'x' (too small: 10 rows, 30 are needed; nothing to pool it with)" in finding.found


def test_many_people_in_groups_too_small_to_judge_are_an_issue() -> None:
    frame = people()
    frame.loc[:399, "sex"] = text([f"village {place // 20}" for place in range(400)])
    finding = ask(FAI009(), judged(frame, missing_some(frame, dict.fromkeys(frame["sex"].unique(), 0.8))))
    assert finding.outcome == "issue"
    assert "10 % of the rows" in finding.found
    assert "pooled into (pooled: 20 small groups)" in finding.found


def test_groups_that_are_all_large_enough_pass_and_without_groups_there_is_nothing_to_count() -> None:
    frame = people()
    assert ask(FAI009(), judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8}))).outcome == "passed"
    assert ask(FAI009(), evidence_of(a_table(), training=a_run())).outcome == "not_applicable"


def test_a_thousand_groups_of_one_row_are_not_assessed() -> None:
    frame = people(rows=1000)
    frame["sex"] = text([f"person {place}" for place in range(1000)])
    finding = ask(FAI002(), judged(frame, (frame["y"] == "yes").to_numpy().astype(int)))
    assert (finding.outcome, finding.blocks) == ("issue", False)
    assert finding.found.startswith(
        "not assessed: of 1,000 groups only '(pooled: 1000 small groups)' is large enough to compare, small ones pooled "
        "('person 0' is too small: 1 rows, 30 are needed; pooled into (pooled: 1000 small groups))"
    )


def test_one_group_cannot_be_compared() -> None:
    frame = people(women=1.0)
    finding = ask(FAI002(), judged(frame, missing_some(frame, {"w": 0.8})))
    assert finding.found == "not assessed: all rows are of one group, 'w' ('sex')"


def test_selection_rates_stand_beside_with_the_four_fifths_rule_as_information() -> None:
    frame = people(rows=400)
    codes = (np.random.default_rng(5).random(400) < 0.3).astype(int)
    finding = ask(FAI006(), judged(frame, codes))
    assert finding.outcome in ("advice", "passed")
    assert re.search(
        r"for information: lowest over highest 0\.\d\d, (not )?below four fifths, which chance alone", finding.found
    )


def test_a_difference_in_selection_is_an_issue_that_does_not_block() -> None:
    frame = people()
    codes = (np.random.default_rng(5).random(4000) < np.where(frame["sex"] == "w", 0.2, 0.5)).astype(int)
    finding = ask(FAI006(), judged(frame, codes), stage="production")
    assert (finding.outcome, finding.blocks) == ("issue", False)
    assert "disparity shown: selection rate" in finding.found
    assert ask(FAI006(), evidence_of(a_table(), training=a_run())).outcome == "not_applicable"


def crossed(chance: dict[tuple[str, str], float]) -> Evidence:
    frame = people(rows=8000)
    origin = np.where(np.random.default_rng(7).random(8000) < 0.5, "a", "b")
    found = np.random.default_rng(1).random(8000) < [chance[key] for key in zip(frame["sex"], origin, strict=True)]
    codes = ((frame["y"] == "yes").to_numpy() & found).astype(int)
    frame["origin"] = text(origin)
    return evidence_of(
        frame,
        columns=SENSITIVE | {"origin": {"sensitive": True}},
        groups={name: frame[name].to_numpy(dtype=object) for name in ("sex", "origin")},
        training=a_run(),
        predictions=predicted(frame, codes),
    )


def test_a_disparity_that_only_shows_at_the_crossing_is_found_there() -> None:
    evidence = crossed({("w", "a"): 0.6, ("m", "b"): 0.6, ("w", "b"): 0.8, ("m", "a"): 0.8})
    assert ask(FAI002(), evidence).outcome == "passed"
    finding = ask(FAI007(), evidence)
    assert (finding.outcome, finding.columns) == ("issue", ("sex", "origin"))
    assert "disparity shown: recall" in finding.found


def test_equal_errors_at_every_crossing_pass_and_one_column_cannot_be_crossed() -> None:
    assert (
        ask(FAI007(), crossed(dict.fromkeys([("w", "a"), ("m", "b"), ("w", "b"), ("m", "a")], 0.8))).outcome == "passed"
    )
    frame = people()
    finding = ask(FAI007(), judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8})))
    assert finding.outcome == "not_applicable"


def scored(*, shift: float) -> Evidence:
    """Probabilities that are right for men and too high by `shift` for women."""
    frame = people(rows=6000)
    generator = np.random.default_rng(3)
    true = generator.uniform(0.2, 0.7, 6000)
    frame["y"] = text(np.where(generator.random(6000) < true, "yes", "no"))
    told = true + shift * (frame["sex"] == "w").to_numpy()
    table = predicted(frame, (told > 0.5).astype(int)).assign(p0=1 - told, p1=told)
    return evidence_of(
        frame,
        columns=SENSITIVE,
        groups={"sex": frame["sex"].to_numpy(dtype=object)},
        training=a_run(),
        predictions=table,
    )


def test_probabilities_that_mean_less_for_one_group_are_shown() -> None:
    finding = ask(FAI008(), scored(shift=0.2))
    assert finding.outcome == "issue"
    assert "disparity shown: observed minus predicted share" in finding.found
    assert ask(FAI008(), scored(shift=0.0)).outcome == "passed"


def test_calibration_decides_if_scores_are_read_as_they_are() -> None:
    evidence = scored(shift=0.2)
    problem = evidence.problem.model_copy(update={"fairness_use": "scores"})
    evidence = replace(evidence, problem=problem)
    assert ask(FAI002(), evidence, stage="production").blocks
    assert ask(FAI008(), evidence).found == "it is the deciding measure, see FAI002"


def test_what_decides_and_why_is_said() -> None:
    frame = people()
    codes = missing_some(frame, {"w": 0.5, "m": 0.9})
    costs = Costs(false_positive=1, false_negative=5)
    assert (
        "a miss costs no less (5) than a false alarm (1)"
        in ask(FAI002(), judged(frame, codes, problem={"costs": costs})).remedy
    )
    assert "no costs were given" in ask(FAI002(), judged(frame, codes)).remedy


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
    person = np.arange(4000) // 100
    frame = people().assign(person=person, sex=text(np.where(person % 2 == 0, "w", "m")))
    found = np.random.default_rng(1).random(40)[person] < 0.8  # a person is found in all of their rows, or in none
    codes = ((frame["y"] == "yes").to_numpy() & found).astype(int)
    split = evidence_of(frame).problem.split.model_copy(update={"group_columns": ("person",)})
    assert "not enough data" in ask(FAI002(), judged(frame, codes, problem={"split": split})).found
    assert "not enough data" not in ask(FAI002(), judged(frame, codes)).found


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


def test_columns_without_names_are_to_be_named_before_they_are_judged() -> None:
    finding = ask(FAI001(), evidence_of(a_table().assign(column_5=1.0, column_6=2.0)))
    assert finding.outcome == "question"
    assert "2 columns have no name of their own" in finding.found
    assert "column_names" in finding.remedy


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
    assert "carried by 'title' (0.9" in finding.found
    assert "leaving 'sex' out does not hide it from the model" in finding.found
    assert ask(FAI003(), with_stand_in(used=True)).outcome == "advice"


def test_columns_that_only_together_tell_a_group_apart_are_found() -> None:
    frame = people()
    half = np.random.default_rng(4).random(4000) < 0.5
    frame["one"], frame["two"] = half.astype(float), (half ^ (frame["sex"] == "w").to_numpy()).astype(float)
    hidden = {"sex": {"sensitive": True, "used": False}}
    finding = ask(FAI003(), evidence_of(frame, columns=hidden, groups={"sex": frame["sex"].to_numpy(dtype=object)}))
    assert finding.outcome == "issue"
    assert "ROC AUC 1.00 (4,000 rows), carried by several together" in finding.found


def test_other_rows_of_the_same_person_are_no_stand_in_where_the_person_is_the_group() -> None:
    generator = np.random.default_rng(6)
    person = np.repeat(np.arange(200), 6)
    frame = pd.DataFrame(
        {
            "person": person,
            "height": generator.normal(170, 10, 200)[person],
            "sex": text(generator.choice(["m", "w"], 200)[person]),
            "y": text(generator.choice(["no", "yes"], 1200)),
        }
    )
    groups = {"sex": frame["sex"].to_numpy(dtype=object)}
    columns = {"person": {"role": "group", "used": False}, "sex": {"sensitive": True, "used": False}}
    alone = evidence_of(frame, columns=columns, groups=groups)
    assert "ROC AUC 0.8" in ask(FAI003(), alone).found
    split = a_split(strategy="grouped", group_columns=("person",))
    together = evidence_of(frame, columns=columns, groups=groups, problem={"split": split}, folds=person % 5)
    assert ask(FAI003(), together).outcome == "passed"


def test_a_sensitive_column_with_one_value_has_no_stand_in() -> None:
    frame = people(women=1.0)
    finding = ask(FAI003(), evidence_of(frame, columns=SENSITIVE, groups={"sex": frame["sex"].to_numpy(dtype=object)}))
    assert (finding.outcome, finding.found) == ("passed", "not assessed for 'sex': one group only")


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


def a_trial(**changes: Any) -> MitigationTrial:
    fields: dict[str, Any] = {
        "kind": "reweighting",
        "column": "sex",
        "measure": "recall",
        "before": an_estimate(0.4),
        "after": an_estimate(0.05),
        "verdict": "within the tolerance you set",
        "metric": "roc_auc",
        "metric_before": 0.8,
        "price": an_estimate(-0.01),
        **changes,
    }
    return MitigationTrial(**fields)


def test_a_shown_disparity_asks_for_a_decision_with_prices() -> None:
    frame = people()
    evidence = judged(
        frame, missing_some(frame, {"w": 0.5, "m": 0.9}), evaluation=an_evaluation(mitigations=(a_trial(),))
    )
    finding = ask(FAI010(), evidence)
    assert (finding.outcome, finding.columns) == ("question", ("sex",))
    assert (
        "reweighting brings the difference from 0.40 to 0.05 [0.03, 0.07] and roc_auc from 0.800 by -0.010"
        in finding.found
    )


def test_a_shown_disparity_about_which_nothing_was_tried_is_an_issue() -> None:
    frame = people()
    evidence = judged(frame, missing_some(frame, {"w": 0.5, "m": 0.9}))
    finding = ask(FAI010(), evidence)
    assert (finding.outcome, finding.found) == ("issue", "nothing was tried about the disparity of 'sex'")


def test_without_a_disparity_there_is_nothing_to_mitigate() -> None:
    frame = people()
    assert ask(FAI010(), judged(frame, missing_some(frame, {"w": 0.8, "m": 0.8}))).outcome == "not_applicable"
