"""What came of a job, as its verb's reply or as the error that a caller can act on."""

from __future__ import annotations

from pydantic import JsonValue, TypeAdapter

from ml_engineer import errors
from ml_engineer.errors import JobCancelledError, JobFailedError, JobLostError, MlEngineerError
from ml_engineer.jobs.store import JobStore, Refusal
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.replies import JobsReply, Reply

__all__ = ["describe_job", "list_jobs", "raise_or_reply", "running_reply"]


def raise_or_reply(store: JobStore, job: Job, reply_type: type[Reply]) -> Reply:
    """The reply of a job that has ended.

    A guardrail's refusal is a reply; everything else that kept the verb from its work is raised.

    Raises
    ------
    MlEngineerError
        As the verb raised it; `JobCancelledError`, `JobLostError` or `JobFailedError` if it could not.
    """
    refusal = _refusal(store, job)
    if refusal is not None:
        raise refusal
    return reply_type.model_validate_json((store.folder(job.job_id) / "reply.json").read_text(encoding="utf-8"))


def _refusal(store: JobStore, job: Job) -> MlEngineerError | None:
    again = f"Call {job.verb} again with the same arguments: it goes on where it stopped"
    if job.state == "cancelled":
        return JobCancelledError(
            f"Job {job.job_id} ({job.verb}) was cancelled",
            remedy=f"`ml-engineer jobs resume {job.job_id}` goes on where it stopped; calling {job.verb} starts anew",
        )
    if job.state == "lost":
        return JobLostError(f"Job {job.job_id} ({job.verb}) was lost", found=job.message, remedy=again)
    if job.state == "failed":
        return JobFailedError(
            f"Job {job.job_id} ({job.verb}) failed: {job.message}",
            remedy=f"Please report it with {job.log_path}; `ml-engineer jobs resume {job.job_id}` tries again",
        )
    path = store.folder(job.job_id) / "refusal.json"
    if not path.exists():
        return None
    refusal = Refusal.model_validate_json(path.read_text(encoding="utf-8"))
    kind = getattr(errors, refusal.kind, MlEngineerError)
    if not (isinstance(kind, type) and issubclass(kind, MlEngineerError)):
        kind = MlEngineerError
    return kind(refusal.problem, found=refusal.found, remedy=refusal.remedy)


def running_reply(job: Job, reply_type: type[Reply]) -> Reply:
    """The reply to somebody who does not wait any longer."""
    return reply_type(
        status="running",
        summary=f"{job.verb} is at work: {job.message}." + _percent(job),
        next_step=f"Call job_status with job_id {job.job_id!r}; it waits for the job and then gives this verb's reply.",
        job_id=job.job_id,
        project_dir=job.project_dir or None,
    )


def _percent(job: Job) -> str:
    return "" if job.fraction_done is None else f" {job.fraction_done:.0%} done."


def describe_job(store: JobStore, job: Job) -> JobsReply:
    """One job in full: its verb's reply if it has ended, what it is doing otherwise."""
    about: dict[str, object] = {"jobs": [job], "job_id": job.job_id, "project_dir": job.project_dir or None}
    if job.state in ("starting", "running"):
        return _as_jobs_reply(running_reply(job, Reply), about)
    refusal = _refusal(store, job)
    if refusal is not None:
        sentences = " ".join(f"{part.rstrip('.')}." for part in (refusal.problem, refusal.found) if part)
        return _as_jobs_reply(Reply(status="refused", summary=sentences, next_step=refusal.remedy), about)
    values = _stored_reply(store, job)
    common = {name: values.pop(name) for name in Reply.model_fields if name in values}
    return JobsReply.model_validate({**common, **about, "result": values or None})


def _stored_reply(store: JobStore, job: Job) -> dict[str, JsonValue]:
    text = (store.folder(job.job_id) / "reply.json").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, JsonValue]).validate_json(text)


def _as_jobs_reply(reply: Reply, about: dict[str, object]) -> JobsReply:
    return JobsReply.model_validate({**reply.model_dump(), **about})


def list_jobs(store: JobStore, *, limit: int = 10) -> JobsReply:
    """The newest jobs of this user, whichever client started them."""
    jobs = store.recent(limit)
    running = sum(job.state in ("starting", "running") for job in jobs)
    summary = f"{len(jobs)} recent job{'s' * (len(jobs) != 1)}, {running} at work." if jobs else "No jobs yet."
    return JobsReply(status="done", summary=summary, jobs=jobs)
