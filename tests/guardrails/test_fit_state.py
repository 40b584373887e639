"""MOD018: stored out-of-fold predictions are what champion.py gives when it is fitted on the other folds alone."""

from __future__ import annotations

from guardrails.factories import a_run, a_table, ask, evidence_of
from guardrails.test_model_fit import answers, truth
from ml_engineer.guardrails import Evidence, RefitFacts
from ml_engineer.guardrails.fit_state import MOD018


def refitted(facts: RefitFacts | None) -> Evidence:
    frame = a_table()
    return evidence_of(frame, training=a_run(), predictions=answers(truth(frame)), refit=facts)


def test_predictions_that_come_true_again_pass() -> None:
    assert ask(MOD018(), refitted(RefitFacts(rows=80, unequal_rows=0))).outcome == "passed"


def test_predictions_that_do_not_block_deployment_with_rows() -> None:
    finding = ask(MOD018(), refitted(RefitFacts(rows=80, unequal_rows=9, examples=(3, 8))), stage="deploy")
    assert finding.blocks
    assert finding.example_rows == (3, 8)
    assert "something else for 9 rows of 80" in finding.found


def test_what_could_not_be_fitted_again_says_why() -> None:
    finding = ask(MOD018(), refitted(RefitFacts(problem="one fold takes about 300 seconds")))
    assert (finding.outcome, finding.found) == ("not_applicable", "one fold takes about 300 seconds")
