"""Asking all checks, applying what a person overrode, and folding the findings into the five guardrails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from ml_engineer.guardrails.check import Answer, Check
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.registry import CHECKS
from ml_engineer.guardrails.wording import quoted_list
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

__all__ = ["assemble_report", "is_open", "run_checks"]


def run_checks(
    evidence: Evidence, *, stage: Stage, waivers: Sequence[Waiver] = (), checks: Sequence[Check] = CHECKS
) -> tuple[Finding, ...]:
    """Ask every check once.

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

    Returns
    -------
    tuple of Finding
        One per check, in the same order.
    """
    return tuple(
        _with_waivers(check, check.answer(evidence, stage=stage), stage=stage, waivers=waivers) for check in checks
    )


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
            update={"outcome": "waived", "blocks": False, "remedy": " ".join(_in_words(waiver) for waiver in mine)}
        )
    if len(left.observations) == len(answer.observations):
        return finding
    narrowed = check.finding(left, stage=stage)
    return narrowed.model_copy(
        update={"found": f"{narrowed.found}. {' '.join(_in_words(waiver) for waiver in mine)}".rstrip(".")}
    )


def _in_words(waiver: Waiver) -> str:
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
    """The worst finding in words, then how many others there are of each kind."""
    counts = {
        "block": [finding for finding in findings if finding.blocks],
        "open": [finding for finding in findings if is_open(finding) and not finding.blocks],
        "waived": [finding for finding in findings if finding.outcome == "waived"],
        "passed": [finding for finding in findings if finding.outcome in ("passed", "advice")],
    }
    worst = next(iter(counts["block"] or counts["open"]), None)
    parts = []
    if counts["block"]:
        parts.append(f"{len(counts['block'])} blocking")
    if counts["open"]:
        parts.append(f"{len(counts['open'])} open")
    if counts["waived"]:
        parts.append(f"{len(counts['waived'])} waived")
    parts.append(f"{len(counts['passed'])} of {len(findings)} checks passed")
    tail = ", ".join(parts)
    if worst is not None:
        return f"{worst.code} {worst.title}: {tail}."
    if not counts["passed"] and not counts["waived"]:
        return f"Nothing to look at yet: none of {len(findings)} checks applies."
    return f"{tail[0].upper()}{tail[1:]}."
