"""A practice verb that only reads."""

from __future__ import annotations

from ml_engineer.vocabulary.context import WorkContext
from practice_verbs import PractiseReply, PractiseRequest


def observe(request: PractiseRequest, context: WorkContext) -> PractiseReply:
    """Answer without writing."""
    return PractiseReply(status="done", summary="Observed.")
