"""MOD: a score is believed only if it is better than guessing, fresh, steady and of the model on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import (
    OTHER_SHA,
    SHA,
    a_candidate,
    a_champion,
    a_run,
    a_split,
    a_table,
    an_estimate,
    an_evaluation,
    ask,
    evidence_of,
    text,
)
from ml_engineer.guardrails import ChampionFiles, Evidence, LedgerFacts
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.model import (
    MOD001,
    MOD002,
    MOD003,
    MOD004,
    MOD005,
    MOD006,
    MOD007,
    MOD008,
    MOD009,
    MOD010,
    MOD011,
)
from ml_engineer.vocabulary.evaluation import Importance
from ml_engineer.vocabulary.training import Leaderboard

CHECKS = (MOD001(), MOD002(), MOD003(), MOD004(), MOD005(), MOD006(), MOD007(), MOD008(), MOD009(), MOD010(), MOD011())


def trained(**parts: Any) -> Evidence:
    sound: dict[str, Any] = {
        "training": a_run(),
        "evaluation": an_evaluation(importances=importances(x=0.2, noise=0.1, kind=0.1)),
        "champion": ChampionFiles(model_sha256=SHA, code_sha256=SHA, features_sha256=SHA),
        "ledger": LedgerFacts(problems=(), looks=1),
        "problem": {"target_score": 0.7},
        **parts,
    }
    return evidence_of(a_table(), **sound)


def importances(**drops: float) -> tuple[Importance, ...]:
    return tuple(Importance(feature=name, drop=an_estimate(drop)) for name, drop in drops.items())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_sound_champion_passes(check: Check) -> None:
    assert ask(check, trained()).outcome == "passed"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_before_training_nothing_is_asked(check: Check) -> None:
    assert ask(check, evidence_of(a_table())).outcome == "not_applicable"
    assert ask(check, trained(), stage="train").outcome == "not_applicable"


def test_a_gain_whose_interval_holds_zero_blocks() -> None:
    finding = ask(MOD001(), trained(training=a_run(gain=an_estimate(0.01, half_width=0.02))))
    assert finding.blocks
    assert "0.01 [-0.01, 0.03]" in finding.found


def test_a_baseline_that_won_blocks_and_says_that_time_may_have_been_short() -> None:
    finding = ask(MOD001(), trained(training=a_run(champion=a_champion(family="baseline"), gain=an_estimate(0))))
    assert finding.blocks
    assert "the naive baseline won" in finding.found
    assert "budget_seconds" in finding.remedy


def test_a_baseline_that_won_unopposed_is_not_said_to_be_the_best() -> None:
    candidates = (a_candidate(status="out_of_time"), a_candidate(name="other", status="failed"))
    run = a_run(
        champion=a_champion(family="baseline"),
        gain=an_estimate(0),
        leaderboard=Leaderboard(metric="roc_auc", candidates=candidates),
    )
    assert "no candidate was judged in the time it had" in ask(MOD001(), trained(training=run)).found


def test_a_champion_scored_on_some_folds_only_is_an_issue() -> None:
    candidate = a_candidate(fold_scores=(0.9, 0.85))
    run = a_run(leaderboard=Leaderboard(metric="roc_auc", candidates=(candidate,)))
    assert ask(MOD007(), trained(training=run)).found == "the champion was scored on 2 of 5 folds only"


def test_a_champion_that_was_never_scored_blocks() -> None:
    finding = ask(MOD002(), trained(evaluation=None))
    assert finding.blocks
    assert finding.remedy == "Call evaluate"


@pytest.mark.parametrize(
    "changed",
    [{"run_id": "run_0"}, {"model_sha256": OTHER_SHA}, {"deal_id": "another"}],
    ids=lambda each: next(iter(each)),
)
def test_an_evaluation_of_something_else_blocks(changed: dict[str, str]) -> None:
    assert ask(MOD003(), trained(evaluation=an_evaluation(**changed))).blocks


def test_an_evaluation_whose_parent_changed_blocks() -> None:
    finding = ask(MOD003(), trained(stale={"evaluation": "problem"}))
    assert finding.blocks
    assert "the problem record has changed" in finding.found


@pytest.mark.parametrize(
    ("file", "word"),
    [("model_sha256", "the model file"), ("code_sha256", "champion.py"), ("features_sha256", "features.py")],
)
@pytest.mark.parametrize(("now", "what"), [(OTHER_SHA, "was changed"), (None, "is missing")])
def test_a_file_changed_after_the_score_blocks(file: str, word: str, now: str | None, what: str) -> None:
    hashes: dict[str, str | None] = {"model_sha256": SHA, "code_sha256": SHA, "features_sha256": SHA, file: now}
    finding = ask(MOD004(), trained(champion=ChampionFiles(**hashes)))
    assert finding.blocks
    assert finding.found == f"{word} {what}"


@pytest.mark.parametrize("verdict", ["no_evidence", "worse_than_baseline"])
def test_a_champion_no_better_than_guessing_on_held_out_rows_blocks(verdict: str) -> None:
    assert ask(MOD005(), trained(evaluation=an_evaluation(verdict=verdict))).blocks


def test_a_broken_promise_is_an_issue() -> None:
    finding = ask(MOD006(), trained(evaluation=an_evaluation(score=0.6)))
    assert (finding.outcome, finding.blocks) == ("issue", False)


def test_a_promise_broken_by_the_latest_rows_is_not_answered_with_a_split_that_is_there() -> None:
    split = a_split(strategy="time", time_column="when")
    finding = ask(MOD006(), trained(evaluation=an_evaluation(score=0.6), problem={"split": split}))
    assert finding.outcome == "issue"
    assert "held-out rows are the latest" in finding.remedy
    assert "time_column" not in finding.remedy


def test_a_held_out_score_better_than_promised_is_none() -> None:
    assert ask(MOD006(), trained(evaluation=an_evaluation(score=0.95))).outcome == "passed"


def test_a_loss_that_is_higher_than_promised_is_a_broken_promise() -> None:
    evaluation = an_evaluation(score=0.9, metric="log_loss", cross_validated=an_estimate(0.5))
    assert ask(MOD006(), trained(evaluation=evaluation)).outcome == "issue"


def test_a_fold_where_guessing_is_better_is_an_issue() -> None:
    candidate = a_candidate(fold_scores=(0.9, 0.85, 0.45, 0.9, 0.8))
    run = a_run(leaderboard=Leaderboard(metric="roc_auc", candidates=(candidate,)))
    finding = ask(MOD007(), trained(training=run))
    assert finding.outcome == "issue"
    assert "on 1 of 5 folds" in finding.found


def test_one_golden_feature_is_asked_about() -> None:
    evaluation = an_evaluation(importances=importances(x=0.4, noise=0.01, kind=-0.02))
    finding = ask(MOD008(), trained(evaluation=evaluation))
    assert (finding.outcome, finding.columns) == ("question", ("x",))


def test_two_features_cannot_show_a_golden_one() -> None:
    evaluation = an_evaluation(importances=importances(x=0.4, noise=0.01))
    assert ask(MOD008(), trained(evaluation=evaluation)).outcome == "not_applicable"


def perfect(frame: pd.DataFrame) -> Evidence:
    run = a_run(champion=a_champion(score=an_estimate(0.999, half_width=0.001)))
    return evidence_of(frame, training=run)


def test_a_perfect_score_on_one_column_is_doubted() -> None:
    finding = ask(MOD009(), perfect(a_table().assign(leak=lambda rows: (rows["y"] == "yes").astype(int))))
    assert (finding.outcome, finding.columns) == ("question", ("leak",))
    assert "speaks for a leak" in finding.found


def test_a_perfect_score_on_many_columns_is_believed() -> None:
    generator = np.random.default_rng(0)
    label = generator.integers(0, 2, 400)
    columns = {f"m{i}": label * 1.8 + generator.normal(size=400) for i in range(12)}
    finding = ask(MOD009(), perfect(pd.DataFrame({**columns, "y": text(np.where(label, "yes", "no"))})))
    assert finding.outcome == "passed"
    assert "speaks for an easy problem" in finding.found


@pytest.mark.parametrize(
    ("looks", "outcome", "blocks"),
    [(4, "passed", False), (5, "issue", False), (20, "issue", False), (21, "issue", True)],
)
def test_looks_are_counted(looks: int, outcome: str, blocks: bool) -> None:
    finding = ask(MOD010(), trained(ledger=LedgerFacts(problems=(), looks=looks)))
    assert (finding.outcome, finding.blocks) == (outcome, blocks)


@pytest.mark.parametrize(
    ("wanted", "outcome", "blocks"),
    [(0.95, "issue", True), (0.8, "advice", False), (0.7, "passed", False), (None, "not_applicable", False)],
)
def test_the_wanted_score_is_held_against_the_interval(wanted: float | None, outcome: str, blocks: bool) -> None:
    finding = ask(MOD011(), trained(problem={"target_score": wanted}))
    assert (finding.outcome, finding.blocks) == (outcome, blocks)
