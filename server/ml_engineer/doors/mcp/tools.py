"""Verbs as tools: strict arguments, one flat reply, errors that tell the remedy."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ConfigDict, Field, ValidationError

from ml_engineer.doors.argument_faults import refused_arguments
from ml_engineer.doors.desk import Desk, read_request
from ml_engineer.doors.mcp.consent import Consent, question_for
from ml_engineer.doors.signatures import request_parameters, set_signature
from ml_engineer.errors import MlEngineerError
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.outcome import describe_job, list_jobs
from ml_engineer.jobs.waiting import POLL_SECONDS, JobWatch
from ml_engineer.jobs.warm import WarmChild
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job
from ml_engineer.vocabulary.replies import JobsReply, Reply
from ml_engineer.vocabulary.verbs import Verb

__all__ = ["cancel_tool", "status_tool", "verb_tool"]

_SHORT_VERBS = frozenset({"waive_finding"})
"""Verbs whose work is over before a wait could be worth a choice."""

_WAIT_SECONDS = Annotated[
    float,
    Field(ge=0, le=50, description="How long to wait for the work, in seconds; afterwards it goes on as a job."),
]
_DEFAULT_WAIT_SECONDS = 45.0

_ANNOTATIONS: dict[str, ToolAnnotations] = {
    name: ToolAnnotations(
        read_only_hint=reads, destructive_hint=destroys, idempotent_hint=repeatable, open_world_hint=False
    )
    for name, reads, destroys, repeatable in (
        ("frame_problem", False, False, True),
        ("scaffold_project", False, False, True),
        ("train", False, False, False),
        ("evaluate", False, False, True),
        ("check_guardrails", False, False, True),
        ("verify", False, False, True),
        ("replay", False, False, True),
        ("export", False, True, True),  # it replaces an output file of the same name
        ("promote", False, True, True),
        ("predict", False, True, True),  # it replaces an output file of the same name
        ("waive_finding", False, False, False),
        ("job_status", True, False, True),
        ("cancel_job", False, True, True),
    )
}
_UNKNOWN_VERB = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


def verb_tool(desk: Desk, warm: WarmChild, verb: Verb, granted: set[str]) -> Tool:
    """The tool of one verb.

    Parameters
    ----------
    desk : Desk
        Where requests are handed in.
    warm : WarmChild
        Kept ready after each finished job, so that the next one starts with its imports done.
    verb : Verb
        What the tool does.
    granted : set of str
        Paths outside the workspace that a person allowed to be read.
    """
    question = question_for(desk, verb, granted)

    async def handler(ctx: Context[None, Any], **arguments: Any) -> Reply:
        wait_seconds = arguments.pop("wait_seconds", _DEFAULT_WAIT_SECONDS)
        answer = arguments.pop("consent", None)
        with _told(desk):
            request = read_request(verb, arguments)
            if question is not None:
                question.require(arguments, answer)
            job = await anyio.to_thread.run_sync(lambda: desk.begin(verb, request, warm=warm))
            # A cancelled or timed-out call leaves here; the job goes on.
            job = await _follow(ctx, desk, job, wait_seconds)
            if job.state in TERMINAL_STATES:
                await anyio.to_thread.run_sync(warm.prepare)
            return desk.finish(job)

    parameters = [_context_parameter(), *request_parameters(verb.request)]
    if verb.name not in _SHORT_VERBS:
        parameters.append(_keyword("wait_seconds", _WAIT_SECONDS, default=_DEFAULT_WAIT_SECONDS))
    if question is not None:
        parameters.append(_keyword("consent", Annotated[ElicitationResult[Consent], Resolve(question.ask)]))
    return _strict_tool(
        handler, parameters, name=verb.name, title=verb.title, doc=inspect.getdoc(verb.request) or "", reply=verb.reply
    )


@contextmanager
def _told(desk: Desk) -> Iterator[None]:
    """Errors as the model should read them: ours with their remedy, a defect with the log that tells more."""
    try:
        yield
    except MlEngineerError as error:
        raise ToolError(str(error)) from error
    except Exception as error:
        log = desk.store.root.parent / "server.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            traceback.print_exception(error, file=stream)
        raise ToolError(f"internal error, see {log}") from error


async def _follow(ctx: Context[None, Any], desk: Desk, job: Job, wait_seconds: float) -> Job:
    """Wait for a job, at most `wait_seconds`, and tell the client each change."""
    watch = JobWatch(desk.store, job.job_id)
    deadline = anyio.current_time() + wait_seconds
    told = 0.0
    while True:
        job, changed = watch.look()
        if changed:
            # The protocol wants each number larger than the last, also while the fraction is unknown.
            told = max(job.fraction_done or 0.0, told + 1e-6)
            await ctx.report_progress(told, 1.0, job.message)
        if job.state in TERMINAL_STATES or anyio.current_time() >= deadline:
            return job
        await anyio.sleep(POLL_SECONDS)


def status_tool(desk: Desk) -> Tool:
    """The tool that looks after jobs, those of other clients too."""

    async def handler(ctx: Context[None, Any], *, job_id: str | None, limit: int, wait_seconds: float) -> JobsReply:
        with _told(desk):
            if job_id is None:
                return list_jobs(desk.store, limit=limit)
            job = await _follow(ctx, desk, desk.store.load(job_id), wait_seconds)
            return describe_job(desk.store, job)

    job_id = Annotated[str | None, Field(description="The job; without it, recent jobs of all clients are listed.")]
    limit = Annotated[int, Field(ge=1, le=100, description="How many jobs to list at most.")]
    parameters = [
        _context_parameter(),
        _keyword("job_id", job_id, default=None),
        _keyword("limit", limit, default=10),
        _keyword("wait_seconds", _WAIT_SECONDS, default=_DEFAULT_WAIT_SECONDS),
    ]
    doc = "Where a job stands: waits for it, and gives its verb's reply once it has ended. Lists recent jobs without a job_id."
    return _strict_tool(handler, parameters, name="job_status", title="Look after a job", doc=doc, reply=JobsReply)


def cancel_tool(desk: Desk) -> Tool:
    """The only tool that stops a job."""

    async def handler(*, job_id: str) -> JobsReply:
        with _told(desk):
            job = await anyio.to_thread.run_sync(lambda: cancel_job(desk.store, job_id))
            return describe_job(desk.store, job)

    parameters = [_keyword("job_id", Annotated[str, Field(description="The job to stop.")])]
    doc = (
        "Stop a job with everything it started. A training that has a finished candidate ends with the best so far; called "
        "again before that, it ends at once, and what it finished is kept, so it can be resumed. An ended job stays as it is."
    )
    return _strict_tool(handler, parameters, name="cancel_job", title="Cancel a job", doc=doc, reply=JobsReply)


def _context_parameter() -> inspect.Parameter:
    return inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context[None, Any])


def _keyword(name: str, annotation: Any, *, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


class _StrictTool(Tool):
    """A tool that says in our words what is wrong with its arguments, before the SDK does in pydantic's."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Check the arguments, then run as the SDK does."""
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            refused = refused_arguments(self.name, error, self.fn_metadata.arg_model.model_fields)
            raise ToolError(str(refused)) from error
        return await super().run(arguments, context, convert_result)


def _strict_tool(
    handler: Callable[..., Any], parameters: list[inspect.Parameter], *, name: str, title: str, doc: str, reply: type
) -> Tool:
    """A tool that refuses unknown arguments, which the SDK would drop without a word."""
    set_signature(handler, parameters, returns=reply, name=name, doc=doc)
    tool = _StrictTool.from_function(
        handler, title=title, annotations=_ANNOTATIONS.get(name, _UNKNOWN_VERB), structured_output=True
    )
    strict = _strict_model(tool.fn_metadata.arg_model)
    tool.fn_metadata.arg_model = strict
    tool.parameters = strict.model_json_schema(by_alias=True)
    return tool


def _strict_model(model: type[Any]) -> type[Any]:
    class Strict(model):  # type: ignore[misc]  # the SDK makes this class at run time
        model_config = ConfigDict(extra="forbid", title=model.__name__)

    return Strict
