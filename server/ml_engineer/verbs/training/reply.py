"""What `train` answers, in the parts that every kind of task shares."""

from __future__ import annotations

from collections.abc import Sequence

from ml_engineer.guardrails import NO_TIME, is_open
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.training import CandidateResult

__all__ = ["leaderboard_lines", "refusal", "unasked"]

_LISTED = 12


def refusal(layout: ProjectLayout, findings: tuple[Finding, ...]) -> TrainReply:
    """The answer where a data check blocks."""
    blocking = [finding for finding in findings if finding.blocks]
    return TrainReply(
        status="refused",
        summary=f"Nothing was trained: {len(blocking)} data check(s) block, first {blocking[0].code} "
        f"({blocking[0].title}): {blocking[0].found}",
        findings=[*blocking, *(finding for finding in findings if is_open(finding) and not finding.blocks)],
        next_step=f"{blocking[0].remedy.rstrip('.')}. Or have a person override it with waive_finding",
        project_dir=str(layout.root),
    )


def unasked(findings: Sequence[Finding]) -> list[str]:
    """What to say of checks that there was no time for."""
    late = [finding.code for finding in findings if finding.found == NO_TIME]
    if not late:
        return []
    told = (
        f"{len(late)} data check(s) were not asked, for lack of time: {', '.join(late[:8])}. Call check_guardrails "
        "(stage 'train'), or give more time (budget_seconds)."
    )
    return [told]


def leaderboard_lines(results: Sequence[CandidateResult]) -> list[str]:
    """The best, and everything that failed, a line each; the record has the others."""
    listed = [result for place, result in enumerate(results) if place < _LISTED or result.status == "failed"]
    more = len(results) - len(listed)
    return [_line(result) for result in listed] + ([f"and {more} more in reports/search.md"] if more else [])


def _line(result: CandidateResult) -> str:
    score = "no score" if result.score is None else str(result.score)
    end = "" if result.status == "finished" else f"; {result.status.replace('_', ' ')}: {result.reason[:120]}"
    costs = [f"{len(result.fold_scores)} folds", f"{result.fit_seconds:.1f} s"]
    if result.predict_milliseconds_per_row is not None:
        costs.append(f"{result.predict_milliseconds_per_row:.2g} ms a row")
    if result.model_megabytes is not None:
        costs.append(f"{result.model_megabytes:.2g} MB")
    return f"{result.name}: {score}, {', '.join(costs)}{end}"
