"""The whole way: frame, scaffold, train, evaluate and check the guardrails, in one child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ml_engineer.errors import RefusedError
from ml_engineer.project.files import write_text
from ml_engineer.verbs.check_guardrails import check_guardrails
from ml_engineer.verbs.evaluate import evaluate
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.verbs.scaffold_project import scaffold_project
from ml_engineer.verbs.train import train
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.replies import (
    CheckGuardrailsReply,
    EvaluateReply,
    FrameProblemReply,
    Reply,
    RunReply,
    ScaffoldProjectReply,
    TrainReply,
)
from ml_engineer.vocabulary.requests import (
    CheckGuardrailsRequest,
    EvaluateRequest,
    FrameProblemRequest,
    RunRequest,
    ScaffoldProjectRequest,
    TrainRequest,
)

__all__ = ["run"]

Asked = TypeVar("Asked", bound=Record)
Answered = TypeVar("Answered", bound=Reply)

_PARTS: dict[str, tuple[float, float]] = {
    "frame_problem": (0.0, 0.1),
    "scaffold_project": (0.1, 0.15),
    "train": (0.15, 0.75),
    "evaluate": (0.75, 0.9),
    "check_guardrails": (0.9, 1.0),
}
"""Which part of the whole each verb takes, for the progress that is told."""
_MOST_WARNINGS = 8


class _StopError(Exception):
    """A verb refused; nothing after it is done."""

    def __init__(self, verb: str, reply: Reply) -> None:
        self.verb, self.reply = verb, reply
        super().__init__(verb)


def run(request: RunRequest, context: WorkContext) -> RunReply:
    """Go the whole way, and stop at the first verb that refuses.

    A problem that is not worth building does not stop the way, but the summary begins with it. A job that was killed
    goes on after the last verb that had finished.

    Raises
    ------
    MlEngineerError
        Whatever a verb raises: the message says what to do, and calling the verb again goes on from there.
    """
    done: dict[str, Reply] = {}
    project_dir = request.project_dir
    try:
        framed = _do(frame_problem, _framing_of(request), context, FrameProblemReply, done)
        scaffold = ScaffoldProjectRequest(project_dir=project_dir, features=request.features)
        _do(scaffold_project, scaffold, context, ScaffoldProjectReply, done)
        training = TrainRequest(
            project_dir=project_dir,
            budget_seconds=request.budget_seconds,
            text_model=request.text_model,
            seed=request.seed,
        )
        trained = _do(train, training, context, TrainReply, done)
        looking = EvaluateRequest(project_dir=project_dir, reason="the evaluation of `run`")
        evaluated = _do(evaluate, looking, context, EvaluateReply, done)
        checking = CheckGuardrailsRequest(project_dir=project_dir, stage=request.stage)
        checked = _do(check_guardrails, checking, context, CheckGuardrailsReply, done)
    except _StopError as stop:
        return _stopped(stop, done, project_dir)
    return _finished(
        done, framed=framed, trained=trained, evaluated=evaluated, checked=checked, project_dir=project_dir
    )


def _framing_of(request: RunRequest) -> FrameProblemRequest:
    return FrameProblemRequest(**{name: getattr(request, name) for name in FrameProblemRequest.model_fields})


def _do(
    function: Callable[[Asked, WorkContext], Answered],
    request: Asked,
    context: WorkContext,
    kind: type[Answered],
    done: dict[str, Reply],
) -> Answered:
    """Call one verb, unless this job did so before it was killed.

    Raises
    ------
    _StopError
        If it refuses.
    """
    verb = next(name for name in _PARTS if name == function.__name__)
    journal_dir = context.journal_dir / verb
    journal_dir.mkdir(parents=True, exist_ok=True)
    finished = journal_dir / "reply.json"
    if finished.exists():
        reply = kind.model_validate_json(finished.read_text(encoding="utf-8"))
    else:
        part = replace(context, journal_dir=journal_dir, report=_share(context, verb), started=context.clock())
        try:
            reply = function(request, part)
        except RefusedError as error:
            reply = kind(status="refused", summary=str(error), findings=list(error.findings), next_step=error.remedy)
        if reply.status == "refused":
            raise _StopError(verb, reply)
        write_text(finished, reply.model_dump_json() + "\n")
    done[verb] = reply
    return reply


def _share(context: WorkContext, verb: str) -> Callable[[str, float | None], None]:
    """Progress of one verb as a part of the whole."""
    begin, end = _PARTS[verb]

    def report(message: str, fraction: float | None = None) -> None:
        whole = None if fraction is None else begin + (end - begin) * min(max(fraction, 0.0), 1.0)
        context.report(f"{verb}: {message}", whole)

    return report


def _stopped(stop: _StopError, done: dict[str, Reply], project_dir: str) -> RunReply:
    framed = done.get("frame_problem")
    known = {}
    if isinstance(framed, FrameProblemReply):
        known = {"task_type": framed.task_type, "primary_metric": framed.primary_metric}
    return RunReply(
        status="refused",
        summary=f"Stopped at {stop.verb}: {stop.reply.summary}",
        warnings=_warnings(done),
        questions=[question for reply in done.values() for question in reply.questions],
        findings=stop.reply.findings,
        next_step=stop.reply.next_step,
        artifacts=_artifacts(done),
        project_dir=project_dir,
        stopped_at=stop.verb,
        **known,
    )


def _finished(
    done: dict[str, Reply],
    *,
    framed: FrameProblemReply,
    trained: TrainReply,
    evaluated: EvaluateReply,
    checked: CheckGuardrailsReply,
    project_dir: str,
) -> RunReply:
    metric = next(iter(evaluated.metrics), None)
    doubt = ""
    if framed.worth_building is False:
        doubt = "Not worth building yet: nothing above the naive baseline was found when the problem was framed. "
    return RunReply(
        status="done",
        summary=f"{doubt}{trained.champion} won. {evaluated.summary} {checked.summary}",
        warnings=_warnings(done),
        questions=framed.questions,
        findings=checked.findings,
        next_step=checked.next_step,
        artifacts=_artifacts(done),
        project_dir=project_dir,
        task_type=framed.task_type,
        primary_metric=framed.primary_metric,
        champion=trained.champion,
        cross_validated=evaluated.cross_validated,
        held_out=evaluated.metrics[metric] if metric else None,
        baseline=evaluated.baseline.get(metric) if metric else None,
        verdict=checked.verdict,
        guardrails=checked.guardrails,
    )


def _warnings(done: dict[str, Reply]) -> list[str]:
    """What the verbs warned of, each thing once, in order."""
    everything = list(dict.fromkeys(text for reply in done.values() for text in reply.warnings))
    more = len(everything) - _MOST_WARNINGS
    return [*everything[:_MOST_WARNINGS], *([f"and {more} more in the replies' records"] if more > 0 else [])]


def _artifacts(done: dict[str, Reply]) -> dict[str, str]:
    """The documents that the verbs wrote; a record or picture is found through them."""
    named = {
        ("frame_problem", None): "problem",
        ("train", "champion"): "champion",
        ("evaluate", "report"): "evaluation",
        ("check_guardrails", "report"): "guardrails",
    }
    found = {}
    for (verb, key), name in named.items():
        artifacts = done[verb].artifacts if verb in done else {}
        path = next(iter(artifacts.values()), None) if key is None else artifacts.get(key)
        if path:
            found[name] = path
    return found
