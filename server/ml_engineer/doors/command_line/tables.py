"""The numbers of a reply as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.guardrails import GUARDRAIL_TITLES, Finding
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.replies import JobsReply, Reply

__all__ = ["reply_tables"]

_VERDICT_STYLE = {
    "pass": "green",
    "warn": "yellow",
    "block": "bold red",
    "valid": "green",
    "invalid": "bold red",
    "reproduced": "green",
    "differs": "bold red",
    "kept": "green",
    "helps nobody": "yellow",
    "harms": "bold red",
}
_JOB_STYLE = {"done": "green", "running": "cyan", "starting": "cyan", "lost": "yellow", "cancelled": "yellow"}
_SHORT_LISTS = (
    "features",
    "assumptions",
    "waivers",
    "failed",
    "not_checked",
    "written",
    "kept",
    "removed",
    "leaderboard",
    "ideas_refused",
    "differences",
    "columns",
)
_SHORT_VALUES = (
    "task_type",
    "primary_metric",
    "split",
    "development_rows",
    "held_out_rows",
    "worth_building",
    "champion",
    "run_id",
    "version",
    "approved_by",
    "before",
    "idea",
    "verdict",
    "look",
    "stage",
    "proved",
    "replayed",
    "score_then",
    "score_now",
    "largest_difference",
    "changed_labels",
    "worst_group",
    "rows",
    "output",
    "unchanged",
    "stopped_at",
)


def reply_tables(reply: Reply) -> list[RenderableType]:
    """What a reply holds beyond its sentences, in the order a person asks for it."""
    return [*_values(reply), *_scores(reply), *_lists(reply), *_matrix(reply), *_guardrails(reply), *_rest(reply)]


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        # Folded rather than cut: what stands here is read and copied.
        table.add_column(header, overflow="fold")
    return table


def _title(name: str) -> Text:
    return Text(name.replace("_", " ").capitalize())


def _values(reply: Reply) -> Iterator[RenderableType]:
    found = [(name, getattr(reply, name, None)) for name in _SHORT_VALUES]
    shown = [(name, value) for name, value in found if value is not None]
    if shown:
        table = Table.grid(padding=(0, 2))
        for name, value in shown:
            style = _VERDICT_STYLE.get(str(value), "") if name == "verdict" else ""
            table.add_row(Text(_title(name).plain, style="dim"), Text(str(value), style=style))
        yield table


def _scores(reply: Reply) -> Iterator[RenderableType]:
    """Every estimate with its interval, beside the naive baseline where there is one."""
    estimates: dict[str, Estimate] = {}
    for name in type(reply).model_fields:
        value = getattr(reply, name)
        if isinstance(value, Estimate):
            estimates[name] = value
        elif name == "metrics" and isinstance(value, dict):
            estimates.update(value)
    if not estimates:
        return
    naive = getattr(reply, "baseline", None)
    naive = naive if isinstance(naive, dict) else {}
    table = _table("Estimate", "Value", "Interval", *(["Naive baseline"] if naive else []))
    for name, estimate in estimates.items():
        interval = f"[{estimate.low:.4g}, {estimate.high:.4g}] at {estimate.level:.0%}"
        row = [_title(name), Text(f"{estimate.value:.4g}", style="bold"), Text(interval)]
        table.add_row(*row, *([Text(_number(naive.get(name)))] if naive else []))
    yield table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _lists(reply: Reply) -> Iterator[RenderableType]:
    for name in _SHORT_LISTS:
        lines = getattr(reply, name, None)
        if not lines:
            continue
        if name in ("features", "columns"):
            yield Text.assemble((f"{_title(name).plain}: ", "dim"), ", ".join(lines))
        else:
            yield Text(_title(name).plain, style="dim")
            yield from (Text(f"  {line}") for line in lines)
    not_used: Mapping[str, str] = getattr(reply, "not_used", None) or {}
    if not_used:
        table = _table("Not used", "Why")
        for column, reason in not_used.items():
            table.add_row(Text(column), Text(reason))
        yield table


def _matrix(reply: Reply) -> Iterator[RenderableType]:
    counts: Sequence[Sequence[int]] | None = getattr(reply, "confusion", None)
    labels: Sequence[str] | None = getattr(reply, "labels", None)
    if counts and labels:
        table = _table("Actual \\ predicted")
        for label in labels:
            table.add_column(Text(label), justify="right")
        for label, row in zip(labels, counts, strict=False):
            table.add_row(Text(label), *(Text(str(count)) for count in row))
        yield table


def _guardrails(reply: Reply) -> Iterator[RenderableType]:
    verdicts: Mapping[str, str] = getattr(reply, "guardrails", None) or {}
    if verdicts:
        table = _table("Guardrail", "Verdict")
        titles: Mapping[str, str] = {str(key): title for key, title in GUARDRAIL_TITLES.items()}
        for name, text in verdicts.items():
            style = next((style for word, style in _VERDICT_STYLE.items() if text.startswith(word)), "")
            table.add_row(Text(titles.get(name, name)), Text(text, style=style))
        yield table
    if reply.findings:
        table = _table("Finding", "Outcome", "Found", "What to do")
        for finding in reply.findings:
            table.add_row(*_finding(finding))
        yield table


def _finding(finding: Finding) -> tuple[Text, Text, Text, Text]:
    style = "bold red" if finding.blocks else {"issue": "yellow", "question": "magenta"}.get(finding.outcome, "")
    outcome = "blocks" if finding.blocks else finding.outcome
    return Text(finding.code, style=style), Text(outcome, style=style), Text(finding.found), Text(finding.remedy)


def _rest(reply: Reply) -> Iterator[RenderableType]:
    preview = getattr(reply, "preview", None)
    if preview:
        table = _table(*(str(name) for name in preview[0]))
        for row in preview:
            table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        yield table
    if isinstance(reply, JobsReply):
        if reply.jobs:
            yield _jobs(reply.jobs)
        if reply.result:
            table = Table.grid(padding=(0, 2))
            for name, value in reply.result.items():
                table.add_row(Text(name, style="dim"), Text(str(value)[:200]))
            yield table


def _jobs(jobs: Sequence[Job]) -> Table:
    table = _table("Job (started, UTC)", "Verb", "State", "Project", "Message")
    table.columns[0].min_width = len("job_20260101_000000_000000")  # an id is copied whole
    for job in jobs:
        state = Text(job.state, style=_JOB_STYLE.get(job.state, "red"))
        # In full with `jobs show` and --json.
        project = Text(_shortened(job.project_dir.rpartition("/")[2], 20))
        table.add_row(Text(job.job_id), Text(job.verb), state, project, Text(_shortened(job.message, 80)))
    return table


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
