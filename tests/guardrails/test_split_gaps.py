"""SPL011: what another way of dealing would have told."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_split, a_table, ask, evidence_of, some_folds
from guardrails.test_proofs import people
from ml_engineer.guardrails.split_gaps import SPL011


def test_a_key_that_random_folds_tear_apart_is_asked_about_with_both_scores() -> None:
    evidence = evidence_of(people(), columns={"person": {"role": "identifier", "used": False}})
    finding = ask(SPL011(), evidence)
    assert (finding.outcome, finding.columns) == ("question", ("person",))
    assert "with rows of one 'person' kept together it is" in finding.found


def test_grouped_folds_say_what_random_ones_would_have_told() -> None:
    frame = people()
    evidence = evidence_of(
        frame,
        columns={"person": {"role": "group", "used": False}},
        problem={"split": a_split(strategy="grouped", group_columns=("person",))},
        folds=some_folds(100)[frame["person"]],
    )
    finding = ask(SPL011(), evidence)
    assert finding.outcome == "passed"
    assert "random cross-validation would have told you a ROC AUC of 0.9" in finding.found


def drifting() -> pd.DataFrame:
    """The same signal all the time, and a level that wanders off."""
    generator = np.random.default_rng(0)
    level = np.linspace(0, 30, 900)
    x = generator.normal(size=900)
    return pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=900),
            "level": level,
            "x": x,
            "y": level + x + generator.normal(size=900),
        }
    )


def test_times_that_random_folds_ignore_are_asked_about() -> None:
    finding = ask(SPL011(), evidence_of(drifting()))
    assert (finding.outcome, finding.columns) == ("question", ("day",))


def test_steady_times_pass() -> None:
    frame = a_table(rows=1000).assign(day=pd.date_range("2024-01-01", periods=1000))
    assert ask(SPL011(), evidence_of(frame)).outcome == "passed"


def test_without_keys_and_times_there_is_nothing_to_compare() -> None:
    assert ask(SPL011(), evidence_of(a_table())).outcome == "not_applicable"
