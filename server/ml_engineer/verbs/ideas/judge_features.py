"""`train` with `trial`: features.py as an experiment against the accepted features, with a verdict that is kept."""

from __future__ import annotations

import getpass
import platform
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ml_engineer.errors import InputError
from ml_engineer.modelling.executors import Executor
from ml_engineer.modelling.feature_arms import FeatureArms, columns_sha256, make_arms
from ml_engineer.modelling.feature_trial import TrialResult, judges, run_trial
from ml_engineer.project.candidate_predictions import write_candidate_predictions
from ml_engineer.project.code_store import keep_file
from ml_engineer.project.files import write_text
from ml_engineer.project.ideas import judged_before, load_ideas, note_idea
from ml_engineer.project.tally import count_run
from ml_engineer.project.user_code import load_features
from ml_engineer.rendering.documents import render_document
from ml_engineer.statistics.paired_test import learning_gain
from ml_engineer.statistics.stream_of_tests import error_allowed
from ml_engineer.verbs.ideas.accepted_features import AcceptedFeatures, accepted_features, framed_features
from ml_engineer.verbs.ideas.reply import idea_reply
from ml_engineer.verbs.ideas.verdict import idea_verdict
from ml_engineer.verbs.training.fit_journal import FolderJournal
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.ideas import FeatureIdea
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.tally import TallyRun

__all__ = ["judge_features"]

_CLOSING_SHARE, _CLOSING_SECONDS = 0.1, 3.0
"""Of the time, kept for intervals and files; at most so many seconds."""
_LEAST_SECONDS = 2.0


def judge_features(
    rows: TrainingRows,
    request: TrainRequest,
    context: WorkContext,
    executor: Executor,
    *,
    findings: Sequence[Finding],
    notes: Sequence[str],
    threads: int,
) -> TrainReply:
    """Judge features.py, write the verdict down, and tell it; columns that were judged before get the same answer.

    Neither the champion nor the held-out rows are touched. The trial counts as a try, and what it predicted is kept, so
    that a later champion's score is corrected for it.

    Raises
    ------
    InputError
        If candidates or a text model were named, features.py gives the accepted columns, or the time is not enough for one fold.
    ProjectStateError
        If the log of ideas does not add up, or cannot be written.
    UserCodeError
        If the accepted feature code fails.
    """
    if request.candidates is not None:
        raise InputError(
            "trial and candidates do not go together",
            found=f"candidates: {', '.join(request.candidates)}",
            remedy="Leave candidates out: every idea is judged by the same models",
        )
    if request.foundation_model is not None:
        raise InputError(
            "trial and foundation_model do not go together",
            found=f"foundation_model: {request.foundation_model}",
            remedy="Leave foundation_model out: every idea is judged by the same models, quickly",
        )
    if request.text_model is not None:
        raise InputError(
            "trial and text_model do not go together",
            found=f"text_model: {request.text_model}",
            remedy="Leave text_model out: every idea is judged by the same models, and none of them reads vectors of texts",
        )
    assert request.trial is not None  # what brought us here
    accepted, arms = _arms(rows, request, threads=threads)
    ideas = load_ideas(rows.layout)
    columns = columns_sha256(rows.data.features)
    known = judged_before(ideas, columns_sha256=columns, development_sha256=rows.split.development_sha256)
    if known is not None:
        return idea_reply(rows.layout, known, ideas, accepted, findings=findings, warnings=notes, again=True)
    _refuse_nothing_new(arms, accepted)
    started = datetime.now(UTC)
    counted = _begin(rows, started)
    executor.load(arms.data)
    result = run_trial(
        arms,
        executor=executor,
        until=_until(request, context),
        clock=context.clock,
        journal=FolderJournal(context.journal_dir),
        report=_report(context),
        seed=request.seed,
    )
    if result is None:
        raise InputError(
            "The time is not enough to judge features",
            found=f"{request.budget_seconds:g} s were not enough for one fold of one model with all columns",
            remedy="Give more (budget_seconds)",
        )
    idea = note_idea(
        rows.layout,
        at=started.isoformat(timespec="seconds"),
        who=f"{getpass.getuser()}@{platform.node()}",
        name=request.trial,
        run_id=counted.run_id,
        deal_id=rows.split.deal_id,
        development_sha256=rows.split.development_sha256,
        features_sha256=keep_file(rows.layout, rows.layout.features_py),
        columns_sha256=columns,
        accepted_sha256=accepted.sha256,
        changed=arms.changed,
        removed=arms.removed,
        metric=rows.data.metric,
        seconds=context.clock() - context.started,
        seed=request.seed,
        **_judged(arms, result, ideas, accepted, seed=request.seed),
    )
    _keep(rows, idea, counted, result)
    now = accepted_features(rows)
    warnings = [*notes, *result.notes]
    return idea_reply(rows.layout, idea, (*ideas, idea), now, findings=findings, warnings=warnings, again=False)


def _arms(rows: TrainingRows, request: TrainRequest, *, threads: int) -> tuple[AcceptedFeatures, FeatureArms]:
    frame = rows.development.frame.drop(columns=rows.problem.target)
    accepted = accepted_features(rows)
    before = load_features(rows.layout, kept=accepted.path)(frame)
    ruled_out = {column.name for column in rows.problem.columns if not column.used}
    if ruled_out & set(before.columns):
        # Accepted when that column was still allowed: no yardstick any more.
        accepted = framed_features(rows)
        before = load_features(rows.layout, kept=accepted.path)(frame)
    return accepted, make_arms(before, rows.data, models=judges(rows.data), seed=request.seed, threads=threads)


def _refuse_nothing_new(arms: FeatureArms, accepted: AcceptedFeatures) -> None:
    if not arms.changed and not arms.removed:
        raise InputError(
            "features.py gives the columns that are accepted already",
            found=f"the same as {accepted.source}",
            remedy="Write an idea into data/features/features.py, then call train with trial again",
        )


def _begin(rows: TrainingRows, started: datetime) -> TallyRun:
    """Count the trial before anything is fitted: one that is killed was a try too."""
    run = TallyRun(
        run_id=f"idea_{started:%Y%m%dT%H%M%S}_{secrets.token_hex(2)}",
        at=started.isoformat(timespec="seconds"),
        deal_id=rows.split.deal_id,
        development_sha256=rows.split.development_sha256,
        metric=rows.data.metric,
        unfinished=1,
        ended=False,
    )
    count_run(rows.layout, run)
    return run


def _report(context: WorkContext) -> Callable[[str, float | None], None]:
    def report(message: str, fraction: float | None = None) -> None:
        context.report(message, None if fraction is None else 0.1 + 0.8 * fraction)

    return report


def _until(request: TrainRequest, context: WorkContext) -> float:
    if request.budget_evaluations is not None:
        return float("inf")
    spare = min(_CLOSING_SHARE * request.budget_seconds, _CLOSING_SECONDS)
    # Checks may have taken all of a small budget.
    return max(context.started + request.budget_seconds - spare, context.clock() + _LEAST_SECONDS)


def _judged(
    arms: FeatureArms,
    result: TrialResult,
    ideas: Sequence[FeatureIdea],
    accepted: AcceptedFeatures,
    *,
    seed: int,
) -> dict[str, object]:
    number, kept = len(ideas) + 1, sum(one.verdict == "kept" for one in ideas)
    allowed = error_allowed(number, kept)

    def over(arm: str) -> Estimate:
        outcomes = {str(name): one for name, one in result.outcomes.items()}
        return learning_gain(
            arms.data.metric,
            outcomes["proposed"],
            outcomes[arm],
            tail=allowed,
            test_to_train=result.test_to_train,
            folds=result.folds,
            seed=seed,
        )

    gain, twins = over("accepted"), over("twins") if arms.changed else None
    verdict, reason = idea_verdict(gain, twins, arms, held_against=accepted.source)
    return {
        "gain": gain,
        "over_twins": twins,
        "verdict": verdict,
        "reason": reason,
        "number": number,
        "kept_before": kept,
        "error_allowed": allowed,
        "models": result.models,
        "folds": result.folds,
        "rows": gain.rows,
    }


def _keep(rows: TrainingRows, idea: FeatureIdea, counted: TallyRun, result: TrialResult) -> None:
    """Leave what the correction of later scores needs, and the page for people."""
    layout = rows.layout
    predictions = {f"{name} ({idea.run_id})": values for name, values in result.predictions.items()}
    write_candidate_predictions(layout, idea.run_id, predictions)
    write_text(layout.run_dir(idea.run_id) / "record.json", idea.model_dump_json(indent=2) + "\n")
    finished = len(result.models)
    count_run(layout, counted.model_copy(update={"finished": finished, "unfinished": 0, "ended": True}))
    text = render_document("ideas.md", ideas=tuple(reversed(load_ideas(layout))))
    write_text(layout.reports / "ideas.md", text)
