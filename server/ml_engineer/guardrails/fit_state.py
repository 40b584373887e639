"""MOD018: the champion's out-of-fold predictions come true again."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.model import ModelCheck
from ml_engineer.guardrails.wording import percent, rows_text

__all__ = ["MOD018"]


class MOD018(ModelCheck):
    """One fold is fitted again from champion.py, on the other folds' rows alone, and must predict what is stored.

    Features are made of the rows to learn from apart from those to predict, and no target of the latter is at hand. Equal
    predictions show that every part of the pipeline was fitted on the development rows of the other folds and saw no others.
    """

    title = "Out-of-fold predictions come true again"
    needs_target = False
    needs = ("training", "predictions", "refit")
    cost = "models"
    tolerated: ClassVar[float] = 0.01

    def find(self, evidence: Evidence) -> Answer:
        """Compare row by row."""
        facts = evidence.refit
        assert facts is not None
        if facts.problem:
            return does_not_apply(facts.problem)
        share = facts.unequal_rows / max(facts.rows, 1)
        if share <= self.tolerated:
            return passed(
                f"fitted again on the other folds alone, champion.py predicts the same for {rows_text(facts.rows - facts.unequal_rows)} "
                f"of {facts.rows:,} ({facts.seconds:.1f} s)"
            )
        text = (
            f"fitted again on the other folds alone, champion.py predicts something else for {rows_text(facts.unequal_rows)} of "
            f"{facts.rows:,} ({percent(share)})"
        )
        return observed(
            [Observation("forbids", text, rows=facts.examples)],
            remedy="Fix every random state in candidates.py, keep what is learned inside fit, then train and evaluate again; a score "
            "that does not come true again proves nothing",
        )
