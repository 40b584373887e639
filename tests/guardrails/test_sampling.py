"""SPL010: traces of rows that were not drawn as they will come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.sampling import SPL010


def test_rows_as_they_come_pass() -> None:
    assert ask(SPL010(), evidence_of(a_table())).outcome == "passed"
    assert ask(SPL010(), evidence_of(a_numeric_table())).outcome == "passed"


def test_classes_of_exactly_one_size_are_pointed_out() -> None:
    frame = a_table(rows=800).assign(y=text(["yes", "no"] * 400))
    assert ask(SPL010(), evidence_of(frame)).outcome == "advice"


@pytest.mark.parametrize(("rows", "outcome"), [(65_536, "issue"), (100_000, "advice"), (99_999, "passed")])
def test_a_table_cut_off_at_a_limit_is_pointed_out(rows: int, outcome: str) -> None:
    assert ask(SPL010(), evidence_of(a_table(), rows=rows)).outcome == outcome


def payments(*, mature: bool) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    day = pd.date_range("2024-01-01", periods=2000, freq="h")
    chance = np.full(2000, 0.3)
    chance[-120:] = 0.3 if mature else 0.02
    return pd.DataFrame({"day": day, "x": generator.normal(size=2000), "y": generator.random(2000) < chance})


def test_outcomes_that_are_still_to_come_are_asked_about() -> None:
    finding = ask(SPL010(), evidence_of(payments(mature=False)))
    assert (finding.outcome, finding.columns) == ("question", ("day",))


def test_outcomes_that_are_all_in_pass() -> None:
    assert ask(SPL010(), evidence_of(payments(mature=True))).outcome == "passed"
