"""LEA: planted leaks are caught with the right column named; easy problems are told apart from leaks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_split, a_table, ask, evidence_of, text
from ml_engineer.guardrails import Evidence
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.leakage import LEA001, LEA002, LEA003, LEA004
from ml_engineer.guardrails.restating import LEA007, LEA008, LEA009
from ml_engineer.guardrails.ruled_out import LEA005, LEA006


@pytest.mark.parametrize("check", [LEA001(), LEA002(), LEA004(), LEA005(), LEA007(), LEA009()])
@pytest.mark.parametrize("frame", [a_table(), a_numeric_table()], ids=["classes", "numbers"])
def test_clean_tables_pass(check: Check, frame: pd.DataFrame) -> None:
    assert ask(check, evidence_of(frame), stage="train").outcome == "passed"


def yes(frame: pd.DataFrame) -> np.ndarray:
    return (frame["y"] == "yes").to_numpy()


def with_noisy_copy(*, flipped: float = 0.03) -> pd.DataFrame:
    """A table with a column that knows the outcome but for a few rows."""
    frame = a_table()
    flips = np.random.default_rng(1).random(len(frame)) < flipped
    return frame.assign(leak=(yes(frame) ^ flips).astype(int))


def test_a_column_made_from_the_outcome_blocks_with_both_numbers() -> None:
    finding = ask(LEA001(), evidence_of(with_noisy_copy()), stage="train")
    assert finding.blocks
    assert finding.columns == ("leak",)
    assert "'leak' alone gives a ROC AUC of 0.9" in finding.found
    assert "without it" in finding.found


def test_a_near_copy_does_not_hide_a_leak() -> None:
    frame = with_noisy_copy()
    frame["leak_again"] = frame["leak"] * 2.0 + 1
    finding = ask(LEA001(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"leak", "leak_again"}


def test_leaks_that_stand_in_for_each_other_are_asked_about_together() -> None:
    frame = with_noisy_copy()
    flips = np.random.default_rng(2).random(len(frame)) < 0.03
    finding = ask(LEA001(), evidence_of(frame.assign(other=(yes(frame) ^ flips).astype(int))), stage="train")
    assert finding.outcome in ("question", "issue")
    assert set(finding.columns) == {"leak", "other"}


LABELS = tuple(f"genre{number}" for number in range(6))


def genres(*, found: float = 0.9, elsewhere: float = 0.02, rows: int = 2000) -> pd.DataFrame:
    """Rows with several labels, each of which has a word of its own, and cells of labels as JSON."""
    generator = np.random.default_rng(3)
    has = generator.random((rows, len(LABELS))) < 0.15
    words = np.where(has, generator.random(has.shape) < found, generator.random(has.shape) < elsewhere)
    frame = pd.DataFrame(words.astype(int), columns=[f"word{number}" for number in range(len(LABELS))])
    frame["length"] = generator.normal(size=rows)
    cells = [json.dumps([label for label, its in zip(LABELS, row, strict=True) if its]) for row in has]
    return frame.assign(y=text(cells))


def of_labels(frame: pd.DataFrame) -> Evidence:
    return evidence_of(frame, problem={"task_type": "multilabel", "classes": LABELS, "positive_class": None})


def test_words_that_tell_one_label_each_are_asked_about_and_do_not_block() -> None:
    finding = ask(LEA001(), of_labels(genres()), stage="train")
    assert (finding.outcome, finding.blocks) == ("question", False)
    assert "of 0.9" in finding.found
    assert len(finding.columns) == 3, "those are asked about that tell most"


def test_a_column_made_from_one_of_many_labels_blocks_although_it_errs() -> None:
    frame = genres()
    wrong = np.random.default_rng(1).random(len(frame)) < 0.01
    frame["leak"] = (frame["y"].str.contains("genre4").to_numpy() ^ wrong).astype(int)
    finding = ask(LEA001(), of_labels(frame.drop(columns="word4")), stage="train")
    assert finding.blocks
    assert finding.columns[0] == "leak"
    assert "label 'genre4': 'leak' alone gives a ROC AUC of 0.98" in finding.found


def easy_problem(*, rows: int = 300) -> pd.DataFrame:
    """Three measurements, each of which tells the classes apart."""
    generator = np.random.default_rng(4)
    label = generator.integers(0, 2, rows)
    columns = {f"m{i}": label * 6 + generator.normal(size=rows) for i in range(3)}
    return pd.DataFrame({**columns, "y": text(np.where(label, "yes", "no"))})


def test_an_easy_problem_is_believed_and_says_why() -> None:
    finding = ask(LEA001(), evidence_of(easy_problem()), stage="train")
    assert finding.outcome == "passed"
    assert "as in an easy problem" in finding.found
    assert "without it 0.99" in finding.found or "without it 1.000" in finding.found


def test_one_strong_measurement_of_a_number_is_asked_about_at_most() -> None:
    frame = a_numeric_table(rows=2000)
    frame["strong"] = frame["y"] + np.random.default_rng(5).normal(scale=0.4, size=len(frame))
    finding = ask(LEA001(), evidence_of(frame), stage="train")
    assert (finding.outcome, finding.blocks) == ("question", False)


def test_a_number_made_from_the_target_blocks() -> None:
    frame = a_numeric_table(rows=3000)
    frame["leak"] = frame["y"] * 1.2 + np.random.default_rng(5).normal(scale=0.05, size=len(frame))
    assert ask(LEA001(), evidence_of(frame), stage="train").blocks


@pytest.mark.parametrize("steps", [15, 40, 100, 180])
def test_a_rounded_copy_of_a_number_is_found_however_coarse(steps: int) -> None:
    frame = a_numeric_table(rows=1500)
    step = np.ptp(frame["y"].quantile([0.05, 0.95])) / steps
    frame["official"] = (frame["y"] / step).round() * step
    findings = [ask(check, evidence_of(frame), stage="train") for check in (LEA001(), LEA007())]
    assert any(finding.blocks and finding.columns == ("official",) for finding in findings)


def test_cells_filled_only_after_the_outcome_block() -> None:
    frame = a_table()
    finding = ask(LEA002(), evidence_of(frame.assign(refund=np.where(yes(frame), 10.0, np.nan))), stage="train")
    assert finding.blocks
    assert finding.columns == ("refund",)


def test_cells_empty_more_often_for_one_class_are_asked_about() -> None:
    frame = a_table(rows=1000)
    empty = np.random.default_rng(0).random(1000) < np.where(yes(frame), 0.5, 0.25)
    finding = ask(LEA002(), evidence_of(frame.assign(age=np.where(empty, np.nan, 1.0))))
    assert (finding.outcome, finding.blocks) == ("question", False)


def test_cells_empty_at_random_are_left_alone() -> None:
    empty = np.random.default_rng(0).random(400) < 0.3
    assert ask(LEA002(), evidence_of(a_table().assign(age=np.where(empty, np.nan, 1.0)))).outcome == "passed"


def test_a_key_given_in_order_of_the_outcome_blocks_if_used() -> None:
    frame = a_table().sort_values("y", ignore_index=True)
    frame["case"] = np.arange(len(frame)) + 1000
    evidence = evidence_of(frame, columns={"case": {"role": "identifier"}})
    assert ask(LEA003(), evidence, stage="train").blocks


def test_a_key_in_order_of_the_outcome_is_advice_if_the_model_does_not_see_it() -> None:
    frame = a_table().sort_values("y", ignore_index=True)
    frame["case"] = text([f"c{row:05d}" for row in range(len(frame))])
    evidence = evidence_of(frame, columns={"case": {"role": "identifier", "used": False}})
    assert ask(LEA003(), evidence).outcome == "advice"


def test_an_honest_key_passes_and_none_is_not_applicable() -> None:
    frame = a_table().assign(case=np.arange(400))
    evidence = evidence_of(frame, columns={"case": {"role": "identifier", "used": False}})
    assert ask(LEA003(), evidence).outcome == "passed"
    assert ask(LEA003(), evidence_of(a_table())).outcome == "not_applicable"


def test_a_file_sorted_by_the_target_harms_nobody() -> None:
    finding = ask(LEA004(), evidence_of(a_table().sort_values("y", ignore_index=True)))
    assert finding.outcome == "advice"
    assert "sorted by the target" in finding.found


def test_neighbours_that_resemble_each_other_are_asked_about() -> None:
    wave = np.sin(np.arange(800) / 60)
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"x": generator.normal(size=800), "y": wave + 0.3 * generator.normal(size=800)})
    assert ask(LEA004(), evidence_of(frame)).outcome == "question"


def test_an_order_that_columns_explain_passes() -> None:
    generator = np.random.default_rng(0)
    place = np.sort(generator.normal(size=800))
    frame = pd.DataFrame({"place": place, "y": np.sin(3 * place) + 0.3 * generator.normal(size=800)})
    finding = ask(LEA004(), evidence_of(frame))
    assert finding.outcome == "passed"
    assert "the columns explain the order" in finding.found


def test_a_few_empty_cells_cannot_carry_a_score() -> None:
    frame = a_table(rows=2000)
    rare = np.flatnonzero(yes(frame))[:40]
    frame["lab"] = 1.0
    frame.loc[rare, "lab"] = np.nan
    finding = ask(LEA002(), evidence_of(frame), stage="train")
    assert (finding.outcome, finding.blocks) == ("question", False)


def test_row_order_is_no_question_for_a_split_by_time() -> None:
    frame = a_table().assign(when=pd.date_range("2020-01-01", periods=400))
    evidence = evidence_of(frame, problem={"split": a_split(strategy="time", time_column="when")})
    assert ask(LEA004(), evidence).outcome == "not_applicable"


@pytest.mark.parametrize("name", ["cancellation_date", "final grade", "DaysToDischarge", "refunded", "y outcome"])
def test_names_of_things_known_afterwards_are_asked_about(name: str) -> None:
    finding = ask(LEA005(), evidence_of(a_table().assign(**{name: 1.5})), stage="train")
    assert (finding.outcome, finding.blocks, finding.columns) == ("question", False, (name,))


def test_a_column_that_bears_the_targets_name_is_asked_about() -> None:
    frame = a_table().rename(columns={"y": "Churn"}).assign(ChurnReason=1.0)
    assert ask(LEA005(), evidence_of(frame, "Churn")).columns == ("ChurnReason",)


@pytest.mark.parametrize("name", ["post code", "marital status", "housing_median_age", "tenure", "credit_score"])
def test_harmless_names_are_left_alone(name: str) -> None:
    assert ask(LEA005(), evidence_of(a_table().assign(**{name: 1.5}))).outcome == "passed"


def test_a_persons_word_that_a_column_is_known_in_time_ends_the_question() -> None:
    evidence = evidence_of(a_table().assign(outcome=1.0), columns={"outcome": {"decided_by": "person"}})
    assert ask(LEA005(), evidence).outcome == "passed"


def test_columns_that_framing_was_unsure_of_are_asked_about() -> None:
    evidence = evidence_of(a_table(), columns={"noise": {"availability": "unsure"}})
    assert ask(LEA005(), evidence).columns == ("noise",)


def ruled_out_evidence(features: pd.DataFrame) -> pd.DataFrame:
    frame = a_table().assign(later=np.random.default_rng(8).normal(size=400))
    ruled_out = {"later": {"used": False, "availability": "after_the_fact"}}
    return evidence_of(frame, columns=ruled_out, features=features.assign(x=frame["x"]))


def test_feature_code_that_hands_on_a_ruled_out_column_blocks_by_name() -> None:
    later = np.random.default_rng(8).normal(size=400)
    finding = ask(LEA006(), ruled_out_evidence(pd.DataFrame({"later": later})), stage="train")
    assert finding.blocks
    assert finding.columns == ("later",)


def test_feature_code_that_renames_a_ruled_out_column_blocks_by_value() -> None:
    later = np.random.default_rng(8).normal(size=400)
    finding = ask(LEA006(), ruled_out_evidence(pd.DataFrame({"innocent": later})), stage="train")
    assert finding.blocks
    assert "'innocent', which equals 'later' in every row" in finding.found


def test_feature_code_that_hides_a_ruled_out_column_under_an_allowed_name_blocks() -> None:
    later = np.random.default_rng(8).normal(size=400)
    finding = ask(LEA006(), ruled_out_evidence(pd.DataFrame({"noise": later})), stage="train")
    assert (finding.blocks, finding.columns) == (True, ("noise",))


def test_an_allowed_column_that_equals_a_ruled_out_one_is_not_the_codes_doing() -> None:
    frame = a_table().assign(twin=lambda rows: (rows["y"] == "yes").astype(int))
    assert ask(LEA006(), evidence_of(frame, features=frame[["x", "twin"]])).outcome == "passed"


def test_feature_code_that_hands_on_the_target_in_numbers_blocks() -> None:
    target = yes(a_table()).astype(int)
    assert ask(LEA006(), ruled_out_evidence(pd.DataFrame({"z": target})), stage="train").blocks


def test_honest_feature_code_passes_and_none_is_not_applicable() -> None:
    assert ask(LEA006(), ruled_out_evidence(pd.DataFrame({"z": np.arange(400)}))).outcome == "passed"
    assert ask(LEA006(), evidence_of(a_table())).outcome == "not_applicable"


def test_a_recoded_target_blocks_even_where_the_problem_is_easy() -> None:
    frame = easy_problem()
    frame["code"] = (frame["y"] == "yes").map({True: 7, False: 3})
    finding = ask(LEA007(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert finding.columns == ("code",)


def test_a_column_constant_within_classes_is_asked_about() -> None:
    frame = pd.DataFrame({"x": np.arange(300) % 7, "y": text(["a", "b", "c"] * 100)})
    frame["milk"] = frame["y"] == "a"
    finding = ask(LEA007(), evidence_of(frame), stage="train")
    assert (finding.outcome, finding.columns) == ("question", ("milk",))


@pytest.mark.parametrize("how", ["band", "copy", "reversed"])
def test_a_band_or_monotone_copy_of_a_number_blocks(how: str) -> None:
    frame = a_numeric_table()
    made = {"band": pd.qcut(frame["y"], 4, labels=list("abcd")).astype("str"), "copy": np.exp(frame["y"])}
    frame["made"] = made.get(how, -frame["y"])
    finding = ask(LEA007(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert finding.columns == ("made",)


def test_components_that_sum_to_the_target_are_named_and_no_others() -> None:
    frame = a_numeric_table()
    frame["y"] = 2.0 * frame["a"] + frame["b"]
    finding = ask(LEA008(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"a", "b"}


def test_factors_of_the_target_are_named() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.uniform(1, 9, size=(300, 3)), columns=["price", "amount", "other"])
    frame["y"] = (frame["price"] * frame["amount"]).round(3)
    finding = ask(LEA008(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"price", "amount"}


def test_a_noisy_sum_is_a_problem_to_learn() -> None:
    assert ask(LEA008(), evidence_of(a_numeric_table())).outcome == "passed"


def test_sums_are_no_question_for_classes() -> None:
    assert ask(LEA008(), evidence_of(a_table())).outcome == "not_applicable"


def with_averages(*, honest: bool) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    town = generator.integers(0, 40, 800)
    chance = generator.uniform(0.2, 0.8, 40)
    y = generator.random(800) < chance[town]
    earlier = generator.random(800) < chance[town]
    averages = pd.Series(earlier if honest else y).astype(float).groupby(town).transform("mean")
    return pd.DataFrame({"town_mean": averages, "x": generator.normal(size=800), "y": y})


def test_averages_of_the_target_over_the_same_rows_block() -> None:
    finding = ask(LEA009(), evidence_of(with_averages(honest=False)), stage="train")
    assert finding.blocks
    assert finding.columns == ("town_mean",)


def test_averages_of_earlier_outcomes_are_honest() -> None:
    assert ask(LEA009(), evidence_of(with_averages(honest=True))).outcome == "passed"


def test_a_perfect_column_beside_good_ones_is_asked_about() -> None:
    generator = np.random.default_rng(0)
    is_yes = generator.random(2000) < 0.5
    good = {f"good_{place}": 1.3 * is_yes + generator.normal(size=2000) for place in range(4)}
    frame = pd.DataFrame(good | {"made": is_yes + generator.normal(0, 0.05, 2000)})
    frame["y"] = text(np.where(is_yes, "yes", "no"))
    finding = ask(LEA001(), evidence_of(frame), stage="train")
    assert (finding.outcome, finding.columns) == ("question", ("made",))


def test_components_that_sum_to_the_target_but_for_a_few_corrections_are_named() -> None:
    frame = a_numeric_table(rows=600)
    frame["y"] = frame["a"] + frame["b"]
    frame.loc[::25, "y"] += 3.0
    finding = ask(LEA008(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"a", "b"}
    assert "of 600 rows looked at" in finding.found


def test_averages_written_as_percentages_block_too() -> None:
    frame = with_averages(honest=False)
    frame["town_mean"] *= 100
    assert ask(LEA009(), evidence_of(frame), stage="train").columns == ("town_mean",)


def test_a_class_that_varies_among_rows_without_a_hit_alone_is_no_average() -> None:
    # A feature of a search engine: 0 where nothing is found, and irrelevant (never 'best') the more it is alike.
    generator = np.random.default_rng(0)
    found = generator.random(2400) < 0.2
    likeness = np.where(found, generator.integers(80, 96, 2400) / 100, 0.0)
    frame = pd.DataFrame({"likeness": likeness, "x": generator.normal(size=2400)})
    frame["y"] = text(np.where(found | (generator.random(2400) < 0.9), "poor", "best"))
    assert ask(LEA009(), evidence_of(frame)).outcome == "passed"
