"""DAT015: labels that the rest of their row contradicts, told from hard cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.label_noise import DAT015


def clear_classes(*, flipped: float, rows: int = 2000) -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(rows, 5)), columns=list("abcde"))
    yes = frame["a"] + frame["b"] + 0.2 * generator.normal(size=rows) > 0
    wrong = generator.random(rows) < flipped
    frame["y"] = text(np.where(yes ^ wrong, "yes", "no"))
    return frame, wrong


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_flipped_labels_are_asked_about_and_shown(share: float) -> None:
    frame, wrong = clear_classes(flipped=share)
    finding = ask(DAT015(), evidence_of(frame))
    assert finding.outcome == "question"
    assert len(finding.example_rows) == 5
    assert wrong[list(finding.example_rows)].mean() >= 0.8


def test_clear_classes_and_overlapping_ones_pass() -> None:
    assert ask(DAT015(), evidence_of(clear_classes(flipped=0.0)[0])).outcome == "passed"
    assert ask(DAT015(), evidence_of(a_table(rows=3000))).outcome == "passed"


def test_gross_errors_in_numbers_are_asked_about_and_shown() -> None:
    generator = np.random.default_rng(0)
    frame = a_numeric_table(rows=1500)
    frame["y"] = 2 * frame["a"] - frame["b"] + 0.1 * generator.normal(size=1500)
    wrong = generator.random(1500) < 0.03
    frame.loc[wrong, "y"] = -frame.loc[wrong, "y"]
    finding = ask(DAT015(), evidence_of(frame))
    assert finding.outcome == "question"
    assert wrong[list(finding.example_rows)].all()


def test_noisy_numbers_and_few_rows_pass() -> None:
    assert ask(DAT015(), evidence_of(a_numeric_table(rows=1500))).outcome == "passed"
    assert ask(DAT015(), evidence_of(clear_classes(flipped=0.2, rows=150)[0])).outcome == "passed"
