"""What the checks found, and what a person overrode."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ml_engineer.vocabulary.records import Record, StoredRecord

__all__ = [
    "GUARDRAIL_TITLES",
    "Family",
    "Finding",
    "Guardrail",
    "GuardrailReport",
    "GuardrailResult",
    "Outcome",
    "Stage",
    "Verdict",
    "Waiver",
    "Waivers",
]

Stage = Literal["train", "deploy", "production"]
Family = Literal["data", "leakage", "split", "model", "fairness", "readiness"]
Outcome = Literal["passed", "issue", "question", "advice", "not_applicable", "waived"]
Verdict = Literal["pass", "warn", "block"]
Guardrail = Literal["data_quality", "experiment_tracking", "monitoring", "held_out_evaluation", "fairness"]

GUARDRAIL_TITLES: dict[Guardrail, str] = {
    "data_quality": "Data quality validated before training",
    "experiment_tracking": "Experiments tracked",
    "monitoring": "Monitoring in place for drift",
    "held_out_evaluation": "Evaluated on held-out rows",
    "fairness": "Bias and fairness considered",
}


class Finding(Record):
    """One check's answer; every registered check appears in a report exactly once."""

    code: str = Field(pattern=r"^[A-Z]{3}\d{3}$", description="The check's code, e.g. LEA002.")
    title: str = Field(description="What the check is about.")
    guardrail: Guardrail = Field(description="The guardrail it belongs to.")
    outcome: Outcome = Field(description="What came of it.")
    blocks: bool = Field(default=False, description="Whether it blocks at the stage of the report.")
    found: str = Field(description="What was found, with numbers.")
    remedy: str = Field(
        default="", description="What to do about it: an argument, a column, a question; empty if passed."
    )
    columns: tuple[str, ...] = Field(default=(), description="Columns concerned.")
    example_rows: tuple[int, ...] = Field(
        default=(), description="A few development rows as evidence: row numbers in the source, from 0."
    )


class Waiver(Record):
    """A person's written override of a finding."""

    code: str = Field(pattern=r"^[A-Z]{3}\d{3}$", description="The check that is overridden.")
    columns: tuple[str, ...] = Field(default=(), description="Columns it is limited to; empty means the whole finding.")
    reason: str = Field(min_length=10, description="Why, in at least ten characters.")
    name: str = Field(min_length=2, description="Who takes responsibility.")
    at: str = Field(description="Time, ISO 8601 UTC.")


class Waivers(StoredRecord):
    """All waivers of a project; they are added to, never removed."""

    kind: ClassVar[str] = "waivers"

    waivers: tuple[Waiver, ...] = Field(default=(), description="Oldest first.")


class GuardrailResult(Record):
    """One of the five guardrails."""

    guardrail: Guardrail = Field(description="Which one.")
    title: str = Field(description="In words.")
    verdict: Verdict = Field(description="By the worst of its findings.")
    summary: str = Field(description="In a sentence.")


class GuardrailReport(StoredRecord):
    """The five guardrails at one stage."""

    kind: ClassVar[str] = "guardrails"

    stage: Stage = Field(description="What is about to be done.")
    checked_at: str = Field(description="Time, ISO 8601 UTC.")
    verdict: Verdict = Field(description="'block' if any finding blocks, 'warn' if any is open.")
    guardrails: tuple[GuardrailResult, ...] = Field(description="All five, always.")
    findings: tuple[Finding, ...] = Field(description="Every registered check exactly once.")
    waivers: tuple[Waiver, ...] = Field(default=(), description="Overrides in force, each with its reason.")
