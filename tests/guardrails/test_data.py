"""DAT on rows and labels: each check fires on a planted fault, stays silent on clean rows, and knows when not to speak."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.data import DAT001, DAT002, DAT003, DAT004, DAT005


def with_repeats(frame: pd.DataFrame, *, share: float) -> pd.DataFrame:
    return pd.concat([frame, frame.head(int(share * len(frame)))], ignore_index=True)


def test_repeated_rows_are_counted_and_shown() -> None:
    finding = ask(DAT001(), evidence_of(with_repeats(a_table(), share=0.2)))
    assert finding.outcome == "issue"
    assert not finding.blocks
    assert finding.found.startswith("80 rows of 480 (17 %)")
    assert set(finding.example_rows[:1]) <= set(range(80))


def test_few_repeats_are_advice() -> None:
    assert ask(DAT001(), evidence_of(with_repeats(a_table(), share=0.02))).outcome == "advice"


def test_rows_of_a_clean_table_do_not_repeat() -> None:
    assert ask(DAT001(), evidence_of(a_table())).outcome == "passed"


def test_repeats_of_a_coarse_table_are_taken_for_chance() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.integers(0, 2, 400) for name in "abcy"})
    finding = ask(DAT001(), evidence_of(frame))
    assert finding.outcome == "passed"
    assert "so few different values" in finding.found


def test_a_message_that_was_written_twice_is_no_chance_though_it_is_all_that_a_row_holds() -> None:
    generator = np.random.default_rng(0)
    messages = [" ".join(generator.choice(["call", "me", "now", "or", "later"], 12)) for _ in range(360)]
    labels = text(generator.choice(["ham", "spam"], 360))
    frame = with_repeats(pd.DataFrame({"message": text(messages), "y": labels}), share=1 / 9)
    finding = ask(DAT001(), evidence_of(frame))
    assert finding.outcome == "issue"
    assert finding.found.startswith("40 rows of 400 (10 %)")


def test_a_unique_identifier_does_not_hide_repeats() -> None:
    frame = with_repeats(a_table(), share=0.2)
    frame.insert(0, "id", [f"k{row}" for row in range(len(frame))])
    evidence = evidence_of(frame, columns={"id": {"role": "identifier", "used": False}})
    assert ask(DAT001(), evidence).outcome == "issue"


def test_equal_features_with_different_labels_bound_the_accuracy() -> None:
    frame = a_table()
    twins = frame.head(40).assign(y=lambda rows: rows["y"].map({"yes": "no", "no": "yes"}).astype("str"))
    finding = ask(DAT002(), evidence_of(pd.concat([frame, twins], ignore_index=True)))
    assert finding.outcome == "issue"
    assert "80 rows of 440" in finding.found
    assert "91 % accuracy" in finding.found


def test_rows_that_can_be_told_apart_have_no_conflict() -> None:
    assert ask(DAT002(), evidence_of(a_table())).outcome == "passed"


def test_mixed_labels_of_a_coarse_table_are_no_more_than_advice() -> None:
    frame = a_table()[["kind", "y"]]
    assert ask(DAT002(), evidence_of(frame)).outcome == "advice"


def test_rows_of_numbers_that_all_differ_conflict_with_none() -> None:
    assert ask(DAT002(), evidence_of(a_numeric_table())).outcome == "passed"


def of_classes(counts: dict[str, int]) -> pd.DataFrame:
    labels = [label for label, rows in counts.items() for _ in range(rows)]
    return pd.DataFrame({"x": np.random.default_rng(0).normal(size=len(labels)), "y": text(labels)})


def test_a_class_smaller_than_the_folds_blocks() -> None:
    finding = ask(DAT003(), evidence_of(of_classes({"a": 100, "b": 90, "c": 3})), stage="train")
    assert finding.blocks
    assert "class 'c' has 3 rows in development, fewer than the 5 folds" in finding.found


def test_a_small_class_is_advice() -> None:
    finding = ask(DAT003(), evidence_of(of_classes({"a": 100, "b": 12})), stage="train")
    assert (finding.outcome, finding.blocks) == ("advice", False)


def test_large_classes_pass() -> None:
    assert ask(DAT003(), evidence_of(a_table())).outcome == "passed"


def test_numbers_have_no_classes() -> None:
    assert ask(DAT003(), evidence_of(a_numeric_table())).outcome == "not_applicable"


def test_accuracy_on_a_rare_class_is_named_for_what_it_hides() -> None:
    frame = of_classes({"common": 190, "rare": 10})
    finding = ask(DAT004(), evidence_of(frame, problem={"primary_metric": "accuracy"}))
    assert finding.outcome == "issue"
    assert "accuracy of 0.95" in finding.found


def test_average_precision_hides_no_imbalance() -> None:
    frame = of_classes({"common": 190, "rare": 10})
    assert ask(DAT004(), evidence_of(frame, problem={"primary_metric": "average_precision"})).outcome == "passed"


def test_roc_auc_on_a_very_rare_class_is_advised_against() -> None:
    assert ask(DAT004(), evidence_of(of_classes({"common": 990, "rare": 10}))).outcome == "advice"


def test_imbalance_is_no_question_for_numbers() -> None:
    assert ask(DAT004(), evidence_of(a_numeric_table())).outcome == "not_applicable"


def test_many_rows_without_target_raise_the_question_why() -> None:
    finding = ask(DAT005(), evidence_of(a_table(), rows=600))
    assert finding.outcome == "question"
    assert "100 rows of 600 (17 %)" in finding.found


def test_a_complete_target_passes() -> None:
    assert ask(DAT005(), evidence_of(a_table(), rows=500)).outcome == "passed"


def test_equal_rows_with_targets_far_apart_are_an_issue() -> None:
    frame = a_numeric_table()
    again = frame.head(60).assign(y=np.random.default_rng(0).permutation(frame["y"].tail(60).to_numpy()))
    finding = ask(DAT002(), evidence_of(pd.concat([frame, again], ignore_index=True)))
    assert finding.outcome == "issue"
    assert "share all features with a row whose target lies more than" in finding.found


def test_equal_rows_with_targets_near_each_other_pass() -> None:
    frame = a_numeric_table()
    again = frame.head(60).assign(y=frame["y"].head(60) + 0.01)
    assert ask(DAT002(), evidence_of(pd.concat([frame, again], ignore_index=True))).outcome == "passed"
