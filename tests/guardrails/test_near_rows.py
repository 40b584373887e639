"""SPL009: rows that are nearly the same on both sides of a fold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.near_rows import SPL009


def measured(*, copies: int, rows: int = 500, told: bool = False) -> pd.DataFrame:
    """Rows of five numbers; the first `copies` rows come again with a trace of noise and the same label."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(rows, 5)), columns=list("abcde"))
    signal = frame["a"].to_numpy() if told else generator.normal(size=rows)
    frame["y"] = text(np.where(signal + generator.normal(size=rows) > 0, "yes", "no"))
    again = frame.head(copies).copy()
    again[list("abcde")] += generator.normal(0, 1e-4, (copies, 5))
    return pd.concat([frame, again], ignore_index=True)


def test_rows_measured_twice_block_with_what_they_flatter() -> None:
    finding = ask(SPL009(), evidence_of(measured(copies=250)), stage="train")
    assert finding.blocks
    assert "with them kept together" in finding.found
    first, second = finding.example_rows[:2]
    assert abs(first - second) == 500


def test_rows_that_differ_pass() -> None:
    assert ask(SPL009(), evidence_of(measured(copies=0))).outcome == "passed"


def test_rows_equal_in_numbers_and_different_in_kind_are_no_near_duplicates() -> None:
    frame = measured(copies=250)
    frame["kind"] = text(["first"] * 500 + ["second"] * 250)
    assert ask(SPL009(), evidence_of(frame)).outcome == "passed"


def test_texts_that_differ_in_digits_and_case_are_near_duplicates() -> None:
    generator = np.random.default_rng(1)
    words = np.array(
        ["river", "stone", "cloud", "winter", "harbour", "meadow", "lantern", "copper", "violet", "orchard"]
    )
    texts = [" ".join(generator.choice(words, 8)) for _ in range(300)]
    spun = [f"{line.upper()} call {row}" for row, line in enumerate(texts[:60])] + [
        f"{line} call" for line in texts[:60]
    ]
    frame = pd.DataFrame({"message": text([*texts, *spun])})
    frame["y"] = text(generator.choice(["spam", "ham"], len(frame)))
    finding = ask(SPL009(), evidence_of(frame, columns={"message": {"role": "text"}}))
    assert finding.outcome in ("issue", "advice")
    assert "have a near-duplicate in another fold" in finding.found


def test_two_measured_columns_are_too_few_to_tell() -> None:
    assert "too few measured columns" in ask(SPL009(), evidence_of(a_table())).found
    assert ask(SPL009(), evidence_of(a_numeric_table())).outcome == "passed"


def test_counts_that_were_nudged_are_near_duplicates_even_if_every_row_is_one() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(400, 3)), columns=list("abc")).assign(
        n=generator.poisson(2.0, 400) + 0.0
    )
    frame["y"] = text(generator.choice(["yes", "no"], 400))
    again = frame.copy()
    again[list("abcn")] += generator.normal(0, 1e-4, (400, 4))
    finding = ask(SPL009(), evidence_of(pd.concat([frame, again], ignore_index=True)))
    assert finding.outcome == "issue"
