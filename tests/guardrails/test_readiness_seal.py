"""RDY: what is claimed is what was written down, or the model is not used."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.factories import a_run, a_table, an_evaluation, ask, evidence_of
from ml_engineer.guardrails import ClaimFacts, Evidence
from ml_engineer.guardrails.check import Check
from ml_engineer.guardrails.readiness_seal import RDY011, RDY012, RDY013, RDY014, RDY015
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import ChampionComparison

CHECKS = (RDY011(), RDY012(), RDY013(), RDY014())


def claimed(**facts: Any) -> Evidence:
    return evidence_of(a_table(), training=a_run(), evaluation=an_evaluation(), claims=ClaimFacts(**facts))


def beside(low: float, value: float, high: float, verdict: str, *, promoted: bool = True) -> Evidence:
    gain = Estimate(value=value, low=low, high=high, method="paired", rows=100)
    against = ChampionComparison(model_sha256="0" * 64, promoted=promoted, metric="roc_auc", gain=gain, verdict=verdict)
    report = an_evaluation().model_copy(update={"against_champion": against})
    return evidence_of(a_table(), training=a_run(), evaluation=report)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_sound_claims_pass(check: Check) -> None:
    assert ask(check, claimed(tried=9, tried_at_looks=4)).outcome == "passed"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_claims_that_were_not_read_are_not_judged(check: Check) -> None:
    assert ask(check, evidence_of(a_table())).outcome == "not_applicable"


def test_a_clock_that_was_set_back_is_an_issue_and_blocks_nothing() -> None:
    finding = ask(RDY011(), claimed(clock=("Entry 3 says 2020, earlier than the entry before it.",)))
    assert (finding.outcome, finding.blocks) == ("issue", False)
    assert finding.found == "Entry 3 says 2020, earlier than the entry before it"


@pytest.mark.parametrize(
    ("check", "facts", "words"),
    [
        (RDY012(), {"tried": 3, "tried_at_looks": 40}, "the tally counts 3 candidates, and 40 had been tried"),
        (RDY012(), {"looks_claimed": 4}, "the ledger counts 0 looks, and the passport had seen 4"),
        (RDY013(), {"changed": ("reports/evaluation.html",)}, "reports/evaluation.html was changed"),
        (RDY013(), {"passport": "passport.json was edited"}, "passport.json was edited"),
        (RDY014(), {"scores_apart": ("roc_auc 0.99 (ledger: 0.81)",)}, "roc_auc 0.99 (ledger: 0.81)"),
    ],
)
def test_what_does_not_agree_is_named_and_blocks_from_deploy_on(
    check: Check, facts: dict[str, Any], words: str
) -> None:
    finding = ask(check, claimed(**facts))
    assert words in finding.found
    assert finding.blocks
    assert not ask(check, claimed(**facts), stage="train").blocks


def test_a_project_without_a_passport_is_not_judged_by_it() -> None:
    assert ask(RDY013(), claimed(passport="there is no passport.json")).outcome == "not_applicable"


def test_replacing_the_champion_in_use_without_evidence_is_a_question() -> None:
    open_question = ask(RDY015(), beside(-0.01, 0.01, 0.03, "no_evidence"))
    assert (open_question.outcome, open_question.blocks) == ("question", False)
    assert "no evidence of improvement over the champion in use" in open_question.found
    assert "worse than the champion in use" in ask(RDY015(), beside(-0.05, -0.03, -0.01, "worse")).found
    assert ask(RDY015(), beside(0.01, 0.02, 0.03, "better")).outcome == "passed"


def test_a_model_that_was_only_looked_at_is_no_champion_in_use() -> None:
    assert ask(RDY015(), beside(-0.01, 0.01, 0.03, "no_evidence", promoted=False)).outcome == "not_applicable"
    assert ask(RDY015(), claimed()).outcome == "not_applicable"
