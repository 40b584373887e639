"""Replies as a person at a terminal likes to read them: the answer first, then numbers, then what to do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ml_engineer.doors.command_line.tables import reply_tables
from ml_engineer.errors import MlEngineerError
from ml_engineer.vocabulary.jobs import TERMINAL_STATES, Job
from ml_engineer.vocabulary.replies import Reply

if TYPE_CHECKING:
    from ml_engineer.installation.doctor import Examination
    from ml_engineer.jobs.disk import DiskUse

__all__ = ["progress_display", "show_disk_use", "show_error", "show_examinations", "show_reply"]

_STATUS_STYLE = {"done": "bold green", "running": "bold cyan", "refused": "bold red"}
_OUTCOME_STYLE = {"good": "green", "advice": "yellow", "broken": "red"}
_PLAIN_INTERVAL_SECONDS = 2.0


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Callable[[Job], None]]:
    """Progress on standard error: a bar at a terminal, a line now and then in a log.

    Yields
    ------
    callable
        To be called with the job after each change.
    """
    console = Console(stderr=True)
    if quiet:
        yield lambda _job: None
    elif console.is_terminal:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("starting", total=None)

            def show(job: Job) -> None:
                bar.update(
                    task,
                    description=job.message[:80],
                    total=None if job.fraction_done is None else 1.0,
                    completed=job.fraction_done or 0.0,
                )

            yield show
    else:
        yield _plain_lines()


def _plain_lines() -> Callable[[Job], None]:
    last_time, last_message = -_PLAIN_INTERVAL_SECONDS, ""

    def show(job: Job) -> None:
        nonlocal last_time, last_message
        # How it ended is told by the reply.
        news = job.state not in TERMINAL_STATES and job.message != last_message
        if news and time.monotonic() - last_time >= _PLAIN_INTERVAL_SECONDS:
            last_time, last_message = time.monotonic(), job.message
            sys.stderr.write(f"{job.verb}: {job.message}\n")
            sys.stderr.flush()

    return show


def show_reply(reply: Reply, console: Console | None = None) -> None:
    """Print a reply on standard output."""
    parts: list[RenderableType] = [Text(reply.summary, style=_STATUS_STYLE[reply.status])]
    parts += reply_tables(reply)
    parts += [Text(f"! {warning}", style="yellow") for warning in reply.warnings]
    parts += [_question(question.text, question.argument, question.assumption) for question in reply.questions]
    if reply.artifacts:
        parts.append(_paths(reply.artifacts))
    if reply.next_step:
        parts.append(Text.assemble(("Next: ", "bold"), reply.next_step))
    (console or Console()).print(Group(*parts), highlight=False)


def _question(text: str, argument: str, assumption: str) -> Text:
    answer = f"  (answer with {argument}; assumed meanwhile: {assumption})"
    return Text.assemble(("? ", "bold magenta"), text, (answer, "dim"))


def _paths(artifacts: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    # A path is copied from here, so it is folded rather than cut.
    table.add_column(overflow="fold")
    for name, path in artifacts.items():
        table.add_row(Text(name), Text(path))
    return table


def show_error(error: MlEngineerError) -> None:
    """Print what is wrong, what was found and what to do, on standard error."""
    lines = [Text.assemble(("Error: ", "bold red"), error.problem)]
    if error.found:
        lines.append(Text.assemble(("Found: ", "bold"), error.found))
    if error.remedy:
        lines.append(Text.assemble(("Do:    ", "bold"), error.remedy))
    Console(stderr=True).print(Group(*lines), highlight=False, soft_wrap=True)


def show_disk_use(uses: Iterable[DiskUse], *, freed: bool) -> None:
    """Print what could be freed, or was."""
    uses = list(uses)
    table = Table("", "Name", "About", "Size", box=None, pad_edge=False)
    for use in uses:
        table.add_row(use.kind.replace("_", " "), Text(use.name), Text(use.about), _size(use.size_bytes))
    total = _size(sum(use.size_bytes for use in uses))
    said = f"Freed {total}." if freed else f"{total} could be freed: call clean again with --yes."
    Console().print(*([table] if uses else []), Text(said if uses else "Nothing to clean.", style="bold"), sep="\n")


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000 or unit == "GB":
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    raise AssertionError  # the last unit always answers


def show_examinations(examinations: Iterable[Examination]) -> None:
    """Print what the doctor found."""
    table = Table("", "What", box=None, pad_edge=False)
    table.add_column("Found", overflow="fold")
    items = list(examinations)
    for item in items:
        table.add_row(Text(item.outcome, style=_OUTCOME_STYLE[item.outcome]), Text(item.name), Text(item.found))
    # Commands are copied from here, so each remedy is one line, however wide the terminal is.
    remedies = [Text(f"{item.name}: {item.remedy}") for item in items if item.remedy]
    console = Console()
    console.print(table)
    if remedies:
        console.print(Text("\nHow to mend it", style="bold"), *remedies, sep="\n", soft_wrap=True, highlight=False)
