"""The folder of each job, and nothing else: what was asked, where it stands, what came of it.

::

    jobs/<job_id>/
    ├── request.json    what was asked (`JobOrder`)
    ├── state.json      where it stands (`Job`), replaced atomically
    ├── reply.json      the verb's reply, once there is one
    ├── refusal.json    the error that ended it (`Refusal`), if one did
    ├── cancel          there if somebody asked it to end
    ├── stop            there if somebody asked it to end with the best so far
    ├── log.txt         everything the child printed
    └── journal/        the verb's finished pieces of work, handed on when the job is resumed
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
from pydantic import Field, JsonValue, ValidationError

from ml_engineer.errors import InputError, ProjectStateError
from ml_engineer.jobs.processes import is_alive
from ml_engineer.project.files import write_text
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job
from ml_engineer.vocabulary.records import Record

__all__ = ["JobOrder", "JobStore", "Refusal", "default_store", "now"]

_JOB_ID = re.compile(r"job_\d{8}_\d{6}_[0-9a-f]{6}")


class JobOrder(Record):
    """What a child needs to know to do a job."""

    verb: str = Field(description="Name of the verb.")
    package: str = Field(description="Package whose module of that name holds the verb.")
    request: dict[str, JsonValue] = Field(description="The verb's request.")
    folder: str = Field(description="Working directory of the child: what a relative name in the request refers to.")


class Refusal(Record):
    """The error that ended a job."""

    kind: str = Field(description="Name of the error's class.")
    problem: str = Field(description="What is wrong.")
    found: str = Field(default="", description="What was found.")
    remedy: str = Field(default="", description="What to do next.")


def now() -> str:
    """The present moment, ISO 8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def default_store() -> JobStore:
    """The jobs of this user."""
    return JobStore(platformdirs.user_state_path("ml-engineer", appauthor=False) / "jobs")


@dataclass(frozen=True)
class JobStore:
    """All jobs below one folder.

    Parameters
    ----------
    root : pathlib.Path
        Folder with one folder per job.
    """

    root: Path

    def folder(self, job_id: str) -> Path:
        """Folder of a job.

        Raises
        ------
        InputError
            If `job_id` is not the name of a job at all (so no path can be smuggled in).
        """
        if not _JOB_ID.fullmatch(job_id):
            raise InputError(
                "That is not a job id",
                found=repr(job_id[:60]),
                remedy="Pass an id as it was returned, or list the jobs: job_status without an id, `ml-engineer jobs`",
            )
        return self.root / job_id

    def log(self, job_id: str) -> Path:
        """File with everything the child printed."""
        return self.folder(job_id) / "log.txt"

    def journal(self, job_id: str) -> Path:
        """Folder of finished pieces of work."""
        return self.folder(job_id) / "journal"

    def lock(self, job_id: str) -> Path:
        """File whose lock is held while the job is started, resumed or removed."""
        return self.folder(job_id) / ".lock"

    def project_lock(self, digest: str) -> Path:
        """File whose lock the project's one writer holds."""
        return self.root / "locks" / f"{digest}.lock"

    def cancel_mark(self, job_id: str) -> Path:
        """File that is there once somebody asked the job to end."""
        return self.folder(job_id) / "cancel"

    def stop_mark(self, job_id: str) -> Path:
        """File that is there once somebody asked the job to end with the best so far."""
        return self.folder(job_id) / "stop"

    def create(self, order: JobOrder) -> str:
        """Make the folder of a new job and write down what was asked; the name sorts by time."""
        job_id = f"job_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
        self.write_order(job_id, order)
        # A request may hold a database's password.
        self.folder(job_id).chmod(0o700)
        self.journal(job_id).mkdir()
        return job_id

    def write_order(self, job_id: str, order: JobOrder) -> None:
        """Write down what is asked."""
        write_text(self.folder(job_id) / "request.json", order.model_dump_json(indent=2) + "\n")

    def order(self, job_id: str) -> JobOrder:
        """What was asked."""
        return JobOrder.model_validate_json((self.folder(job_id) / "request.json").read_text(encoding="utf-8"))

    def save(self, job: Job) -> None:
        """Replace the job's state."""
        write_text(self.folder(job.job_id) / "state.json", job.model_dump_json() + "\n")

    def read(self, job_id: str) -> Job:
        """The state as it is written, whether or not the process is still there.

        Raises
        ------
        InputError
            If there is no such job.
        ProjectStateError
            If its state file was damaged.
        """
        path = self.folder(job_id) / "state.json"
        try:
            return Job.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(
                f"There is no job {job_id}",
                remedy="List the jobs (job_status without an id, `ml-engineer jobs`) and pass one of them",
            ) from None
        except ValidationError as error:
            raise ProjectStateError(
                f"{path} is damaged",
                found=str(error.errors()[0]["msg"]),
                remedy=f"Remove the folder {path.parent} and call the verb again",
            ) from error

    def load(self, job_id: str) -> Job:
        """Where the job stands now; one whose process died without a word is noted as lost."""
        job = self.read(job_id)
        if job.state in TERMINAL_STATES or is_alive(job.pid, job.process_started):
            return job
        # It may have written its last word between our reading and our looking for the process.
        job = self.read(job_id)
        if job.state in TERMINAL_STATES or is_alive(job.pid, job.process_started):
            return job
        lost = job.model_copy(
            update={
                "state": "lost",
                "message": f"its process died without a word (last seen: {job.message or 'starting'})",
                "updated_at": now(),
            }
        )
        self.save(lost)
        return lost

    def recent(self, limit: int) -> list[Job]:
        """The newest jobs, whoever started them, newest first; damaged ones are passed over."""
        names = sorted((path.name for path in self.root.glob("job_*")), reverse=True)
        jobs: list[Job] = []
        for name in names:
            if len(jobs) == limit:
                break
            with suppress(InputError, ProjectStateError):
                jobs.append(self.load(name))
        return jobs
