"""Starting a job, and starting it again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
from pydantic import JsonValue

from ml_engineer.errors import BusyError, InputError, JobLostError
from ml_engineer.installation.extras import require_extra
from ml_engineer.jobs.processes import started_at
from ml_engineer.jobs.store import JobOrder, JobStore, now
from ml_engineer.jobs.warm import VERBS_PACKAGE, Child, WarmChild
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.verbs import Verb

__all__ = ["resume_job", "start_job"]

_RESUMABLE = frozenset({"lost", "cancelled", "failed"})
_LOOK_BACK_JOBS = 50
_BY_WHOM = "executor"


def start_job(
    store: JobStore,
    verb: Verb,
    *,
    request: Record,
    folder: Path,
    warm: WarmChild | None = None,
    package: str = VERBS_PACKAGE,
) -> Job:
    """Start `verb` in a detached child and return at once.

    The same request on the same project continues the last job if that one was lost: its journal
    holds what was finished, so at most the work in flight is done again.

    Parameters
    ----------
    store : JobStore
        Where jobs are kept.
    verb : Verb
        What to do.
    request : Record
        What was asked; paths are absolute.
    folder : pathlib.Path
        Working directory of the child.
    warm : WarmChild, optional
        Where a child with its imports done may be waiting.
    package : str
        Package with a module of the verb's name; tests pass their own.

    Returns
    -------
    Job
        Its state, usually 'starting'.

    Raises
    ------
    MissingExtraError
        If a part of the installation is missing that the verb, or an argument, needs.
    """
    for extra in (verb.extra, *_more_extras(request)):
        require_extra(extra)
    order = JobOrder(verb=verb.name, package=package, request=request.model_dump(mode="json"), folder=str(folder))
    lost = _lost_before(store, order)
    if lost is not None:
        return resume_job(store, lost.job_id, warm=warm, order=order)
    job_id = store.create(order)
    try:
        return _launch(store, job_id, previous=None, warm=warm)
    except BaseException:
        shutil.rmtree(store.folder(job_id), ignore_errors=True)
        raise


def resume_job(store: JobStore, job_id: str, *, warm: WarmChild | None = None, order: JobOrder | None = None) -> Job:
    """Hand a lost, cancelled or failed job's journal to a new child, with what was asked before or with `order`.

    Raises
    ------
    InputError
        If there is no such job, or it ended in another way.
    BusyError
        If it still runs, or is being resumed by somebody else.
    """
    # Loaded when it is needed, which is seldom: the server's first answer does not wait for it.
    from filelock import FileLock, Timeout

    store.read(job_id)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(store.lock(job_id), timeout=0))
        except Timeout:
            raise BusyError(f"Job {job_id} is being started by another client", remedy="Ask for its status") from None
        job = store.load(job_id)
        if job.state in ("starting", "running"):
            raise BusyError(f"Job {job_id} is still running", found=job.message, remedy="Wait for it, or cancel it")
        if job.state not in _RESUMABLE:
            raise InputError(
                f"Job {job_id} cannot be resumed", found=f"it ended as {job.state!r}", remedy="Call its verb again"
            )
        for name in ("reply.json", "refusal.json", "cancel", "stop"):
            (store.folder(job_id) / name).unlink(missing_ok=True)
        if order is not None:
            store.write_order(job_id, order)
        return _launch(store, job_id, previous=job, warm=warm)


def _lost_before(store: JobStore, order: JobOrder) -> Job | None:
    """The last job of this verb on this project, if it was lost and was asked the very same."""
    project_dir = order.request.get("project_dir", "")
    for job in store.recent(_LOOK_BACK_JOBS):
        if job.verb == order.verb and job.project_dir == project_dir:
            asked = store.order(job.job_id)
            same = (asked.package, _what(asked)) == (order.package, _what(order))
            return job if job.state == "lost" and same else None
    return None


def _what(order: JobOrder) -> dict[str, JsonValue]:
    """What was asked for, without who is to do it: finished work counts whoever did it."""
    return {name: value for name, value in order.request.items() if name != _BY_WHOM}


def _more_extras(request: Record) -> Iterator[str]:
    if getattr(request, _BY_WHOM, None) is not None:
        yield "dask"
    if getattr(request, "text_model", None) is not None:
        yield "text"
    if getattr(request, "foundation_model", None) is not None:
        yield "foundation"


def _launch(store: JobStore, job_id: str, *, previous: Job | None, warm: WarmChild | None) -> Job:
    """Find a child, write down who it is, and only then tell it its job."""
    waiting = warm.take() if warm is not None else None
    for child in (waiting, None):
        job = _assign(store, job_id, previous=previous, child=child or Child())
        if job is not None:
            return job
    raise JobLostError(
        f"The process of job {job_id} ended before it could begin",
        remedy="Run `ml-engineer doctor`, which starts the same interpreter and says what is wrong with it",
    )


def _assign(store: JobStore, job_id: str, *, previous: Job | None, child: Child) -> Job | None:
    """The job as given to `child`, or none if the child is gone."""
    try:
        process_started = started_at(child.pid)
    except psutil.NoSuchProcess:
        child.dismiss()
        return None
    order = store.order(job_id)
    attempts = 1 if previous is None else previous.attempts + 1
    moment = now()
    job = Job(
        job_id=job_id,
        verb=order.verb,
        project_dir=str(order.request.get("project_dir") or ""),
        state="starting",
        message="starting" if attempts == 1 else f"starting again, attempt {attempts}",
        created_at=moment if previous is None else previous.created_at,
        updated_at=moment,
        pid=child.pid,
        process_started=process_started,
        attempts=attempts,
        log_path=str(store.log(job_id)),
    )
    store.save(job)
    return job if child.assign(store.folder(job_id)) else None
