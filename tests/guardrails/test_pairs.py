"""LEA on several columns at once: pairs and sums that give the class away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_table, ask, evidence_of, text
from ml_engineer.guardrails.pairs import LEA010, LEA011


def with_pair(how: str) -> pd.DataFrame:
    frame = a_table(rows=1200)
    generator = np.random.default_rng(1)
    yes = (frame["y"] == "yes").to_numpy()
    if how == "code split in two":
        first = generator.integers(0, 2, 1200)
        return frame.assign(first=first, second=first ^ yes)
    first = generator.normal(50, 10, 1200)
    step = np.where(yes, 1, -1) * generator.uniform(1, 8, 1200)
    second = {"difference": first + step, "ratio": first * np.exp(step / 50), "sum": 100 - first + step}[how]
    return frame.assign(first=first, second=second)


@pytest.mark.parametrize("how", ["code split in two", "difference", "ratio", "sum"])
def test_a_pair_that_gives_the_class_blocks_and_is_named(how: str) -> None:
    finding = ask(LEA010(), evidence_of(with_pair(how)), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"first", "second"}


@pytest.mark.parametrize("frame", [a_table(rows=1200), a_numeric_table()], ids=["classes", "numbers"])
def test_columns_that_only_help_each_other_pass(frame: pd.DataFrame) -> None:
    assert ask(LEA010(), evidence_of(frame)).outcome == "passed"


def test_a_pair_among_many_columns_is_found_among_those_looked_at() -> None:
    generator = np.random.default_rng(2)
    noise = pd.DataFrame(generator.normal(size=(1200, 60)), columns=[f"n{i}" for i in range(60)])
    finding = ask(LEA010(), evidence_of(pd.concat([with_pair("difference"), noise], axis=1)), stage="train")
    assert "columns looked at" in finding.found or set(finding.columns) == {"first", "second"}


def votes(rows: int = 600) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    frame = pd.DataFrame({f"vote_{judge}": generator.random(rows) < 0.5 for judge in range(5)})
    frame["age"] = generator.normal(40, 10, rows)
    frame["y"] = text(np.where(frame.filter(like="vote").sum(axis=1) > 2, "in", "out"))
    return frame


def test_votes_that_decide_the_class_block_and_are_named_without_bystanders() -> None:
    finding = ask(LEA011(), evidence_of(votes()), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {f"vote_{judge}" for judge in range(5)}


@pytest.mark.parametrize(("every", "outcome"), [(100, "question"), (10, "passed")])
def test_votes_that_are_overruled_now_and_then_are_asked_about(every: int, outcome: str) -> None:
    frame = votes()
    frame.loc[::every, "y"] = frame.loc[::every, "y"].map({"in": "out", "out": "in"})
    assert ask(LEA011(), evidence_of(frame)).outcome == outcome


def test_parts_of_a_total_that_is_compared_with_a_bound_block() -> None:
    generator = np.random.default_rng(4)
    frame = pd.DataFrame(generator.gamma(2.0, 10.0, size=(800, 4)), columns=["rent", "food", "travel", "other"])
    frame["y"] = text(np.where(frame[["rent", "food", "travel"]].sum(axis=1) > 55, "over", "under"))
    finding = ask(LEA011(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"rent", "food", "travel"}


def test_honest_measurements_that_part_the_classes_are_an_easy_problem() -> None:
    generator = np.random.default_rng(5)
    heavy = generator.random(600) < 0.5
    length, depth = generator.normal(40, 3, 600), generator.normal(18, 1, 600)
    frame = pd.DataFrame({"length": length + 8 * heavy, "depth": depth - 4 * heavy, "mass": 90 * length + 900 * heavy})
    frame["y"] = text(np.where(heavy, "gentoo", "adelie"))
    assert ask(LEA011(), evidence_of(frame)).outcome == "passed"


def test_too_few_rows_and_numbers_are_no_question() -> None:
    assert ask(LEA011(), evidence_of(votes(60))).outcome == "passed"
    assert ask(LEA011(), evidence_of(a_numeric_table())).outcome == "not_applicable"


def test_an_amount_against_its_goal_decides_though_the_amount_alone_says_much() -> None:
    rng = np.random.default_rng(0)
    goal = np.exp(8 + rng.normal(size=800)).round()
    pledged = (goal * np.exp(1.5 * rng.normal(size=800) - 0.4)).round(2)
    frame = pd.DataFrame({"goal": goal, "pledged": pledged, "y": text(np.where(pledged >= goal, "won", "lost"))})
    frame["backers"] = (pledged / 50 * np.exp(0.5 * rng.normal(size=800))).round()
    finding = ask(LEA010(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"goal", "pledged"}


def test_a_delivery_after_its_due_date_decides_what_was_late() -> None:
    rng = np.random.default_rng(0)
    late = rng.random(800) < 0.5
    due = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, 800), "D")
    delivered = due + pd.to_timedelta(np.where(late, rng.integers(1, 20, 800), -rng.integers(0, 20, 800)), "D")
    frame = pd.DataFrame(
        {"due": due, "delivered": delivered, "x": rng.normal(size=800), "y": text(np.where(late, "late", "in time"))}
    )
    finding = ask(LEA010(), evidence_of(frame), stage="train")
    assert finding.blocks
    assert set(finding.columns) == {"due", "delivered"}
