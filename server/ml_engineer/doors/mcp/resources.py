"""The project's documents and records as resources, and two prompts to begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources import ResourceSecurity

from ml_engineer.doors.desk import Desk
from ml_engineer.errors import MlEngineerError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.workspace import resolve_project

__all__ = ["DOCUMENTS", "Document", "add_prompts", "add_resources"]

_Read = Callable[[str], str]


@dataclass(frozen=True)
class Document:
    """One resource.

    Parameters
    ----------
    name : str
        Last part of its address.
    title : str
        For people.
    mime_type : str
        Of its content.
    path : callable
        The file, given the project's layout.
    made_by : str
        The verb that writes it.
    """

    name: str
    title: str
    mime_type: str
    path: Callable[[ProjectLayout], Path]
    made_by: str


def _record(kind: str) -> Callable[[ProjectLayout], Path]:
    return lambda layout: layout.records / f"{kind}.json"


DOCUMENTS: tuple[Document, ...] = (
    Document("problem", "The problem for people", "text/markdown", lambda x: x.problem_md, "frame_problem"),
    Document("problem.yaml", "The problem for machines", "application/yaml", lambda x: x.problem_yaml, "frame_problem"),
    Document("profile", "What the columns look like", "application/json", _record("profile"), "frame_problem"),
    Document("split", "How the rows were dealt", "application/json", _record("split"), "frame_problem"),
    Document("training", "The last training run", "application/json", _record("training"), "train"),
    Document("evaluation", "The last evaluation", "application/json", _record("evaluation"), "evaluate"),
    Document("guardrails", "The last guardrail report", "application/json", _record("guardrails"), "check_guardrails"),
    Document("waivers", "What persons waived, and why", "application/json", _record("waivers"), "waive_finding"),
    Document("ledger", "Every look at the held-out rows", "application/jsonl", lambda x: x.ledger, "frame_problem"),
    Document("ideas", "Feature ideas and their verdicts", "application/jsonl", lambda x: x.ideas, "train with trial"),
    Document("passport", "What is claimed, and what proves it", "application/json", lambda x: x.passport, "train"),
    Document(
        "ideas.md", "Feature ideas for people", "text/markdown", lambda x: x.reports / "ideas.md", "train with trial"
    ),
    Document("evaluation.html", "The evaluation page", "text/html", lambda x: x.evaluation_html, "evaluate"),
    Document(
        "guardrails.md",
        "The guardrails for people",
        "text/markdown",
        lambda x: x.reports / "guardrails.md",
        "check_guardrails",
    ),
)


def add_resources(server: MCPServer[None], desk: Desk) -> None:
    """Register each document of the default project, and of any project as ``…{?project}``."""
    for document in DOCUMENTS:
        _add(
            server,
            document.name,
            _reader(desk, document),
            title=document.title,
            mime_type=document.mime_type,
            description=f"{document.title}; written by {document.made_by}.",
        )
    description = "Absolute paths of the reports and plots that were written."
    _add(
        server,
        "reports",
        _reports_lister(desk),
        title="Reports",
        mime_type="application/json",
        description=description,
    )


def _add(server: MCPServer[None], name: str, read: _Read, *, title: str, mime_type: str, description: str) -> None:
    def read_default() -> str:
        return read("ml")

    def read_project(project: str = "ml") -> str:
        return read(project)

    address = f"ml-engineer://{name}"
    about: dict[str, Any] = {"title": title, "mime_type": mime_type, "description": description}
    server.resource(address, name=name, **about)(read_default)
    # A project may be named by its absolute path; we hold it against the workspace ourselves.
    security = ResourceSecurity(exempt_params={"project"})
    server.resource(address + "{?project}", name=f"{name} of a project", security=security, **about)(read_project)


def _layout(desk: Desk, project: str) -> ProjectLayout:
    around = desk.for_project(project)
    try:
        return ProjectLayout(resolve_project(project, around.workspace, limit=around.limit))
    except MlEngineerError as error:
        raise ResourceNotFoundError(str(error)) from error


def _reader(desk: Desk, document: Document) -> _Read:
    def read(project: str) -> str:
        path = document.path(_layout(desk, project))
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ResourceNotFoundError(f"There is no {path} yet; {document.made_by} writes it.") from error

    return read


def _reports_lister(desk: Desk) -> _Read:
    def read(project: str) -> str:
        files = sorted(str(path) for path in _layout(desk, project).reports.rglob("*") if path.is_file())
        return json.dumps(files, indent=2, ensure_ascii=False)

    return read


def add_prompts(server: MCPServer[None]) -> None:
    """Register the prompts that a person can pick in their client."""

    @server.prompt(title="Train a model")
    def train_a_model(data: str, target: str, goal: str = "") -> str:
        """From a table to a model that was evaluated honestly."""
        purpose = f" The purpose: {goal!r}." if goal else ""
        return (
            f"Use the ml-engineer tools to build a model that predicts the column {target!r} of {data!r}.{purpose} "
            "Frame the problem, put its questions to me where only I can answer them, scaffold the project, train, "
            "improve candidates.py and features.py as long as the cross-validated score gains, then evaluate once and "
            "check the guardrails for deployment. Report scores with their intervals beside the baseline."
        )

    @server.prompt(title="Review a model")
    def review_a_model(project_dir: str = "ml") -> str:
        """What a sceptical colleague would ask of a finished project."""
        return (
            f"Review the ML project in {project_dir!r} with the ml-engineer tools: read its problem, split, training, "
            "evaluation and guardrail records (ml-engineer:// resources), check the guardrails for production, and "
            "tell me what could make the reported scores wrong, which findings or waivers matter, and what to do next."
        )
