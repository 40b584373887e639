"""DAT017: a column of an earlier split."""

from __future__ import annotations

import numpy as np

from guardrails.factories import a_table, ask, evidence_of, text
from ml_engineer.guardrails.part_columns import DAT017


def test_a_column_that_says_train_and_test_is_an_issue() -> None:
    frame = a_table().assign(usage=text(["Train", "Train", "Test", "Validation"] * 100))
    finding = ask(DAT017(), evidence_of(frame))
    assert (finding.outcome, finding.columns) == ("issue", ("usage",))
    assert "'Test', 'Train', 'Validation'" in finding.found


def test_a_column_of_folds_is_known_by_its_name() -> None:
    frame = a_table().assign(kfold=np.arange(400) % 5)
    assert ask(DAT017(), evidence_of(frame)).columns == ("kfold",)


def test_trains_and_tests_among_other_things_pass() -> None:
    frame = a_table().assign(vehicle=text(["train", "bus", "car", "test"] * 100), fold_mountains=np.arange(400) % 7)
    assert ask(DAT017(), evidence_of(frame)).outcome == "passed"


def test_what_the_model_does_not_see_passes() -> None:
    frame = a_table().assign(split=text(["train", "test"] * 200))
    assert ask(DAT017(), evidence_of(frame, columns={"split": {"used": False}})).outcome == "passed"
