"""Who let which model go live, when and why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.chained import ChainedEntry
from ml_engineer.vocabulary.guardrails import Stage, Verdict

__all__ = ["Approval"]


class Approval(ChainedEntry):
    """A person's decision about the model in use; one line of the hash-chained log of approvals."""

    event: Literal["promote", "rollback"] = Field(description="Whether the run is new in use, or was before.")
    run_id: str = Field(description="The run whose model is the champion in use from here on.")
    model_sha256: str = Field(description="Hash of its model file.")
    version: str = Field(description="Its version in the MLflow registry.")
    approved_by: str = Field(min_length=2, description="The person who decided.")
    reason: str = Field(min_length=10, description="Why, in the person's words.")
    stage: Stage = Field(description="Stage for which the guardrails were checked.")
    verdict: Verdict = Field(description="What the guardrails said then.")
    waived: tuple[str, ...] = Field(default=(), description="Codes of the findings that were overridden.")
