"""DAT: whether the rows keep the data contract that a person can read and edit."""

from __future__ import annotations

from typing import ClassVar

from ml_engineer.guardrails.breaches import find_breaches
from ml_engineer.guardrails.check import ALL_STAGES, Answer, Check, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["DAT030"]


class DAT030(Check):
    """Rows that break data/contract.yaml.

    A breach at level error stops training: the contract says what a person has found out must hold, and rows that break
    it are wrong or the contract is. Warnings are told.
    """

    title = "Data contract"
    needs_target = False
    family: ClassVar[Family] = "data"
    guardrail: ClassVar[Guardrail] = "data_quality"
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def find(self, evidence: Evidence) -> Answer:
        """Check development rows against every rule."""
        contract = evidence.contract
        if contract is None:
            return does_not_apply("there is no data/contract.yaml; frame_problem writes one")
        breaches = find_breaches(evidence.frame, contract)
        rules = f"version {contract.version}, {len(contract.columns)} columns, {len(contract.relations)} relations"
        if not breaches:
            return passed(f"{len(evidence.frame):,} rows keep the contract ({rules})")
        seen = [
            Observation(
                "forbids" if breach.level == "error" else "advice",
                breach.sentence,
                () if breach.rule == "relation" else (breach.column,),
                breach.examples,
            )
            for breach in breaches
        ]
        return observed(
            seen,
            remedy="Correct the rows, or say in data/contract.yaml what may be (a limit, a category, or warn instead of error)",
        )
