"""Asking all checks, applying what a person overrode, and folding the findings into the five guardrails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from ml_engineer.guardrails.check import Answer, Check, does_not_apply
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.registry import CHECKS
from ml_engineer.guardrails.wording import listed, quoted_list, shortened
from ml_engineer.vocabulary.guardrails import (
    GUARDRAIL_TITLES,
    Finding,
    Guardrail,
    GuardrailReport,
    GuardrailResult,
    Stage,
    Verdict,
    Waiver,
)

__all__ = [
    "NO_TIME",
    "assemble_report",
    "findings_in_brief",
    "in_order_of_weight",
    "is_open",
    "run_checks",
    "waiver_in_words",
]


NO_TIME = (
    "there was no time for it here; check_guardrails asks it without a limit, and before deployment it is asked anyway"
)


def _always() -> bool:
    return True


def run_checks(
    evidence: Evidence,
    *,
    stage: Stage,
    waivers: Sequence[Waiver] = (),
    checks: Sequence[Check] = CHECKS,
    has_time: Callable[[], bool] = _always,
) -> tuple[Finding, ...]:
    """Ask every check once, those that fit models last.

    Parameters
    ----------
    evidence : Evidence
        What is known.
    stage : {'train', 'deploy', 'production'}
        What is about to be done; decides which issues block.
    waivers : sequence of Waiver
        Overrides in force; they turn findings into 'waived', never into 'passed'.
    checks : sequence of Check
        The registered checks, in report order.
    has_time : callable
        Looked at before each check that fits models and cannot block at this stage; without time it is told as not asked, with `NO_TIME`.

    Returns
    -------
    tuple of Finding
        One per check, in the same order.
    """
    answers = {}
    for check in sorted(checks, key=lambda one: one.cost == "models"):
        # What may block here is asked whatever it costs: a leak makes everything after it worthless.
        late = check.cost == "models" and stage not in check.blocks_at and not has_time()
        asked = stage in check.asked_at and not check.applies_to(evidence)
        answers[check.code] = does_not_apply(NO_TIME) if late and asked else check.answer(evidence, stage=stage)
    return tuple(_with_waivers(check, answers[check.code], stage=stage, waivers=waivers) for check in checks)


def _with_waivers(check: Check, answer: Answer, *, stage: Stage, waivers: Sequence[Waiver]) -> Finding:
    finding = check.finding(answer, stage=stage)
    mine = [waiver for waiver in waivers if waiver.code == check.code]
    if not mine or not answer.observations:
        return finding
    whole = any(not waiver.columns for waiver in mine)
    columns = frozenset(name for waiver in mine for name in waiver.columns)
    left = None if whole else answer.without(columns)
    if left is None:
        return finding.model_copy(
            update={
                "outcome": "waived",
                "blocks": False,
                "remedy": " ".join(waiver_in_words(waiver) for waiver in mine),
            }
        )
    if len(left.observations) == len(answer.observations):
        return finding
    narrowed = check.finding(left, stage=stage)
    return narrowed.model_copy(
        update={"found": f"{narrowed.found}. {' '.join(waiver_in_words(waiver) for waiver in mine)}".rstrip(".")}
    )


def waiver_in_words(waiver: Waiver) -> str:
    """Who waived what, when and why, in a sentence."""
    limited = f" for {quoted_list(waiver.columns)}" if waiver.columns else ""
    return f"Waived{limited} by {waiver.name} on {waiver.at[:10]}: {waiver.reason.rstrip('.')}."


def is_open(finding: Finding) -> bool:
    """Whether somebody still has to act: an issue or an unanswered question. Advice asks for nothing."""
    return finding.outcome in ("issue", "question")


def assemble_report(
    findings: Sequence[Finding],
    *,
    stage: Stage,
    now: str,
    waivers: Sequence[Waiver] = (),
    parents: dict[str, str] | None = None,
) -> GuardrailReport:
    """Fold findings into the five guardrails and one verdict.

    Parameters
    ----------
    findings : sequence of Finding
        One per registered check.
    stage : {'train', 'deploy', 'production'}
        What the checks were asked for.
    now : str
        Time, ISO 8601 UTC.
    waivers : sequence of Waiver
        Overrides in force; all of them stay visible, used or not.
    parents : dict of str to str, optional
        Content hash of each record that the findings rest on, by kind.
    """
    guardrails: tuple[Guardrail, ...] = get_args(Guardrail)
    return GuardrailReport(
        parents=parents or {},
        stage=stage,
        checked_at=now,
        verdict=_verdict(findings),
        guardrails=tuple(_fold(guardrail, findings) for guardrail in guardrails),
        findings=tuple(findings),
        waivers=tuple(waivers),
    )


def _verdict(findings: Sequence[Finding]) -> Verdict:
    if any(finding.blocks for finding in findings):
        return "block"
    return "warn" if any(is_open(finding) for finding in findings) else "pass"


def _fold(guardrail: Guardrail, findings: Sequence[Finding]) -> GuardrailResult:
    mine = [finding for finding in findings if finding.guardrail == guardrail]
    return GuardrailResult(
        guardrail=guardrail, title=GUARDRAIL_TITLES[guardrail], verdict=_verdict(mine), summary=_summary(mine)
    )


def _summary(findings: Sequence[Finding]) -> str:
    """What the worst finding found, then how the other checks stand."""
    asked = [finding for finding in findings if finding.outcome != "not_applicable"]
    if not asked:
        return f"Nothing to look at yet: {findings[0].found}." if findings else "No check belongs to it."
    by_severity = in_order_of_weight(finding for finding in asked if is_open(finding))
    waived = [finding for finding in asked if finding.outcome == "waived"]
    silent = len(asked) - len(by_severity) - len(waived)
    parts = [f"{silent} of {len(asked)} checks passed"]
    if len(by_severity) > 1:
        parts.append(f"{len(by_severity) - 1} more open")
    if waived:
        parts.append(f"{len(waived)} waived ({listed([finding.code for finding in waived])})")
    tail = ", ".join(parts)
    if not by_severity:
        return f"{tail}."
    worst = by_severity[0]
    return f"{worst.code}: {shortened(worst.found, 110)}; {tail}."


def in_order_of_weight(findings: Iterable[Finding]) -> list[Finding]:
    """What blocks first, then issues, questions, advice; otherwise in the order given."""
    outcomes = ("issue", "question", "advice", "waived", "passed", "not_applicable")
    return sorted(findings, key=lambda finding: (not finding.blocks, outcomes.index(finding.outcome)))


def findings_in_brief(findings: Sequence[Finding], *, most_bytes: int = 1_700) -> list[Finding]:
    """Open findings for a reply: the heaviest first, texts shortened, no more than fit (three at least).

    Parameters
    ----------
    findings : sequence of Finding
        All findings of a report.
    most_bytes : int
        Size as JSON that the list should keep to.
    """
    brief: list[Finding] = []
    left = most_bytes
    for finding in in_order_of_weight(finding for finding in findings if is_open(finding)):
        short = finding.model_copy(
            update={
                "found": shortened(finding.found, 200),
                "remedy": shortened(finding.remedy, 180),
                "columns": finding.columns[:5],
                "example_rows": finding.example_rows[:3],
            }
        )
        left -= len(short.model_dump_json())
        if left < 0 and len(brief) >= 3:
            break
        brief.append(short)
    return brief
