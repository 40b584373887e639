"""The child: waits for one job, does it, writes down what came of it, ends.

Run as ``python -P -m ml_engineer.jobs.child [--preload PACKAGE [VERB]]`` by `warm.Child`, never by a person.
"""

from __future__ import annotations

import faulthandler
import hashlib
import importlib
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from filelock import FileLock, Timeout

from ml_engineer.errors import BusyError, JobCancelledError, MlEngineerError, RefusedError
from ml_engineer.jobs.progress import Progress
from ml_engineer.jobs.store import JobOrder, JobStore, Refusal
from ml_engineer.jobs.warm import VERBS_PACKAGE
from ml_engineer.project.files import write_text
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.jobs import JobState
from ml_engineer.vocabulary.replies import Reply
from ml_engineer.vocabulary.verbs import VERBS, Verb

__all__ = ["main"]

_LOG = logging.getLogger("ml_engineer.jobs")
_LOOK_BACK_JOBS = 50
_HEAVY = ("numpy", "pandas", "pyarrow.parquet", "duckdb", "scipy.stats", "sklearn.linear_model", "sklearn.ensemble")


def main() -> None:
    """Wait at standard input for the folder of a job; an empty input means that nobody wants us any more."""
    assignment: queue.Queue[bytes] = queue.Queue()
    # Reading in a thread, so that preloading ends as soon as there is work, or nobody to work for.
    threading.Thread(target=lambda: assignment.put(sys.stdin.buffer.readline()), daemon=True).start()
    if sys.argv[1:2] == ["--preload"]:
        _preload(*sys.argv[2:4], until=lambda: not assignment.empty())
    line = assignment.get().rstrip(b"\r\n")
    if not line:
        return
    folder = Path(os.fsdecode(line))
    store = JobStore(folder.parent)
    _move_in(store, folder.name)
    _do(store, folder.name)


def _preload(package: str, verb: str | None = None, *, until: Callable[[], bool]) -> None:
    """Import what verbs need. A failure is not told here: it comes again, and is logged, with the job."""
    modules = [f"{package}.{name}" for name in ([verb] if verb else _table(package))]
    if package == VERBS_PACKAGE and not verb:
        # Small steps first: a job that comes early waits for one of them at most.
        modules = [*_HEAVY, *modules]
    for module in modules:
        if until():
            return
        with suppress(Exception):
            importlib.import_module(module)


def _table(package: str) -> Mapping[str, Verb]:
    table: Mapping[str, Verb] = VERBS if package == VERBS_PACKAGE else importlib.import_module(package).VERBS
    return table


def _move_in(store: JobStore, job_id: str) -> None:
    """Standard input empty, output into the log, crashes and signals told there too."""
    with Path(os.devnull).open("rb") as null, store.log(job_id).open("ab") as log:
        for source, standard in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source.fileno(), standard)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(capture=True)
    signal.signal(signal.SIGTERM, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave through every `finally`, so that no half-written file stays behind."""
    raise JobCancelledError("The process was asked to stop")


def _do(store: JobStore, job_id: str) -> None:
    progress = Progress(store, store.read(job_id))
    try:
        order = store.order(job_id)
        with suppress(OSError):
            os.chdir(order.folder)
        state, message = _perform(store, job_id, order, progress)
    except BaseException as error:  # noqa: BLE001 - the last line of defence: whatever it was, it is told
        state, message = _explain(store, job_id, error)
    progress.close(state, message)


def _perform(store: JobStore, job_id: str, order: JobOrder, progress: Progress) -> tuple[JobState, str]:
    """Run the verb and store its reply; refusals are replies too."""
    verb = _table(order.package)[order.verb]
    request = verb.request.model_validate(order.request)
    project_dir = str(getattr(request, "project_dir", ""))
    about = {"job_id": job_id, "project_dir": project_dir or None}
    refusal: MlEngineerError | None = None
    try:
        # The lock is let go before the last word is written: who reads 'done' may start the next job.
        with _only_writer(store, job_id, project_dir if verb.writes_project else ""):
            progress.report("loading", None)
            function: Callable[..., Reply] = getattr(importlib.import_module(f"{order.package}.{verb.name}"), verb.name)
            context = WorkContext(
                job_id=job_id,
                journal_dir=store.journal(job_id),
                report=progress.report,
                keep_best=progress.keep_best,
                asked_to_stop=progress.asked_to_stop,
            )
            reply = function(request, context)
    except JobCancelledError:
        raise
    except MlEngineerError as error:
        refusal = error
        reply = verb.reply(status="refused", summary=_sentences(error), next_step=error.remedy)
        if isinstance(error, RefusedError):
            reply = reply.model_copy(update={"findings": list(error.findings)})
    text = reply.model_copy(update=about).model_dump_json()
    verb.reply.model_validate_json(text)  # what cannot be read back must fail here, where the log tells why
    write_text(store.folder(job_id) / "reply.json", text + "\n")
    if refusal is not None and not isinstance(refusal, RefusedError):
        _write_refusal(store, job_id, refusal)
    return ("refused" if reply.status == "refused" else "done"), reply.summary


def _sentences(error: MlEngineerError) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in (error.problem, error.found) if part)


def _write_refusal(store: JobStore, job_id: str, error: MlEngineerError) -> None:
    refusal = Refusal(kind=type(error).__name__, problem=error.problem, found=error.found, remedy=error.remedy)
    write_text(store.folder(job_id) / "refusal.json", refusal.model_dump_json() + "\n")


@contextmanager
def _only_writer(store: JobStore, job_id: str, project_dir: str) -> Iterator[None]:
    """Be the only job that writes `project_dir`; the lock dies with this process, however it dies.

    Raises
    ------
    BusyError
        If another job holds it, naming that job.
    """
    if not project_dir:
        yield
        return
    digest = hashlib.sha256(os.fsencode(os.path.realpath(project_dir))).hexdigest()[:16]
    path = store.project_lock(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(store, job_id, project_dir) from None
    try:
        yield
    finally:
        lock.release()


def _busy(store: JobStore, job_id: str, project_dir: str) -> BusyError:
    others = (
        job
        for job in store.recent(_LOOK_BACK_JOBS)
        if job.job_id != job_id and job.state == "running" and job.project_dir == project_dir
    )
    holder = next(others, None)
    if holder is None:
        return BusyError(
            f"Another process is writing {project_dir}", remedy="List the jobs (job_status, `ml-engineer jobs`)"
        )
    return BusyError(
        f"Job {holder.job_id} ({holder.verb}) is writing {project_dir}",
        found=holder.message,
        remedy=f"Wait for it with job_status (job_id {holder.job_id!r}, `ml-engineer jobs show {holder.job_id}`), or stop it with cancel_job",
    )


def _explain(store: JobStore, job_id: str, error: BaseException) -> tuple[JobState, str]:
    """State and message for what ended the job before it could reply."""
    if store.cancel_mark(job_id).exists():
        return "cancelled", "cancelled"
    if isinstance(error, JobCancelledError):
        return "lost", "its process was asked to stop by somebody else (the machine shutting down?)"
    _LOG.error("the job ended with an unexpected error", exc_info=error)
    if isinstance(error, MemoryError):
        return "failed", f"ran out of memory; see {store.log(job_id)}"
    return "failed", f"internal error, see {store.log(job_id)}"


if __name__ == "__main__":
    main()
