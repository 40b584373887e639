"""LEA on values and times: what was written after the outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_split, a_table, ask, evidence_of, text
from ml_engineer.guardrails.afterwards import LEA012, LEA013


def with_status(*, honest: bool) -> pd.DataFrame:
    frame = a_table()
    generator = np.random.default_rng(0)
    late = (frame["y"] == "yes").to_numpy() & (generator.random(400) < 0.5)
    late = generator.permutation(late) if honest else late
    return frame.assign(status=text(np.where(late, "Refunded", "open")))


def test_a_category_that_speaks_of_the_outcome_and_goes_with_it_is_asked_about() -> None:
    finding = ask(LEA012(), evidence_of(with_status(honest=False)))
    assert (finding.outcome, finding.columns) == ("question", ("status",))
    assert "'Refunded'" in finding.found
    assert len(finding.example_rows) == 3


def test_the_same_word_without_the_outcome_passes() -> None:
    assert ask(LEA012(), evidence_of(with_status(honest=True))).outcome == "passed"


def test_a_category_called_like_a_class_is_asked_about() -> None:
    frame = a_table().replace({"y": {"yes": "churned", "no": "stayed"}})
    frame["segment"] = frame["y"].where(np.random.default_rng(0).random(400) < 0.4, "unknown").astype("str")
    assert ask(LEA012(), evidence_of(frame)).columns == ("segment",)


def visits(later: pd.Series) -> pd.DataFrame:
    opened = pd.Series(pd.date_range("2024-01-01", periods=400, freq="h"))
    return a_table().assign(opened=opened, other=opened + later)


def days(values: np.ndarray) -> pd.Series:
    return pd.Series(pd.to_timedelta(values, unit="D"))


def test_a_time_that_lies_after_the_row_is_asked_about() -> None:
    finding = ask(LEA013(), evidence_of(visits(days(np.random.default_rng(0).integers(1, 60, 400)))))
    assert (finding.outcome, finding.columns) == ("question", ("other",))


def test_the_declared_time_column_is_what_others_are_held_against() -> None:
    frame = visits(days(-np.random.default_rng(0).integers(1, 60, 400)))
    declared = {"split": a_split(strategy="time", time_column="opened")}
    assert ask(LEA013(), evidence_of(frame, problem=declared)).outcome == "passed"


def test_a_due_date_tells_nothing_new() -> None:
    assert ask(LEA013(), evidence_of(visits(days(np.full(400, 14))))).outcome == "passed"


def test_one_time_alone_is_no_question() -> None:
    assert ask(LEA013(), evidence_of(a_table())).outcome == "not_applicable"
