"""Which verbs there are, what each is asked and what it answers: all that doors and jobs know of them."""

from __future__ import annotations

from dataclasses import dataclass

from ml_engineer.vocabulary import replies, requests
from ml_engineer.vocabulary.records import Record

__all__ = ["VERBS", "Verb"]


@dataclass(frozen=True)
class Verb:
    """One verb as doors and jobs see it.

    Parameters
    ----------
    name : str
        Name of the function, of its module under `ml_engineer.verbs`, and of the MCP tool.
    title : str
        For people.
    request, reply : type
        Records of its arguments and of its answer.
    writes_project : bool
        Whether it needs to be the project's only writer.
    extra : str
        Optional part of the installation that it needs.
    """

    name: str
    title: str
    request: type[Record]
    reply: type[replies.Reply]
    writes_project: bool = True
    extra: str = "engine"


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("frame_problem", "Frame the problem", requests.FrameProblemRequest, replies.FrameProblemReply),
        Verb("scaffold_project", "Scaffold the project", requests.ScaffoldProjectRequest, replies.ScaffoldProjectReply),
        Verb("train", "Train candidates", requests.TrainRequest, replies.TrainReply),
        Verb("evaluate", "Evaluate on sealed rows", requests.EvaluateRequest, replies.EvaluateReply),
        Verb("check_guardrails", "Check the guardrails", requests.CheckGuardrailsRequest, replies.CheckGuardrailsReply),
        Verb("predict", "Score new rows", requests.PredictRequest, replies.PredictReply, writes_project=False),
        Verb("verify", "Verify what is claimed", requests.VerifyRequest, replies.VerifyReply, writes_project=False),
        Verb(
            "replay", "Train a run again and compare", requests.ReplayRequest, replies.ReplayReply, writes_project=False
        ),
        Verb("export", "Export the champion", requests.ExportRequest, replies.ExportReply, extra="onnx"),
        Verb("promote", "Put the champion into use", requests.PromoteRequest, replies.PromoteReply),
        Verb("waive_finding", "Waive a finding", requests.WaiveFindingRequest, replies.WaiveFindingReply),
        Verb("run", "The whole way", requests.RunRequest, replies.RunReply),
    )
}
