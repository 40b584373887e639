"""What only a person may allow, and how they are asked through a client that can ask."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit
from pydantic import BaseModel, Field

from ml_engineer.doors.desk import Desk
from ml_engineer.doors.signatures import set_signature
from ml_engineer.errors import InputError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import read_passport
from ml_engineer.project.workspace import READ_FIELDS, VARIABLE, outside_reads, resolve_project
from ml_engineer.vocabulary.verbs import Verb

__all__ = ["Consent", "Question", "question_for"]

_SHOWN_CHARACTERS = 300
_PRIMARY = re.compile(r"held_out\.metrics\.\w+\.model")
"""The first such number is that of the primary metric."""


class Consent(BaseModel):
    """A person's yes or no."""

    allow: bool = Field(title="Allow", description="Yes, I allow it.")


@dataclass(frozen=True)
class Question:
    """Something to ask before a verb runs.

    Parameters
    ----------
    ask : callable
        Resolver for the SDK: gives the question, a consent that needs no asking, or none if the client cannot ask.
    require : callable
        ``require(arguments, answer)`` raises `InputError` unless the answer allows it.
    """

    ask: Callable[..., Any]
    require: Callable[[Mapping[str, Any], Any], None]


def question_for(desk: Desk, verb: Verb, granted: set[str]) -> Question | None:
    """What to ask before `verb`, if anything.

    Parameters
    ----------
    desk : Desk
        Knows the workspace.
    verb : Verb
        What is about to run.
    granted : set of str
        Paths and addresses that were allowed before, added to here: a person is asked once.
    """
    if verb.name == "waive_finding":
        return _waiver_question(desk, verb)
    if verb.name == "promote":
        return _promotion_question(desk, verb)
    fields = verb.request.model_fields
    matters = [_reading(desk, granted)] if any(name in fields for name in READ_FIELDS) else []
    matters += [_sending(granted)] if "executor" in fields else []
    return _permission(verb, matters) if matters else None


@dataclass(frozen=True)
class _Matter:
    """Something that arguments may ask for and a person must allow.

    Parameters
    ----------
    question : callable
        Of the arguments: what to ask; empty if they ask for nothing that was not allowed before.
    refusal : callable
        Of the arguments: the error where it is not allowed.
    grant : callable
        Notes of the arguments what was allowed.
    """

    question: Callable[[Mapping[str, Any]], str]
    refusal: Callable[[Mapping[str, Any]], InputError]
    grant: Callable[[Mapping[str, Any]], None]


def _permission(verb: Verb, matters: Sequence[_Matter]) -> Question:
    """All that one call needs a person's word for, asked in one question."""

    def ask(ctx: Context[Any, Any], **arguments: Any) -> Consent | Elicit[Consent] | None:
        texts = [text for matter in matters if (text := matter.question(arguments))]
        if not texts:
            return Consent(allow=True)
        return Elicit("\n".join(texts), Consent) if _can_be_asked(ctx) else None

    def require(arguments: Mapping[str, Any], answer: Any) -> None:
        wanted = [matter for matter in matters if matter.question(arguments)]
        if wanted and not _allows(answer):
            raise wanted[0].refusal(arguments)
        for matter in wanted:
            matter.grant(arguments)

    return Question(_resolver(ask, verb), require)


def _sending(granted: set[str]) -> _Matter:
    """Rows that leave this machine, and what comes back from elsewhere."""

    def question(arguments: Mapping[str, Any]) -> str:
        address = arguments.get("executor")
        if _stays_here(address) or address in granted:
            return ""
        return (
            f"May ml-engineer send this project's development rows to the Dask cluster at {_quoted(str(address))}, and "
            "trust what it sends back?"
        )

    def refusal(arguments: Mapping[str, Any]) -> InputError:
        address = str(arguments.get("executor"))
        return InputError(
            f"Sending rows to {_quoted(address)} was not allowed",
            found="it is not this machine",
            remedy="Leave `executor` out, or let the person run the command line: "
            f"`{shlex.join(['ml-engineer', 'train', '--executor', address])}`",
        )

    return _Matter(question, refusal, lambda arguments: granted.add(str(arguments.get("executor"))))


def _stays_here(address: object) -> bool:
    """Whether an address is none, or one of this machine's own."""
    host = "" if address is None else urlsplit(str(address)).hostname
    return host in {"", "localhost", "127.0.0.1", "::1"}


def _reading(desk: Desk, granted: set[str]) -> _Matter:
    """Files and folders outside of the workspace."""

    def wanted(arguments: Mapping[str, Any]) -> list[str]:
        workspace = desk.for_project(arguments.get("project_dir")).workspace
        return [path for path in outside_reads(arguments, workspace) if path not in granted]

    def question(arguments: Mapping[str, Any]) -> str:
        listed = "\n".join(_quoted(path) for path in wanted(arguments))
        return f"May ml-engineer read this, which lies outside the workspace?\n{listed}" if listed else ""

    def refusal(arguments: Mapping[str, Any]) -> InputError:
        workspace = desk.for_project(arguments.get("project_dir")).workspace
        return InputError(
            f"Reading {', '.join(_quoted(path) for path in wanted(arguments))} was not allowed",
            found="it lies outside the workspace"
            + ("" if workspace is None else f" {workspace.root} ({workspace.origin})"),
            remedy=f"Copy the data into the workspace, set {VARIABLE} to a folder that holds it, "
            "or let the person run the command line: `ml-engineer --help`",
        )

    return _Matter(question, refusal, lambda arguments: granted.update(wanted(arguments)))


def _waiver_question(desk: Desk, verb: Verb) -> Question:
    def ask(ctx: Context[Any, Any], **arguments: Any) -> Consent | Elicit[Consent] | None:
        if not _can_be_asked(ctx):
            return None
        columns = arguments.get("columns")
        limited = f" for {', '.join(_quoted(column) for column in columns)}" if columns else ""
        return Elicit(
            f"Override finding {arguments['code']}{limited}? It stays visible in every later report, "
            f"under the name {_quoted(arguments['name'])}, with the reason {_quoted(arguments['reason'])}.",
            Consent,
        )

    def require(arguments: Mapping[str, Any], answer: Any) -> None:
        if _allows(answer):
            return
        command = ["ml-engineer", "waive-finding", arguments["code"]]
        command += ["--reason", arguments["reason"], "--name", arguments["name"]]
        command += [part for column in arguments.get("columns") or () for part in ("--columns", column)]
        raise InputError(
            "Only a person can override a finding, and none confirmed it here",
            remedy=f"Show the finding to the person; if they agree, they run: "
            f"`{shlex.join([*command, '--project-dir', str(_project(desk, arguments))])}`",
        )

    return Question(_resolver(ask, verb), require)


def _promotion_question(desk: Desk, verb: Verb) -> Question:
    def ask(ctx: Context[Any, Any], **arguments: Any) -> Consent | Elicit[Consent] | None:
        if not _can_be_asked(ctx):
            return None
        what = _what_goes_live(desk, arguments)
        return Elicit(
            f"{what} It is written down under the name {_quoted(arguments['approved_by'])}, with the reason "
            f"{_quoted(arguments['reason'])}.",
            Consent,
        )

    def require(arguments: Mapping[str, Any], answer: Any) -> None:
        if _allows(answer):
            return
        command = ["ml-engineer", "promote", "--stage", arguments.get("stage") or "deploy"]
        command += ["--rollback"] if arguments.get("rollback") else []
        command += ["--to", arguments["to"]] if arguments.get("to") else []
        command += ["--project-dir", str(_project(desk, arguments))]
        raise InputError(
            "Only a person can put a model into use, and none confirmed it here",
            remedy="Show the report to the person who decides. If they agree, they run this at a terminal and answer "
            f"its two questions: `{shlex.join(command)}`",
        )

    return Question(_resolver(ask, verb), require)


def _what_goes_live(desk: Desk, arguments: Mapping[str, Any]) -> str:
    """The question in words, with what the passport says of the model."""
    passport = read_passport(ProjectLayout(_project(desk, arguments))).passport
    earlier = arguments.get("to") or ("the champion before it" if arguments.get("rollback") else "")
    if earlier:
        return f"Take the present model out of use, and put {_quoted(earlier)} back?"
    if passport is None or passport.champion is None:
        return "Put the trained model into use? There is no passport that says what it is worth."
    score = next((each for each in passport.numbers if _PRIMARY.fullmatch(each.name)), None)
    told = "it was not evaluated on held-out rows" if score is None else f"{score.name} {score.estimate}"
    gate = "not checked" if passport.gate is None else passport.gate.verdict
    return f"Put {_quoted(passport.champion.run_id)} into use? It says: {told}; guardrails: {gate}."


def _project(desk: Desk, arguments: Mapping[str, Any]) -> Path:
    workspace = desk.for_project(arguments.get("project_dir")).workspace
    return resolve_project(str(arguments.get("project_dir") or "ml"), workspace, limit=None)


def _resolver(ask: Callable[..., Any], verb: Verb) -> Callable[..., Any]:
    """Let `ask` see all arguments of the verb by name, as the SDK hands them to resolvers."""
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context[Any, Any])
    names = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Any) for name in verb.request.model_fields
    ]
    returns = Consent | Elicit[Consent] | None
    set_signature(ask, [context, *names], returns=returns, name=f"consent_to_{verb.name}", doc="Ask the person.")
    return ask


def _can_be_asked(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _allows(answer: Any) -> bool:
    match answer:
        case AcceptedElicitation(data=Consent(allow=True)):
            return True
        case _:
            return False


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")
