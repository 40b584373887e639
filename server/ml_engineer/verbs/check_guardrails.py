"""Check the five guardrails for what is about to be done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ml_engineer.guardrails import (
    Evidence,
    assemble_report,
    findings_in_brief,
    in_order_of_weight,
    is_open,
    run_checks,
    waiver_in_words,
)
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import save_record
from ml_engineer.rendering.documents import render_document
from ml_engineer.verbs.evaluating.page import write_evaluation_page
from ml_engineer.verbs.guardrail_evidence import gather_evidence, load_waivers
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import GuardrailReport, Stage, Verdict
from ml_engineer.vocabulary.replies import CheckGuardrailsReply
from ml_engineer.vocabulary.requests import CheckGuardrailsRequest

__all__ = ["check_guardrails"]

_MEANING: dict[Verdict, str] = {
    "pass": "Nothing stands in the way",
    "warn": "Nothing blocks, but somebody should look at the open findings",
    "block": "This must not go on",
}
_PASSED: dict[Stage, str] = {
    "train": "Call train",
    "deploy": "Show the report to the person who decides on deployment; the decision is theirs",
    "production": "Show the report to the person who decides on production; the decision is theirs",
}


def check_guardrails(request: CheckGuardrailsRequest, context: WorkContext) -> CheckGuardrailsReply:
    """Ask every check, write the report for people and for machines, and say whether the stage may go on.

    The reply's status is 'done' whatever the verdict: checking is what was asked for.

    Raises
    ------
    ProjectStateError
        If the project was not framed, or a record cannot be read.
    UserCodeError
        If features.py fails.
    """
    layout = ProjectLayout(Path(request.project_dir))
    context.report("gathering the evidence", 0.0)
    evidence = gather_evidence(layout, stage=request.stage)
    waivers = load_waivers(layout)
    context.report("asking the checks", 0.3)
    report = assemble_report(
        run_checks(evidence, stage=request.stage, waivers=waivers),
        stage=request.stage,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
        waivers=waivers,
        parents=_parents(evidence),
    )
    context.report("writing the report", 0.9)
    document = _save(layout, report, evidence)
    return _reply(layout, report, document)


def _parents(evidence: Evidence) -> dict[str, str]:
    records = (evidence.problem, evidence.profile, evidence.split, evidence.training, evidence.evaluation)
    return {record.kind: record.content_hash() for record in records if record is not None}


def _save(layout: ProjectLayout, report: GuardrailReport, evidence: Evidence) -> Path:
    """Store the record, render it for people, and let the evaluation page show it."""
    save_record(layout, report)
    document = layout.reports / "guardrails.md"
    text = render_document(
        "guardrails.md",
        report=report,
        meaning=_MEANING[report.verdict],
        findings=in_order_of_weight(report.findings),
        project=evidence.problem.title,
    )
    write_text(document, text)
    wrote = [document, layout.records / f"{report.kind}.json"]
    if evidence.training is not None and evidence.evaluation is not None:
        wrote.append(write_evaluation_page(layout))
    if evidence.training is not None:
        # A person may edit the contract; the rows were just held against it (DAT030), and the report says what came of that.
        wrote.append(layout.contract_yaml)
        update_passport(layout, written_by="check_guardrails", wrote=wrote)
    return document


def _reply(layout: ProjectLayout, report: GuardrailReport, document: Path) -> CheckGuardrailsReply:
    shown = findings_in_brief(report.findings)
    opened = sum(is_open(finding) for finding in report.findings)
    advice = sum(finding.outcome == "advice" for finding in report.findings)
    warnings = []
    if opened > len(shown):
        warnings.append(f"Open findings that are only in the report: {opened - len(shown)}")
    if advice:
        warnings.append(f"Findings that are advice and ask for nothing, in the report: {advice}")
    blocking = [finding.code for finding in report.findings if finding.blocks]
    blocked = f" ({', '.join(blocking)})" if blocking else ""
    return CheckGuardrailsReply(
        status="done",
        summary=f"Verdict for stage '{report.stage}': {report.verdict}{blocked}. {_MEANING[report.verdict]}.",
        warnings=warnings,
        findings=shown,
        next_step=_next_step(report),
        artifacts={"report": str(document), "record": str(layout.records / f"{report.kind}.json")},
        project_dir=str(layout.root),
        stage=report.stage,
        verdict=report.verdict,
        guardrails={result.guardrail: f"{result.verdict}: {result.summary}" for result in report.guardrails},
        passed=sum(finding.outcome == "passed" for finding in report.findings),
        not_applicable=sum(finding.outcome == "not_applicable" for finding in report.findings),
        waivers=[f"{waiver.code}: {waiver_in_words(waiver)}" for waiver in report.waivers],
    )


def _next_step(report: GuardrailReport) -> str:
    heaviest = next((finding for finding in in_order_of_weight(report.findings) if is_open(finding)), None)
    if heaviest is None:
        return _PASSED[report.stage]
    if heaviest.blocks:
        return f"{heaviest.code}: {heaviest.remedy}. Then call check_guardrails again"
    return f"Bring the open findings to the person, {heaviest.code} first. {_PASSED[report.stage]}"
