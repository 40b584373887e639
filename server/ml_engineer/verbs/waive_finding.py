"""Write down a person's override of a finding."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from ml_engineer.errors import InputError
from ml_engineer.guardrails import CHECKS, is_open, waiver_in_words
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, save_record
from ml_engineer.verbs.guardrail_evidence import load_waivers
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import GuardrailReport, Waiver, Waivers
from ml_engineer.vocabulary.replies import WaiveFindingReply
from ml_engineer.vocabulary.requests import WaiveFindingRequest

__all__ = ["waive_finding"]

_SHORTEST_REASON = 10
_SHORTEST_NAME = 2


def waive_finding(request: WaiveFindingRequest, context: WorkContext) -> WaiveFindingReply:
    """Add a waiver; it turns the finding into 'waived' and stays visible in every later report.

    Every finding may be waived, a broken ledger too: a person decides. None can be waived in silence.

    Raises
    ------
    InputError
        If there is no such check or column, or reason or name say nothing.
    ProjectStateError
        If the project was not framed, or the waivers cannot be read or written.
    """
    layout = ProjectLayout(Path(request.project_dir))
    context.report("writing down the waiver", 0.0)
    waiver = Waiver(
        code=_known_code(request.code),
        columns=_known_columns(layout, request),
        reason=_told(request.reason, "reason", least=_SHORTEST_REASON),
        name=_told(request.name, "name", least=_SHORTEST_NAME),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    before = load_waivers(layout)
    repeated = any(waiver.model_copy(update={"at": old.at}) == old for old in before)
    waivers = before if repeated else (*before, waiver)
    save_record(layout, Waivers(waivers=waivers))
    if layout.passport.exists():
        record = layout.records / f"{Waivers.kind}.json"
        update_passport(layout, written_by="waive_finding", wrote=(record,))
    return WaiveFindingReply(
        status="done",
        summary=f"{waiver.code}: {waiver_in_words(waiver)}" + (" It was written down before." if repeated else ""),
        warnings=_warnings(layout, waiver),
        next_step="Call the verb that was refused again, or check_guardrails; the waiver is shown in every report",
        artifacts={"record": str(layout.records / f"{Waivers.kind}.json")},
        project_dir=str(layout.root),
        waivers=[f"{each.code}: {waiver_in_words(each)}" for each in waivers],
    )


def _known_code(code: str) -> str:
    codes = [check.code for check in CHECKS]
    if code not in codes:
        near = get_close_matches(code, codes, n=3, cutoff=0.5)
        raise InputError(
            f"There is no check {code}",
            found=f"the nearest are {', '.join(near)}" if near else "",
            remedy="Use the code of a finding in the last reply or in reports/guardrails.md",
        )
    return code


def _known_columns(layout: ProjectLayout, request: WaiveFindingRequest) -> tuple[str, ...]:
    """The columns of the waiver, if each is one of the table's or of the finding's."""
    problem = load_problem(layout)
    report = find_record(layout, GuardrailReport)
    found = () if report is None else (name for finding in report.findings for name in finding.columns)
    known = {*(column.name for column in problem.columns), *found}
    for name in request.columns or ():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise InputError(
                f"There is no column {name!r}",
                found=f"the nearest is {near[0]!r}" if near else "",
                remedy="Name columns exactly as the finding does, or leave columns out to waive the whole finding",
            )
    return tuple(dict.fromkeys(request.columns or ()))


def _told(text: str, what: str, *, least: int) -> str:
    """`text` on one line; blanks do not count."""
    line = " ".join(text.split())
    if len(line) < least:
        raise InputError(
            f"The {what} says nothing",
            found=f"{len(line)} characters",
            remedy=f"Give the {what} in at least {least} characters; it is shown in every later report",
        )
    return line


def _warnings(layout: ProjectLayout, waiver: Waiver) -> list[str]:
    """What the last report makes strange about this waiver."""
    report = find_record(layout, GuardrailReport)
    finding = None if report is None else next((each for each in report.findings if each.code == waiver.code), None)
    if finding is None or is_open(finding) or finding.outcome == "waived":
        return []
    return [f"{waiver.code} is not open in the last report (outcome: {finding.outcome}); the waiver has no effect now"]
