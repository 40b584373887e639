"""RDY: what stands around the model is in place, or blocks at the stage that needs it."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.factories import OTHER_SHA, SHA, a_run, a_table, ask, evidence_of
from ml_engineer.guardrails import ChampionFiles, Evidence, LedgerFacts, ServingFacts, TrackingFacts
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.readiness import (
    RDY001,
    RDY002,
    RDY003,
    RDY004,
    RDY005,
    RDY006,
    RDY007,
    RDY008,
    RDY009,
    RDY010,
)
from ml_engineer.vocabulary.training import Environment

CHECKS = (RDY001(), RDY002(), RDY003(), RDY004(), RDY005(), RDY006(), RDY007(), RDY008(), RDY009())


def ready(**parts: Any) -> Evidence:
    sound: dict[str, Any] = {
        "training": a_run(),
        "tracking": TrackingFacts(run_found=True),
        "champion": ChampionFiles(SHA, SHA, SHA, manifest_model_sha256=SHA),
        "serving": ServingFacts(app_present=True, monitor_present=True, logged_predictions=12),
        "ledger": LedgerFacts(problems=(), looks=1),
        "packages": {"scikit-learn": "1.9.1"},
        **parts,
    }
    return evidence_of(a_table(), **sound)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_ready_project_passes(check: Check) -> None:
    assert ask(check, ready(), stage="production").outcome == "passed"


@pytest.mark.parametrize("check", CHECKS[1:], ids=lambda check: check.code)
def test_what_was_not_read_is_not_judged(check: Check) -> None:
    assert ask(check, evidence_of(a_table()), stage="production").outcome == "not_applicable"


def test_deploying_before_training_blocks() -> None:
    finding = ask(RDY001(), evidence_of(a_table()))
    assert finding.blocks
    assert finding.found == "nothing was trained yet"


@pytest.mark.parametrize(
    "tracking",
    [None, TrackingFacts(run_found=False), TrackingFacts(run_found=False, problem="the file is no database")],
)
def test_a_run_that_is_not_in_the_store_blocks(tracking: TrackingFacts | None) -> None:
    assert ask(RDY001(), ready(tracking=tracking)).blocks


def test_an_incomplete_run_is_an_issue_that_names_what_is_missing() -> None:
    finding = ask(RDY002(), ready(tracking=TrackingFacts(run_found=True, missing=("parameters", "model"))))
    assert (finding.outcome, finding.found) == ("issue", "the run lacks parameters, model")


def test_completeness_is_no_question_if_there_is_no_run() -> None:
    assert ask(RDY002(), ready(tracking=TrackingFacts(run_found=False))).outcome == "not_applicable"


def test_a_champion_of_other_rows_or_of_an_earlier_problem_blocks() -> None:
    assert ask(RDY003(), ready(training=a_run(development_sha256=OTHER_SHA))).blocks
    assert ask(RDY003(), ready(stale={"training": "problem"})).blocks


def test_each_problem_of_the_ledger_is_told_and_blocks_from_deploy_on() -> None:
    broken = ready(ledger=LedgerFacts(problems=("Entry 3 was edited.", "The copies disagree."), looks=1))
    assert ask(RDY004(), broken).found == "Entry 3 was edited; The copies disagree"
    assert ask(RDY004(), broken).blocks
    assert not ask(RDY004(), broken, stage="train").blocks


@pytest.mark.parametrize(
    "files",
    [
        ChampionFiles(SHA, SHA, SHA, manifest_model_sha256=None),
        ChampionFiles(OTHER_SHA, SHA, SHA, manifest_model_sha256=SHA),
        ChampionFiles(OTHER_SHA, SHA, SHA, manifest_model_sha256=OTHER_SHA),
    ],
    ids=["no manifest", "other file", "other champion"],
)
def test_serving_anything_but_the_champion_blocks(files: ChampionFiles) -> None:
    assert ask(RDY005(), ready(champion=files)).blocks


def test_a_changed_version_is_named() -> None:
    finding = ask(RDY006(), ready(packages={"scikit-learn": "2.0"}))
    assert (finding.outcome, finding.blocks) == ("issue", False)
    assert "scikit-learn 1.9.1 → 2.0" in finding.found


@pytest.mark.parametrize(
    ("check", "serving"),
    [
        (RDY007(), ServingFacts(app_present=False, monitor_present=True, logged_predictions=1)),
        (RDY008(), ServingFacts(app_present=True, monitor_present=False, logged_predictions=1)),
    ],
    ids=["service", "monitor"],
)
def test_a_missing_service_or_monitor_is_an_issue_and_blocks_production(check: Check, serving: ServingFacts) -> None:
    assert not ask(check, ready(serving=serving)).blocks
    assert ask(check, ready(serving=serving)).outcome == "issue"
    assert ask(check, ready(serving=serving), stage="production").blocks


@pytest.mark.parametrize("logged", [None, 0])
def test_a_monitor_that_sees_nothing_blocks_production_and_is_not_asked_before(logged: int | None) -> None:
    blind = ready(serving=ServingFacts(app_present=True, monitor_present=True, logged_predictions=logged))
    assert ask(RDY009(), blind, stage="production").blocks
    assert ask(RDY009(), blind).outcome == "not_applicable"


def test_another_engine_or_python_than_in_training_is_an_issue() -> None:
    environment = Environment(python="3.11.7", platform="any", cores=2, packages={"ml-engineer": "0.1.0"})
    trained = a_run(environment=environment)
    same = {"python": "3.11.9", "ml-engineer": "0.1.0"}
    assert ask(RDY010(), evidence_of(a_table(), training=trained, packages=same)).outcome == "passed"
    for changed in ({"ml-engineer": "0.2.0"}, {"python": "3.12.1"}):
        finding = ask(RDY010(), evidence_of(a_table(), training=trained, packages=same | changed))
        assert (finding.outcome, finding.blocks) == ("issue", False)
    assert ask(RDY010(), evidence_of(a_table(), training=trained)).outcome == "not_applicable"
