"""LEA021: words that stand in the texts of one class only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_table, ask, evidence_of, text
from ml_engineer.guardrails.telling_words import LEA021

WORDS = ["free", "call", "hello", "meeting", "offer", "today", "please", "win", "report", "team"]


def letters(*, stamp: str, share: float) -> pd.DataFrame:
    """Spam that says 'free' more often than other mail does, and bears a stamp of whoever filtered it."""
    rng = np.random.default_rng(0)
    labels = rng.choice(["ham", "spam"], 600)
    texts = [
        " ".join(rng.choice(WORDS, 12, p=[0.28 if label == "spam" else 0.1, *[0.08 if label == "spam" else 0.1] * 9]))
        + (f" {stamp}" if label == "spam" and rng.random() < share else "")
        for label in labels
    ]
    return pd.DataFrame({"mail": text(texts), "y": text(labels)})


def test_a_stamp_that_only_one_class_bears_is_asked_about_with_examples() -> None:
    frame = letters(stamp="[FILTERED: bulk]", share=0.95)
    finding = ask(LEA021(), evidence_of(frame))
    assert (finding.outcome, finding.columns) == ("question", ("mail",))
    assert "'filtered' stands in 9" in finding.found
    assert "of class 'spam' and in 0.0 % of the others" in finding.found
    assert all("[FILTERED: bulk]" in frame["mail"][row] for row in finding.example_rows)


def test_words_that_a_class_merely_prefers_pass() -> None:
    assert ask(LEA021(), evidence_of(letters(stamp="unsubscribe", share=0.4))).outcome == "passed"


def test_a_table_without_running_text_has_no_words() -> None:
    assert ask(LEA021(), evidence_of(a_table())).outcome == "not_applicable"
