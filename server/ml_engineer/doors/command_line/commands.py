"""The commands of ``ml-engineer``: the verbs, hyphenated, and what a person needs around them."""

from __future__ import annotations

import inspect
import json
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ml_engineer.doors.command_line.exit_codes import MEANING, ExitCode, code_of_error, code_of_reply
from ml_engineer.doors.command_line.options import option_parameters, to_arguments
from ml_engineer.doors.command_line.stored_records import RECORD_OF_VERB, stored_record
from ml_engineer.doors.desk import Desk, person_desk, read_request
from ml_engineer.doors.signatures import set_signature
from ml_engineer.errors import JobCancelledError, MlEngineerError
from ml_engineer.jobs.disk import find_disk_use, free_disk
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.jobs.outcome import describe_job, list_jobs
from ml_engineer.jobs.starting import resume_job
from ml_engineer.jobs.warm import WarmChild
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.replies import Reply
from ml_engineer.vocabulary.verbs import Verb

__all__ = ["build_app", "run_commands"]

# Blank lines keep each meaning on a line of its own in the help.
_EPILOG = "\n\n".join(["Exit status:", *(f"{code.value}  {meaning}" for code, meaning in MEANING.items())])

Json = Annotated[
    bool, typer.Option("--json", help="Print the reply as one JSON document on standard output, nothing else.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Start the work and return at once; see `ml-engineer jobs`.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
RecordFlag = Annotated[
    bool, typer.Option("--record", help="Print the stored record as JSON instead of the short reply.")
]

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]


def run_commands(arguments: Sequence[str], desk: Desk | None = None, *, warm: WarmChild | None = None) -> int:
    """Run one command and give its exit status.

    Parameters
    ----------
    arguments : sequence of str
        What stands after ``ml-engineer``.
    desk : Desk, optional
        Where requests are handed in; tests pass their own.
    warm : WarmChild, optional
        Where a child for the verb may be waiting.
    """
    try:
        desk = desk or person_desk()
        status = build_app(desk, warm)(list(arguments), prog_name="ml-engineer", standalone_mode=False)
        return int(status or ExitCode.DONE)
    except MlEngineerError as error:
        return _tell_error(error, as_json="--json" in arguments or "--record" in arguments)
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.CANCELLED
    except Exception as error:  # noqa: BLE001 - a defect is told as such, its traceback goes to a log
        return _tell_usage(error) if _is_usage(error) else _tell_defect(error)


def build_app(desk: Desk, warm: WarmChild | None = None) -> typer.Typer:
    """All commands, working on `desk`; a verb's job goes to the child that waits in `warm`, if there is one."""
    app = typer.Typer(
        name="ml-engineer",
        help="From a table to a framed, tracked, honestly evaluated model, with guardrails that refuse in code.",
        epilog=_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for verb in desk.verbs.values():
        app.command(verb.name.replace("_", "-"))(_verb_command(desk, verb, warm))
    app.add_typer(_jobs_app(desk))
    _add_clean(app, desk)
    _add_mcp(app)
    _add_doctor(app)
    _add_version(app)
    return app


# --- verbs ----------------------------------------------------------------------------------------------------------
def _verb_command(desk: Desk, verb: Verb, warm: WarmChild | None) -> Callable[..., int]:
    def command(**options: Any) -> int:
        as_json, as_record = options.pop("json"), options.pop("record", False)
        detach, quiet = options.pop("detach"), options.pop("quiet")
        request = read_request(verb, to_arguments(verb.request, options))
        job = desk.begin(verb, request, warm=warm)
        if not detach:
            job = _wait(desk, job, quiet=quiet)
        reply = desk.finish(job)
        if as_record and reply.status == "done":
            _print_json(stored_record(verb.name, job.project_dir))
        else:
            _show(reply, as_json=as_json or as_record)
        return code_of_reply(reply)

    flags = [_flag("json", Json), _flag("detach", Detach), _flag("quiet", Quiet)]
    if verb.name in RECORD_OF_VERB:
        flags.insert(1, _flag("record", RecordFlag))
    parameters = [*option_parameters(verb.request), *flags]
    set_signature(command, parameters, returns=int, name=verb.name, doc=inspect.getdoc(verb.request) or verb.title)
    return command


def _flag(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Take SIGTERM, by which `timeout`, CI and service managers end a program, for what Ctrl-C is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait(desk: Desk, job: Job, *, quiet: bool) -> Job:
    """Wait with progress on standard error; Ctrl-C ends it with the best so far, a second one at once."""
    from ml_engineer.doors.command_line.console import progress_display

    try:
        with _ended_like_interrupted(), progress_display(quiet=quiet) as show:
            return desk.wait(job, seconds=None, on_change=show)
    except KeyboardInterrupt:
        if desk.store.load(job.job_id).keeps_best:
            typer.echo("Ending with the best so far. Ctrl-C once more ends it at once.", err=True)
        job = desk.interrupt(job)
        if job.state == "done":
            return job
        raise JobCancelledError(
            f"Job {job.job_id} ({job.verb}) was cancelled",
            remedy=f"`ml-engineer jobs resume {job.job_id}` goes on where it stopped",
        ) from None


def _show(reply: Reply, *, as_json: bool) -> None:
    if as_json:
        typer.echo(reply.model_dump_json())
        return
    from ml_engineer.doors.command_line.console import show_reply

    show_reply(reply)


def _print_json(text: str) -> None:
    typer.echo(text)


# --- jobs -----------------------------------------------------------------------------------------------------------
def _jobs_app(desk: Desk) -> typer.Typer:
    jobs = typer.Typer(name="jobs", help="Look after jobs, whichever client started them.", invoke_without_command=True)

    @jobs.callback()
    def default(ctx: typer.Context, as_json: Json = False) -> int:
        if ctx.invoked_subcommand is None:
            _show(list_jobs(desk.store), as_json=as_json)
        return ExitCode.DONE

    @jobs.command("list")
    def list_(limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 10, as_json: Json = False) -> int:
        """List recent jobs, newest first."""
        _show(list_jobs(desk.store, limit=limit), as_json=as_json)
        return ExitCode.DONE

    @jobs.command()
    def show(
        job_id: JobId,
        wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
        as_json: Json = False,
    ) -> int:
        """Tell where a job stands, or its verb's reply once it has ended."""
        job = desk.store.load(job_id)
        if wait:
            # Only looking: Ctrl-C here ends the looking, not the job.
            with suppress(KeyboardInterrupt):
                desk.wait(job, seconds=None)
            job = desk.store.load(job_id)
        has_reply = job.state in ("done", "refused") and job.verb in desk.verbs
        # A person reads the verb's own reply, as if they had waited; a program gets the job with the reply in it.
        _show(desk.finish(job) if has_reply and not as_json else describe_job(desk.store, job), as_json=as_json)
        return ExitCode.DONE

    @jobs.command()
    def cancel(job_id: JobId, as_json: Json = False) -> int:
        """Stop a job with everything it started: with the best so far if there is one, at once if asked twice."""
        _show(describe_job(desk.store, cancel_job(desk.store, job_id)), as_json=as_json)
        return ExitCode.DONE

    @jobs.command()
    def resume(job_id: JobId, as_json: Json = False, detach: Detach = False, quiet: Quiet = False) -> int:
        """Continue a job that was lost, cancelled or failed."""
        job = resume_job(desk.store, job_id)
        if not detach:
            job = _wait(desk, job, quiet=quiet)
        reply = desk.finish(job)
        _show(reply, as_json=as_json)
        return code_of_reply(reply)

    return jobs


# --- around them ----------------------------------------------------------------------------------------------------
def _add_clean(app: typer.Typer, desk: Desk) -> None:
    @app.command()
    def clean(
        project_dir: Annotated[
            str | None,
            typer.Option(
                metavar="DIR", help="Also the files of this project's training runs other than the champion's."
            ),
        ] = None,
        older_than_days: Annotated[float, typer.Option(min=0, help="Only what was not touched for so long.")] = 0,
        include_resumable: Annotated[
            bool,
            typer.Option("--include-resumable", help="Also lost, cancelled and failed jobs, which could be resumed."),
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Free it; without this, only show it.")] = False,
        as_json: Json = False,
    ) -> int:
        """Show, and with --yes free, the disk that ended jobs and old training runs hold."""
        uses = find_disk_use(
            desk.store,
            project_dir=project_dir,
            older_than_days=older_than_days,
            include_resumable=include_resumable,
        )
        freed = free_disk(desk.store, uses) if yes else ()
        if as_json:
            _print_json(json.dumps({"freed": yes, "items": [use.model_dump(mode="json") for use in (freed or uses)]}))
        else:
            from ml_engineer.doors.command_line.console import show_disk_use

            show_disk_use(freed if yes else uses, freed=yes)
        return ExitCode.DONE


def _add_mcp(app: typer.Typer) -> None:
    @app.command()
    def mcp(
        http: Annotated[
            int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Serve HTTP on 127.0.0.1 instead of stdio.")
        ] = None,
    ) -> int:
        """Serve the verbs to assistants over the Model Context Protocol."""
        from ml_engineer.doors.mcp.server import serve

        serve(http_port=http)
        return ExitCode.DONE


def _add_doctor(app: typer.Typer) -> None:
    @app.command()
    def doctor(as_json: Json = False) -> int:
        """Look at the installation and say how to mend what is wrong."""
        from ml_engineer.installation.doctor import examine

        examinations = examine()
        if as_json:
            _print_json(json.dumps([item.model_dump(mode="json") for item in examinations]))
        else:
            from ml_engineer.doors.command_line.console import show_examinations

            show_examinations(examinations)
        broken = any(item.outcome == "broken" for item in examinations)
        return ExitCode.BAD_INPUT if broken else ExitCode.DONE


def _tell_version(value: bool) -> None:
    if value:
        from ml_engineer import __version__  # read from the installation's files, when somebody asks

        typer.echo(f"ml-engineer {__version__}")
        raise typer.Exit


VersionFlag = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
]


def _add_version(app: typer.Typer) -> None:
    @app.callback()
    def root(version: VersionFlag = False) -> None:
        del version  # answered by its callback


# --- errors ---------------------------------------------------------------------------------------------------------
def _tell_error(error: MlEngineerError, *, as_json: bool) -> int:
    if as_json:
        summary = " ".join(f"{part.rstrip('.')}." for part in (error.problem, error.found) if part)
        typer.echo(Reply(status="refused", summary=summary, next_step=error.remedy).model_dump_json())
    else:
        from ml_engineer.doors.command_line.console import show_error

        show_error(error)
    return code_of_error(error)


def _is_usage(error: Exception) -> bool:
    # typer carries its own copy of click, so the class is known by what it can do.
    return callable(getattr(error, "show", None)) and hasattr(error, "exit_code")


def _tell_usage(error: Any) -> int:
    error.show()
    return ExitCode.BAD_INPUT


def _tell_defect(error: Exception) -> int:
    from ml_engineer.jobs.store import default_store

    log = default_store().root.parent / "command_line.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"{datetime.now(UTC).isoformat()}\n")
        traceback.print_exception(error, file=stream)
    typer.echo(f"internal error, see {log}", err=True)
    return ExitCode.INTERNAL_ERROR
