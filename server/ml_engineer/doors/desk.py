"""What the three doors share: arguments become a checked request with absolute paths, and then a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from ml_engineer.doors.argument_faults import refused_arguments
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.outcome import raise_or_reply, running_reply
from ml_engineer.jobs.starting import start_job
from ml_engineer.jobs.store import JobStore, default_store
from ml_engineer.jobs.waiting import wait_for_job
from ml_engineer.jobs.warm import VERBS_PACKAGE, WarmChild
from ml_engineer.project.workspace import VARIABLE, Workspace, find_workspace, place_request, workspace_of_project
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job
from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.replies import Reply
from ml_engineer.vocabulary.verbs import VERBS, Verb

__all__ = ["Desk", "assistant_desk", "person_desk", "read_request"]


@dataclass(frozen=True)
class Desk:
    """Where a door hands in its requests.

    Parameters
    ----------
    workspace : Workspace, optional
        Where relative paths are meant.
    limit : Workspace, optional
        The folder outside which nothing is written; none means anywhere.
    store : JobStore
        Where jobs are kept.
    verbs : mapping
        What can be asked for.
    package : str
        Package that holds the verbs.
    """

    workspace: Workspace | None
    limit: Workspace | None
    store: JobStore = field(default_factory=default_store)
    verbs: Mapping[str, Verb] = field(default_factory=lambda: VERBS)
    package: str = VERBS_PACKAGE

    def for_project(self, project_dir: object) -> Desk:
        """The desk itself, or one around the project if nobody named a workspace (Claude Desktop does not)."""
        if self.workspace is not None:
            return self
        around = workspace_of_project(str(project_dir or ""))
        return self if around is None else replace(self, workspace=around, limit=around)

    def begin(self, verb: Verb, request: Record, *, warm: WarmChild | None = None) -> Job:
        """Start the job for a request.

        Raises
        ------
        MlEngineerError
            If a path is not allowed, or a part of the installation is missing.
        """
        desk = self.for_project(getattr(request, "project_dir", ""))
        placed = place_request(request, desk.workspace, limit=desk.limit)
        folder = self.store.root if desk.workspace is None else desk.workspace.root
        return start_job(self.store, verb, request=placed, folder=folder, warm=warm, package=self.package)

    def finish(self, job: Job) -> Reply:
        """The verb's reply, or who does the work if it is not done yet.

        Raises
        ------
        MlEngineerError
            If the job ended without a reply.
        """
        reply_type = self.verbs[job.verb].reply
        if job.state not in TERMINAL_STATES:
            return running_reply(job, reply_type)
        return raise_or_reply(self.store, job, reply_type)

    def interrupt(self, job: Job) -> Job:
        """End a job as a person wants who interrupts: with the best so far if there is one, at once if they insist."""
        try:
            return cancel_job(self.store, job.job_id, patience_seconds=None)
        except KeyboardInterrupt:
            return cancel_job(self.store, job.job_id)

    def wait(self, job: Job, *, seconds: float | None, on_change: Callable[[Job], None] | None = None) -> Job:
        """Wait for a job, at most `seconds` if given."""
        return wait_for_job(self.store, job.job_id, seconds=seconds, on_change=on_change)


def person_desk(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Desk:
    """The desk for the command line and for Python: a person names what they mean, from where they stand.

    Writing is confined only if ML_ENGINEER_WORKSPACE says so.
    """
    here = folder or Path.cwd()
    limit = find_workspace(environment, here) if environment.get(VARIABLE) else None
    return Desk(Workspace(here, "the current folder"), limit)


def assistant_desk(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Desk:
    """The desk for MCP: relative paths are meant in the workspace, and writing stays inside."""
    workspace = find_workspace(environment, folder or Path.cwd())
    return Desk(workspace, limit=workspace)


def read_request(verb: Verb, arguments: Mapping[str, object]) -> Record:
    """The request, checked.

    Raises
    ------
    InputError
        Naming every argument that is unknown, missing or wrong.
    """
    try:
        return verb.request.model_validate(dict(arguments))
    except ValidationError as error:
        raise refused_arguments(verb.name, error, verb.request.model_fields) from error
