"""FAI: whether somebody has weighed what could be done about a disparity, and at what price."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.fairness_groups import ComparingCheck
from ml_engineer.guardrails.wording import listed, quoted
from ml_engineer.vocabulary.fairness import MitigationTrial
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["FAI010"]


class FAI010(ComparingCheck):
    """A disparity is shown, and whether to lessen it is undecided.

    `evaluate` tries what can be tried on development rows: rows reweighted (Kamiran and Calders 2012), training that gives
    more weight to groups that do worse, and a threshold per group where that is lawful; each with what it does to the
    difference and what it costs. Which to take, or none, is a person's decision and stays open until it is recorded.
    """

    title = "Mitigation considered"
    asked_at: ClassVar[frozenset[Stage]] = frozenset({"deploy", "production"})

    def find(self, evidence: Evidence) -> Answer:
        """List the mitigations that were priced for each column with a disparity."""
        assert evidence.fairness is not None
        columns = [
            one.columns[0]
            for one in evidence.fairness.comparisons
            if one.decides and len(one.columns) == 1 and one.verdict == "disparity shown"
        ]
        if not columns:
            return does_not_apply("no disparity is shown between the groups of a sensitive column")
        trials = () if evidence.evaluation is None else evidence.evaluation.mitigations
        seen = []
        for column in columns:
            mine = [_in_words(trial) for trial in trials if trial.column == column]
            if mine:
                seen.append(Observation("question", f"{quoted(column)}: {listed(mine, join='; ')}", (column,)))
            else:
                seen.append(
                    Observation("issue", f"nothing was tried about the disparity of {quoted(column)}", (column,))
                )
        return observed(
            seen,
            remedy="Show the prices to the person who decides. To take weights, build them into a pipeline in candidates.py "
            "and train again; to leave it, have the reason recorded with waive_finding(code='FAI010', reason=..., name=...). "
            "Where nothing was tried, call evaluate first, or collect rows and columns that tell more about the group",
        )


def _in_words(trial: MitigationTrial) -> str:
    """Difference before and after, and the price."""
    if trial.after is None or trial.price is None:
        return f"{trial.kind} could not be tried: {trial.note}"
    return (
        f"{trial.kind} brings the difference from {trial.before.value:.2f} to {trial.after.value:.2f} "
        f"[{trial.after.low:.2f}, {trial.after.high:.2f}] and {trial.metric} from {trial.metric_before:.3f} by "
        f"{trial.price.value:+.3f} [{trial.price.low:+.3f}, {trial.price.high:+.3f}]"
    )
