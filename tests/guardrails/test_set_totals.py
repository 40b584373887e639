"""LEA022 and SPL014: totals of the target per thing, and sets of rows that were put together by outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_numeric_table, a_split, a_table, ask, evidence_of, text
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.matched_sets import SPL014
from ml_engineer.guardrails.target_totals import LEA022


def places(*, rows: int = 1500, size: int = 4, likelihood: float = 0.35, effect: float = 0.0) -> pd.DataFrame:
    """Rows of places, all of them: those held out too; the outcome may hang on the place."""
    rng = np.random.default_rng(3)
    place = rng.integers(0, rows // size, rows)
    of_place = np.clip(likelihood + effect * rng.normal(size=rows // size), 0.02, 0.98)
    sold = rng.lognormal(3, 0.5, rows).round(2)
    return pd.DataFrame(
        {
            "place": text(np.array([f"P{number}" for number in place])),
            "x": rng.normal(size=rows),
            "case": (rng.random(rows) < of_place[place]).astype(int),
            "chance": of_place[place],
            "sold": sold,
        }
    )


def developed(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """Four fifths of the rows, with the target as y."""
    kept = np.random.default_rng(4).random(len(frame)) < 0.8
    frame = frame[kept].reset_index(drop=True).rename(columns={target: "y"})
    frame["y"] = text(np.where(frame["y"] == 1, "yes", "no")) if target == "case" else frame["y"]
    return frame.drop(columns=[name for name in ("case", "chance", "sold") if name in frame])


@pytest.mark.parametrize("check", [LEA022(), SPL014()])
@pytest.mark.parametrize("frame", [a_table(), a_numeric_table()], ids=["classes", "numbers"])
def test_clean_tables_pass(check: Check, frame: pd.DataFrame) -> None:
    assert ask(check, evidence_of(frame), stage="train").outcome == "passed"


@pytest.mark.parametrize("target", ["case", "sold"])
@pytest.mark.parametrize("size", [3, 8])
def test_a_total_over_all_rows_of_a_place_blocks_and_names_column_and_place(target: str, size: int) -> None:
    frame = places(size=size)
    frame["place_total"] = frame.groupby("place")[target].transform("sum").round(2)
    finding = ask(LEA022(), evidence_of(developed(frame, target)), stage="train")
    assert finding.blocks
    assert finding.columns == ("place_total",)
    assert "'place'" in finding.found


@pytest.mark.parametrize("what", ["max", "min"])
def test_an_extreme_over_all_rows_of_a_place_blocks(what: str) -> None:
    frame = places()
    frame["extreme"] = frame.groupby("place")["sold"].transform(what)
    finding = ask(LEA022(), evidence_of(developed(frame, "sold")), stage="train")
    assert (finding.blocks, finding.columns) == (True, ("extreme",))
    assert {"max": "largest", "min": "smallest"}[what] in finding.found


def test_a_total_scaled_to_percentages_blocks_too() -> None:
    frame = places()
    frame["rate"] = 100 * frame.groupby("place")["case"].transform("sum") / len(frame)
    assert ask(LEA022(), evidence_of(developed(frame, "case")), stage="train").columns == ("rate",)


def test_totals_of_an_earlier_year_are_honest() -> None:
    frame = places(effect=0.2)
    rows = frame.groupby("place")["case"].transform("size")
    frame["last_year"] = (
        pd.Series(np.random.default_rng(5).binomial(rows, frame["chance"])).groupby(frame["place"]).transform("first")
    )
    frame["expected"] = rows * frame["chance"]
    frame["rows"] = rows
    assert ask(LEA022(), evidence_of(developed(frame, "case")), stage="train").outcome == "passed"


def test_a_limit_that_the_largest_value_often_reaches_is_honest() -> None:
    frame = places(size=8)
    limit = (
        pd.Series(np.random.default_rng(6).choice([10.0, 20.0, 30.0], len(frame)))
        .groupby(frame["place"])
        .transform("first")
    )
    frame["sold"] = np.minimum(frame["sold"], limit)
    frame["limit"] = limit
    assert ask(LEA022(), evidence_of(developed(frame, "sold")), stage="train").outcome == "passed"


def matched(*, sets: int = 80, controls: int = 2, by_chance: bool = False) -> pd.DataFrame:
    """Cases with so many controls each, of which four rows in five are development rows."""
    rng = np.random.default_rng(2)
    stratum = np.repeat(np.arange(sets), controls + 1)
    case = np.tile([1] + [0] * controls, sets)
    if by_chance:
        case = rng.permutation(case)
    frame = pd.DataFrame(
        {"stratum": stratum, "x": rng.normal(size=len(case)), "y": text(np.where(case == 1, "yes", "no"))}
    )
    return frame[rng.random(len(frame)) < 0.8].reset_index(drop=True)


@pytest.mark.parametrize("controls", [1, 2, 4])
def test_sets_of_one_case_and_its_controls_are_asked_about(controls: int) -> None:
    finding = ask(SPL014(), evidence_of(matched(controls=controls)), stage="train")
    assert (finding.outcome, finding.columns) == ("question", ("stratum",))
    assert "group_columns" in finding.remedy


def test_rows_that_were_not_matched_pass() -> None:
    assert ask(SPL014(), evidence_of(matched(by_chance=True)), stage="train").outcome == "passed"


def test_sets_that_are_dealt_whole_pass() -> None:
    split = a_split(strategy="grouped", group_columns=("stratum",))
    assert ask(SPL014(), evidence_of(matched(), problem={"split": split}), stage="train").outcome == "passed"


def test_a_set_that_the_model_does_not_see_is_advice() -> None:
    evidence = evidence_of(matched(), columns={"stratum": {"role": "identifier", "used": False}})
    assert ask(SPL014(), evidence, stage="train").outcome == "advice"


def test_shares_that_sum_to_one_are_matched_sets_too() -> None:
    frame = matched(controls=3)
    weights = np.random.default_rng(8).gamma(2.0, 1.0, len(frame))
    frame["y"] = weights / pd.Series(weights).groupby(frame["stratum"]).transform("sum")
    frame = frame[frame.groupby("stratum")["y"].transform("size") == 4].reset_index(drop=True)
    assert ask(SPL014(), evidence_of(frame), stage="train").columns == ("stratum",)


def test_a_column_of_a_matched_set_is_not_taken_for_a_total() -> None:
    frame = matched()
    frame["age"] = 20 + frame["stratum"] % 23
    assert ask(LEA022(), evidence_of(frame), stage="train").outcome == "passed"
