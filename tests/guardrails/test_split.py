"""SPL: folds that mislead are caught, honest ones pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_split, a_table, ask, evidence_of, some_folds, text
from ml_engineer.guardrails.split import SPL001, SPL002, SPL006, SPL007, SPL008
from ml_engineer.guardrails.split_by_time import SPL003, SPL004, SPL005
from ml_engineer.vocabulary.problem import Question

GROUPED = {"split": a_split(strategy="grouped", group_columns=("person",))}


def people(*, alike: bool, rows: int = 400) -> pd.DataFrame:
    """Four rows a person; persons are alike in their outcome, or not."""
    generator = np.random.default_rng(0)
    person = np.arange(rows) // 4
    fate = generator.integers(0, 2, rows)[person] if alike else generator.integers(0, 2, rows)
    return pd.DataFrame({"person": person, "x": generator.normal(size=rows), "y": text(np.where(fate, "yes", "no"))})


def test_a_declared_group_in_several_folds_blocks() -> None:
    finding = ask(SPL001(), evidence_of(people(alike=True), problem=GROUPED), stage="train")
    assert finding.blocks
    assert finding.columns == ("person",)
    assert finding.example_rows


def test_groups_kept_together_pass() -> None:
    frame = people(alike=True)
    folds = (frame["person"] % 5).to_numpy()
    assert ask(SPL001(), evidence_of(frame, problem=GROUPED, folds=folds)).outcome == "passed"


def test_without_groups_there_is_nothing_to_keep_together() -> None:
    assert ask(SPL001(), evidence_of(a_table())).outcome == "not_applicable"


def test_persons_alike_dealt_as_strangers_block() -> None:
    evidence = evidence_of(people(alike=True), columns={"person": {"role": "identifier", "used": False}})
    finding = ask(SPL002(), evidence, stage="train")
    assert finding.blocks
    assert "intraclass correlation 1.00" in finding.found


def test_a_few_rows_that_share_a_name_are_asked_about() -> None:
    frame = people(alike=True)
    frame["person"] = frame["person"].where(np.arange(len(frame)) < 0.1 * len(frame), 1_000 + np.arange(len(frame)))
    evidence = evidence_of(frame, columns={"person": {"role": "identifier", "used": False}})
    finding = ask(SPL002(), evidence, stage="train")
    assert (finding.outcome, finding.blocks) == ("question", False)


def test_persons_somewhat_alike_are_asked_about() -> None:
    frame = people(alike=True, rows=1000)
    redrawn = np.random.default_rng(1).random(1000) < 0.65
    frame.loc[redrawn, "y"] = np.random.default_rng(2).choice(["yes", "no"], int(redrawn.sum()))
    evidence = evidence_of(frame, columns={"person": {"role": "identifier", "used": False}})
    finding = ask(SPL002(), evidence, stage="train")
    assert (finding.outcome, finding.blocks) == ("question", False)


def test_a_second_key_beside_declared_groups_is_asked_about() -> None:
    columns = {"person": {"role": "identifier", "used": False}}
    evidence = evidence_of(
        people(alike=True), columns=columns, problem={"split": a_split(strategy="grouped", group_columns=("x",))}
    )
    assert (ask(SPL002(), evidence).outcome, ask(SPL002(), evidence).blocks) == ("question", False)


def test_numbers_that_repeat_and_have_nothing_in_common_pass() -> None:
    evidence = evidence_of(people(alike=False), columns={"person": {"role": "identifier", "used": False}})
    assert ask(SPL002(), evidence, stage="train").outcome == "passed"


def test_identifiers_of_single_rows_are_no_groups() -> None:
    frame = a_table().assign(case=np.arange(400))
    evidence = evidence_of(frame, columns={"case": {"role": "identifier", "used": False}})
    assert ask(SPL002(), evidence).outcome == "passed"


def in_time(*, rows: int = 400, trend: float = 0.0) -> pd.DataFrame:
    frame = a_numeric_table(rows=rows)
    frame["when"] = pd.date_range("2020-01-01", periods=rows)
    frame["y"] += trend * np.arange(rows) / rows
    return frame


BY_TIME = {"split": a_split(strategy="time", time_column="when")}


def test_folds_out_of_order_block_a_split_by_time() -> None:
    assert ask(SPL003(), evidence_of(in_time(), problem=BY_TIME), stage="train").blocks


def test_folds_in_order_pass() -> None:
    assert ask(SPL003(), evidence_of(in_time(), problem=BY_TIME, folds=np.arange(400) // 80)).outcome == "passed"


def test_order_of_folds_is_no_question_without_time() -> None:
    assert ask(SPL003(), evidence_of(a_table())).outcome == "not_applicable"


def test_times_that_the_split_ignores_are_asked_about_while_the_question_is_open() -> None:
    question = Question(id="time", text="Later?", assumption="no", argument="time_column")
    finding = ask(SPL004(), evidence_of(in_time(), problem={"questions": (question,)}))
    assert (finding.outcome, finding.columns) == ("question", ("when",))


def test_times_that_are_known_too_late_are_no_times_to_deal_rows_by() -> None:
    evidence = evidence_of(in_time(trend=6), columns={"when": {"availability": "unsure"}})
    assert ask(SPL004(), evidence).outcome == "passed"
    assert ask(SPL005(), evidence).outcome == "not_applicable"


def test_times_that_change_the_target_are_asked_about_again() -> None:
    assert ask(SPL004(), evidence_of(in_time(trend=6))).outcome == "question"


def test_times_that_somebody_decided_on_are_advice() -> None:
    assert ask(SPL004(), evidence_of(in_time())).outcome == "advice"


def test_a_table_without_times_passes_and_a_split_by_time_has_answered() -> None:
    assert ask(SPL004(), evidence_of(a_table())).outcome == "passed"
    assert ask(SPL004(), evidence_of(in_time(), problem=BY_TIME)).outcome == "not_applicable"


def test_a_target_that_grows_over_time_is_asked_about() -> None:
    finding = ask(SPL005(), evidence_of(in_time(trend=6)))
    assert finding.outcome == "question"
    assert "changes from" in finding.found


def test_a_change_that_the_split_by_time_shows_anyway_is_advice() -> None:
    finding = ask(SPL005(), evidence_of(in_time(trend=6), problem=BY_TIME))
    assert finding.outcome == "advice"
    assert "time_column" not in finding.remedy


def test_a_class_that_becomes_rare_is_named() -> None:
    frame = a_table().sort_values("y", ignore_index=True).assign(when=pd.date_range("2020-01-01", periods=400))
    assert "the share of class 'no' changes from 1.00" in ask(SPL005(), evidence_of(frame)).found


def test_a_change_in_the_middle_of_the_time_is_found_with_its_moment() -> None:
    frame = a_table(rows=900).assign(when=pd.date_range("2020-01-01", periods=900))
    generator = np.random.default_rng(1)
    chance = np.r_[np.full(350, 0.3), np.full(250, 0.7), np.full(300, 0.3)]
    frame["y"] = text(np.where(generator.random(900) < chance, "yes", "no"))
    finding = ask(SPL005(), evidence_of(frame))
    assert finding.outcome == "question"
    assert "until 2020-1" in finding.found  # the 350th day is 15 December


def test_a_steady_target_passes_and_without_time_there_is_nothing_to_see() -> None:
    assert ask(SPL005(), evidence_of(in_time())).outcome == "passed"
    assert ask(SPL005(), evidence_of(a_table())).outcome == "not_applicable"


def test_rows_oversampled_before_the_split_block() -> None:
    generator = np.random.default_rng(0)
    single = pd.DataFrame(generator.normal(size=(150, 4)), columns=list("abcd"))
    single["y"] = text(np.where(generator.random(150) < 0.5, "yes", "no"))
    frame = pd.concat([single] * 4, ignore_index=True)
    finding = ask(SPL006(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert "(99 %) have an equal row in another fold" in finding.found


def test_equal_rows_kept_in_one_fold_pass() -> None:
    frame = pd.concat([a_table(rows=100)] * 3, ignore_index=True)
    folds = np.tile(some_folds(100), 3)
    assert ask(SPL006(), evidence_of(frame, folds=folds)).outcome == "passed"


def test_equal_rows_of_a_coarse_table_are_taken_for_chance() -> None:
    finding = ask(SPL006(), evidence_of(a_table(rows=1000)[["kind", "y"]]))
    assert finding.outcome == "passed"
    assert "few different values" in finding.found


def test_equal_rows_that_change_no_score_do_not_flatter() -> None:
    frame = a_table(rows=2000)
    twins = frame.head(60)
    finding = ask(SPL006(), evidence_of(pd.concat([frame, twins], ignore_index=True)))
    assert finding.outcome == "passed"
    assert "do not flatter" in finding.found


def test_equal_rows_are_no_question_without_features() -> None:
    evidence = evidence_of(a_table()[["kind", "y"]], columns={"kind": {"used": False}})
    assert ask(SPL006(), evidence).outcome == "not_applicable"


@pytest.mark.parametrize(
    ("rows", "outcome", "blocks"), [(6, "issue", True), (30, "issue", False), (500, "passed", False)]
)
def test_a_claim_needs_held_out_rows(rows: int, outcome: str, blocks: bool) -> None:
    finding = ask(SPL007(), evidence_of(a_table(), plan={"held_out_rows": rows}))
    assert (finding.outcome, finding.blocks) == (outcome, blocks)


def test_a_rare_class_needs_held_out_rows_of_its_own() -> None:
    frame = a_table(rows=1000)
    frame["y"] = text(["rare"] * 20 + ["common"] * 980)
    finding = ask(SPL007(), evidence_of(frame, plan={"held_out_rows": 200}))
    assert "about 4 of 200 held-out rows are of class 'rare'" in finding.found


def test_ambiguous_rows_of_an_earlier_deal_are_told() -> None:
    evidence = evidence_of(a_table(), plan={"matched_rows": 400, "ambiguous_rows": 50})
    assert ask(SPL008(), evidence).outcome == "issue"


def test_rows_recognised_without_doubt_pass_and_new_rows_have_no_past() -> None:
    assert ask(SPL008(), evidence_of(a_table(), plan={"matched_rows": 400})).outcome == "passed"
    assert ask(SPL008(), evidence_of(a_table())).outcome == "not_applicable"
