"""What is answered when a feature idea was judged."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ml_engineer.guardrails import is_open
from ml_engineer.project.code_store import find_code
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.ideas.accepted_features import AcceptedFeatures
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.ideas import FeatureIdea
from ml_engineer.vocabulary.replies import TrainReply

__all__ = ["idea_reply"]

_MOST_REFUSED = 12


def idea_reply(
    layout: ProjectLayout,
    idea: FeatureIdea,
    ideas: Sequence[FeatureIdea],
    accepted: AcceptedFeatures,
    *,
    findings: Sequence[Finding],
    warnings: Sequence[str],
    again: bool,
) -> TrainReply:
    """The reply for an idea that was judged now, or earlier and asked for `again`."""
    told = f"These columns were judged on {idea.at[:10]} as {idea.name!r}, and are not tried again: " if again else ""
    judged = find_code(layout, idea.features_sha256)
    return TrainReply(
        status="done",
        summary=f"{told}{idea.verdict}. {idea.reason}",
        warnings=list(warnings),
        findings=[finding for finding in findings if is_open(finding)],
        next_step=_next(layout, idea, accepted),
        artifacts={
            "ideas": str(layout.reports / "ideas.md"),
            "record": str(layout.ideas),
            "accepted_features": str(accepted.path),
            **({} if judged is None else {"judged_features": str(judged)}),
        },
        project_dir=str(layout.root),
        run_id=idea.run_id,
        primary_metric=idea.metric,
        gain=idea.gain,
        seconds=idea.seconds,
        idea=idea.name,
        verdict=idea.verdict,
        over_twins=idea.over_twins,
        ideas_refused=_refused(ideas),
    )


def _next(layout: ProjectLayout, idea: FeatureIdea, accepted: AcceptedFeatures) -> str:
    if idea.verdict == "kept":
        return "Call train to fit a champion with these features; the next idea is held against them"
    command = shlex.join(["cp", str(accepted.path), str(layout.features_py)])
    return f"features.py is as you left it. Put the accepted text back with `{command}`, then try another idea, or call train"


def _refused(ideas: Sequence[FeatureIdea]) -> list[str]:
    refused = [one for one in reversed(ideas) if one.verdict != "kept"]
    more = len(refused) - _MOST_REFUSED
    lines = [f"{one.name}: {one.verdict} ({', '.join(one.changed[:4]) or 'columns left out'})" for one in refused]
    return lines[:_MOST_REFUSED] + ([f"and {more} more in reports/ideas.md"] if more > 0 else [])
