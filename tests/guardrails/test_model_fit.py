"""MOD on predictions: too much learned, too little, in the wrong proportion, or not everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_candidate, a_champion, a_numeric_table, a_run, a_table, ask, evidence_of, text
from ml_engineer.guardrails import Evidence
from ml_engineer.guardrails.model_fit import MOD012, MOD013, MOD014, MOD015
from ml_engineer.guardrails.model_search import MOD016, MOD017
from ml_engineer.vocabulary.training import Leaderboard


def answers(chance: np.ndarray) -> pd.DataFrame:
    """Predictions that give class 1 these probabilities."""
    rows = len(chance)
    table = {"row": np.arange(rows), "fold": np.arange(rows) % 5, "predicted": (chance > 0.5).astype(int)}
    return pd.DataFrame(table | {"p0": 1 - chance, "p1": chance})


def truth(frame: pd.DataFrame) -> np.ndarray:
    """The chance by which `a_table` was drawn."""
    return (1 / (1 + np.exp(-(1.2 * frame["x"] + (frame["kind"] == "red") - 0.3)))).to_numpy()


def judged(frame: pd.DataFrame, chance: np.ndarray, **parts: Any) -> Evidence:
    return evidence_of(frame, training=a_run(), predictions=answers(chance), **parts)


@pytest.mark.parametrize("check", [MOD012(), MOD013(), MOD014(), MOD015()])
def test_a_model_that_knows_the_truth_passes(check: Any) -> None:
    frame = a_table(rows=2000)
    evidence = judged(frame, truth(frame), fitted=answers(truth(frame)).drop(columns="fold"))
    assert ask(check, evidence).outcome == "passed"


def test_a_model_that_knows_its_own_rows_only_is_an_issue() -> None:
    frame = a_table()
    known = np.where(frame["y"] == "yes", 0.99, 0.01)
    evidence = judged(frame, np.full(400, 0.5), fitted=answers(known).drop(columns="fold"))
    assert ask(MOD012(), evidence).outcome == "issue"


def test_a_model_that_knows_its_own_rows_and_generalises_is_advice() -> None:
    frame = a_table()
    known = np.where(frame["y"] == "yes", 0.99, 0.01)
    evidence = judged(frame, truth(frame), fitted=answers(known).drop(columns="fold"))
    assert ask(MOD012(), evidence).outcome in ("advice", "issue")
    assert "on rows that it learned from" in ask(MOD012(), evidence).found


def test_a_champion_behind_a_quick_model_is_an_issue() -> None:
    frame = a_table(rows=2000)
    assert ask(MOD013(), judged(frame, np.random.default_rng(0).random(2000))).outcome == "issue"


def test_a_champion_of_numbers_behind_a_quick_model_is_an_issue() -> None:
    frame = a_numeric_table(rows=1000)
    table = {
        "row": np.arange(1000),
        "fold": np.arange(1000) % 5,
        "predicted": np.random.default_rng(0).normal(size=1000),
    }
    evidence = evidence_of(frame, training=a_run(metric="rmse"), predictions=pd.DataFrame(table))
    assert ask(MOD013(), evidence).outcome == "issue"
    right = pd.DataFrame(table | {"predicted": 2 * frame["a"] - frame["b"]})
    assert ask(MOD013(), evidence_of(frame, training=a_run(metric="rmse"), predictions=right)).outcome == "passed"


def test_probabilities_that_are_too_sure_are_an_issue_with_the_worst_bin() -> None:
    frame = a_table(rows=2000)
    odds = truth(frame) / (1 - truth(frame))
    finding = ask(MOD014(), judged(frame, odds**4 / (1 + odds**4)))
    assert finding.outcome == "issue"
    assert "class 'yes': mean gap" in finding.found


def test_too_few_rows_are_not_judged() -> None:
    frame = a_table(rows=100)
    assert ask(MOD014(), judged(frame, np.full(100, 0.9))).outcome == "not_applicable"


def test_a_part_that_the_model_gets_wrong_is_named() -> None:
    frame = a_table(rows=2000)
    frame["site"] = text(np.where(np.arange(2000) % 16 == 0, "new", "old"))
    chance = np.where(frame["site"] == "new", 1 - truth(frame), truth(frame))
    finding = ask(MOD015(), judged(frame, chance))
    assert finding.outcome == "issue"
    assert "where 'site' is 'new'" in finding.found
    assert set(frame["site"].iloc[list(finding.example_rows)]) == {"new"}


def test_without_skill_anywhere_no_part_is_blamed() -> None:
    frame = a_table()
    assert ask(MOD015(), judged(frame, np.full(400, 0.5))).outcome == "not_applicable"


def searched(*depths: int, champion: int) -> Evidence:
    tried = tuple(
        a_candidate(f"boosting_{depth}", score=0.8 if depth == champion else 0.7, parameters={"max_depth": str(depth)})
        for depth in depths
    )
    board = Leaderboard(metric="roc_auc", candidates=tried)
    run = a_run(leaderboard=board, champion=a_champion(name=f"boosting_{champion}"))
    return evidence_of(a_table(), training=run)


def test_a_champion_at_the_edge_of_what_was_tried_is_advice() -> None:
    finding = ask(MOD016(), searched(2, 4, 8, champion=8))
    assert finding.outcome == "advice"
    assert "'max_depth' is 8, the largest of 3 values tried" in finding.found


def test_a_champion_inside_what_was_tried_passes_and_two_values_are_no_search() -> None:
    assert ask(MOD016(), searched(2, 4, 8, champion=4)).outcome == "passed"
    assert ask(MOD016(), searched(4, 8, champion=8)).outcome == "not_applicable"


@pytest.mark.parametrize(("score", "outcome"), [(0.79, "advice"), (0.6, "passed")])
def test_a_simpler_model_that_does_as_well_is_pointed_out(score: float, outcome: str) -> None:
    simple = a_candidate("logistic", score=score, family="linear")
    run = a_run(leaderboard=Leaderboard(metric="roc_auc", candidates=(a_candidate(), simple)))
    assert ask(MOD017(), evidence_of(a_table(), training=run)).outcome == outcome


def test_a_model_that_is_as_good_and_much_faster_is_pointed_out() -> None:
    slow = a_candidate(predict_milliseconds_per_row=2.0)
    fast = a_candidate("small", score=0.795, predict_milliseconds_per_row=0.1)
    run = a_run(leaderboard=Leaderboard(metric="roc_auc", candidates=(slow, fast)))
    assert "in 0.1 ms instead of 2" in ask(MOD017(), evidence_of(a_table(), training=run)).found


def test_before_training_nothing_is_judged() -> None:
    assert ask(MOD013(), evidence_of(a_table())).outcome == "not_applicable"
