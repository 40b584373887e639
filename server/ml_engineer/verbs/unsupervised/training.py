"""Train where nothing is predicted: try groupings or detectors, hold them against chance, and write the champion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer import tracking
from ml_engineer.independent_fits import Executor
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.champion_code import ChampionFacts, render_champion
from ml_engineer.modelling.preparation import ColumnList
from ml_engineer.project.candidate_predictions import write_candidate_predictions
from ml_engineer.project.files import file_sha256, replacing, write_text
from ml_engineer.rendering.documents import render_document
from ml_engineer.unsupervised.agreement import aligned
from ml_engineer.unsupervised.choosing import Choice, Labels, choose, score_of
from ml_engineer.unsupervised.options import Option
from ml_engineer.unsupervised.rows import LookedAt
from ml_engineer.unsupervised.search import Limits, Standing, try_options
from ml_engineer.verbs.training.champion_files import (
    StagedRun,
    describe_environment,
    stage_run,
)
from ml_engineer.verbs.training.conclusion import STOPPED_EARLY, keep_texts, log_champion
from ml_engineer.verbs.training.counted_run import counted_run, leave_proofs
from ml_engineer.verbs.training.fit_journal import FolderJournal
from ml_engineer.verbs.training.rows import TrainingRows
from ml_engineer.verbs.unsupervised.evidence import Baseline, baseline_of, evidence_of
from ml_engineer.verbs.unsupervised.rows import Sample, judge_of, known_labels, looked_at, options_of
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.training import CandidateResult, Champion, Leaderboard, TrainingRun

__all__ = ["train_without_target"]

_CLOSING_SHARE, _CLOSING_SECONDS = 0.4, 15.0
_LISTS = {
    "NUMBERS": "Numbers, brought to mean 0 and variance 1.",
    "SKEWED": "Strongly skewed numbers, bent to be less so first.",
    "WORDS": "Categories and flags; rare ones share a column.",
}


@dataclass(frozen=True)
class _Won:
    """The champion, fitted, with what is known of it."""

    choice: Choice
    model: Any
    answers: np.ndarray
    baseline: Baseline
    threshold: float | None


def train_without_target(
    rows: TrainingRows, request: TrainRequest, context: WorkContext, executor: Executor, *, started_at: datetime
) -> TrainingRun:
    """Search, conclude and put the champion in place.

    Raises
    ------
    InputError
        If nothing could be fitted, or a candidate is asked for that does not exist.
    ProjectStateError
        If files cannot be written.
    """
    layout, options = rows.layout, options_of(rows, request)
    # Sums of several threads add up in changing order; and the same code must give the same groups elsewhere.
    with (
        threadpool_limits(limits=1),
        counted_run(layout, rows.problem, rows.split, started_at=started_at) as (run_id, tracked),
    ):
        record, standings = _train(
            rows, options, request, context, executor, tracked=tracked, run_id=run_id, started_at=started_at
        )
    write_candidate_predictions(
        layout, run_id, {each.option.name: each.answers for each in standings if each.fold_scores}
    )
    leave_proofs(layout, record, rows.split)
    return record


def _train(
    rows: TrainingRows,
    options: list[Option],
    request: TrainRequest,
    context: WorkContext,
    executor: Executor,
    *,
    tracked: tracking.TrackedRun,
    run_id: str,
    started_at: datetime,
) -> tuple[TrainingRun, list[Standing]]:
    sample = looked_at(rows)
    seen, metric, labels = sample.seen, rows.problem.primary_metric, _labels(sample)
    results: dict[str, CandidateResult] = {}

    def finished(standing: Standing) -> None:
        result = _result(standing, seen, metric, labels)
        results[result.name] = result
        tracked.log_candidate(result, metric)
        if standing.status == "finished":
            context.keep_best()
        context.report(f"tried {result.name}", min(0.1 + 0.6 * len(results) / max(len(options), 1), 0.7))

    closing = min(_CLOSING_SHARE * request.budget_seconds, _CLOSING_SECONDS)
    limits = Limits(
        context.clock,
        context.started + request.budget_seconds - closing,
        request.budget_evaluations,
        request.seed,
        context.asked_to_stop,
    )
    executor.load(seen)
    standings = try_options(
        options,
        seen,
        judge_of(rows.problem),
        executor=executor,
        limits=limits,
        journal=FolderJournal(context.journal_dir),
        finished=finished,
    )
    for standing in standings:
        results.setdefault(standing.option.name, _result(standing, seen, metric, labels))
    context.report("comparing with rows without structure", 0.75)
    choice = choose(standings, seen, metric, rule=request.champion, labels=labels)
    won = _win(sample, choice, labels, seed=request.seed)
    context.report("saving and logging", 0.9)
    record = _conclude(sample, won, results, request, context, tracked=tracked, run_id=run_id, started_at=started_at)
    return record, standings


def _labels(sample: Sample) -> Labels | None:
    found = known_labels(sample.rows.problem, sample.rows.development.frame)
    return None if found is None else Labels(found.known[sample.chosen], found.positive[sample.chosen])


def _win(sample: Sample, choice: Choice, labels: Labels | None, *, seed: int) -> _Won:
    """Fit the champion on all development rows, and see what chance would do."""
    rows, seen = sample.rows, sample.seen
    standing = choice.standing
    model = clone(standing.option.estimator).fit(rows.data.features)
    answers, threshold = standing.answers, None
    if rows.problem.task_type == "clustering":
        asked = np.isfinite(answers)
        answers = np.full(seen.rows, np.nan)
        own = np.asarray(model.predict(seen.features), dtype=int)
        for _, test in seen.pairs:
            answers[test] = aligned(standing.answers[test].astype(int), own[test])
        answers[~asked] = np.nan
    else:
        known = answers[np.isfinite(answers)]
        threshold = float(np.quantile(known, 1 - (rows.problem.expected_fraction or 0.01), method="higher"))
    return _Won(choice, model, answers, baseline_of(sample, model, choice, labels, seed=seed), threshold)


def _conclude(
    sample: Sample,
    won: _Won,
    results: Mapping[str, CandidateResult],
    request: TrainRequest,
    context: WorkContext,
    *,
    tracked: tracking.TrackedRun,
    run_id: str,
    started_at: datetime,
) -> TrainingRun:
    rows, chosen = sample.rows, sample.chosen
    layout, option, metric = rows.layout, won.choice.standing.option, rows.problem.primary_metric
    stopped = context.asked_to_stop()
    predictions = np.full(rows.data.rows, np.nan)
    predictions[chosen] = won.answers
    staged = stage_run(rows, run_id, won.model, predictions=predictions, labels=None)
    _add_values(rows, run_id, chosen, won.choice.standing.values)
    candidate = _as_candidate(rows, option)
    reason = "" if won.threshold is None else "the anomaly score from which a row is flagged, from out-of-fold scores"
    code = render_champion(
        candidate, ChampionFacts(run_id, metric, won.choice.score.value, None, won.threshold, reason)
    )
    staged.write_code(code)
    record = TrainingRun(
        parents={parent.kind: parent.content_hash() for parent in (rows.problem, rows.split)},
        run_id=run_id,
        mlflow_run_id=tracked.mlflow_run_id,
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=context.clock() - context.started,
        budget_seconds=request.budget_seconds,
        budget_evaluations=request.budget_evaluations,
        seed=request.seed,
        development_sha256=rows.split.development_sha256,
        leaderboard=Leaderboard(metric=metric, candidates=tuple(sorted(results.values(), key=_place))),
        baseline=won.baseline.result,
        champion=_champion(rows, staged, won, code),
        decisions=won.choice.reasons,
        gain=won.baseline.gain,
        out_of_fold_path=layout.relative(layout.out_of_fold(run_id)),
        feature_columns=tuple(rows.data.features.columns),
        environment=describe_environment(),
        asked=request.model_dump(mode="json", exclude={"project_dir"}),
        code=keep_texts(layout, champion=code),
        structure=evidence_of(sample, won.model, won.choice.standing, won.answers),
        stopped_early=stopped,
        warnings=(*won.choice.warnings, *_warnings(rows, won, staged, stopped=stopped)),
    )
    staged.write_manifest(record, rows)
    log_champion(tracked, record, rows, won.model, staged, code=code)
    record = record.model_copy(update={"seconds": context.clock() - context.started})
    staged.publish(record)
    text = render_document("search_without_target.md", run=record, task=rows.problem)
    write_text(layout.reports / "search.md", text)
    return record


def _add_values(rows: TrainingRows, run_id: str, chosen: np.ndarray, values: np.ndarray) -> None:
    """Put what the metric is the mean of beside the answers."""
    path = rows.layout.out_of_fold(run_id)
    table = pd.read_parquet(path)
    table["value"] = np.nan
    table.loc[chosen, "value"] = values
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def _as_candidate(rows: TrainingRows, option: Option) -> Candidate:
    path = rows.layout.candidates_py
    origin = file_sha256(path) if option.family == "user" and path.exists() else ""
    lists = tuple(ColumnList(name, tuple(columns), _LISTS[name]) for name, columns in option.lists.items())
    return Candidate(option.name, option.family, option.estimator, option.why, lists=lists, origin=origin)


def _result(standing: Standing, seen: LookedAt, metric: Metric, labels: Labels | None) -> CandidateResult:
    option = standing.option
    finished = standing.status == "finished"
    scores = standing.fold_scores
    return CandidateResult(
        name=option.name,
        family=option.family,
        status=standing.status,
        fold_scores=scores,
        score=score_of(standing, seen, metric, labels) if finished else None,
        score_std=float(np.std(scores)) if finished else None,
        fit_seconds=standing.seconds,
        predict_milliseconds_per_row=standing.milliseconds if finished else None,
        parameters=option.parameters,
        reason=standing.reason,
        decisions=_decisions(standing) if finished else (),
    )


def _decisions(standing: Standing) -> tuple[str, ...]:
    means = standing.agreements.mean(axis=0)
    names = ("prediction strength", "adjusted Rand index") if len(means) == 2 else ("overlap of the rows at the top",)
    told = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, means, strict=True))
    parts = "; ".join(f"{kind}: ROC AUC {value:.3f}" for kind, value in standing.parts.items())
    return (
        f"Between random halves of the rows: {told}.",
        *((f"Planted anomalies, by kind: {parts}.",) if parts else ()),
    )


def _place(result: CandidateResult) -> tuple[int, float]:
    order = {"finished": 0, "out_of_time": 1, "failed": 2}
    return order.get(result.status, 3), -(result.score.value if result.score is not None else 0.0)


def _champion(rows: TrainingRows, staged: StagedRun, won: _Won, code: str) -> Champion:
    layout, option = rows.layout, won.choice.standing.option
    return Champion(
        name=option.name,
        family=option.family,
        score=won.choice.score,
        model_path=layout.relative(layout.champion_dir / staged.saved.file_name),
        model_sha256=staged.saved.sha256,
        model_format=staged.saved.model_format,
        code_path=layout.relative(layout.champion_py),
        code_sha256=hashlib.sha256(code.encode()).hexdigest(),
        features_sha256=rows.features_sha256,
        flag_threshold=won.threshold,
    )


def _warnings(rows: TrainingRows, won: _Won, staged: StagedRun, *, stopped: bool) -> list[str]:
    told = [STOPPED_EARLY] if stopped else []
    told += won.baseline.warnings
    if rows.data.rows > len(won.answers):
        told.append(
            f"Candidates were compared on {len(won.answers):,} of {rows.data.rows:,} development rows; the champion is fitted on all."
        )
    if staged.saved.model_format == "pickle":
        told.append(f"The model is saved as a pickle, which runs code when it is loaded ({staged.saved.reason}).")
    return told
