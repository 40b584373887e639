"""A package of verbs that do whatever a test needs a job to do; children import it by name."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.replies import Reply
from ml_engineer.vocabulary.verbs import Verb

__all__ = ["PACKAGE", "VERBS", "PractiseReply", "PractiseRequest"]

PACKAGE = "practice_verbs"


class PractiseRequest(Record):
    """Do what the test wants to see."""

    project_dir: str = Field(description="Folder where the test leaves signs and finds them.")
    action: Literal[
        "answer", "wait", "best", "greedy", "refuse", "guardrail", "crash", "exit", "spawn", "chatter", "stubborn"
    ] = Field(default="answer", description="What to do.")


class PractiseReply(Reply):
    """What was seen while doing it."""

    attempts: int = Field(default=0, description="Pieces of work in the journal.")
    stdin: str = Field(default="", description="What standard input held.")
    openmp: str = Field(default="", description="How idle OpenMP threads wait.")


VERBS = {
    "practise": Verb("practise", "Practise", PractiseRequest, PractiseReply, extra="nothing"),
    "observe": Verb("observe", "Observe", PractiseRequest, PractiseReply, writes_project=False, extra="nothing"),
}
