"""Validate the data, train candidates on the planned folds under MLflow, and write the champion."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ml_engineer.errors import InputError
from ml_engineer.guardrails import is_open, run_checks
from ml_engineer.independent_fits import Executor
from ml_engineer.modelling.candidate import Candidate, with_seed
from ml_engineer.modelling.decisions import seconds_by_features
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from ml_engineer.modelling.results import candidate_result
from ml_engineer.modelling.search import SearchResult, search
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.modelling.search_state import HOLDOUT_ROWS
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.tuning import Tuner, judged_by
from ml_engineer.project.candidate_predictions import write_candidate_predictions
from ml_engineer.project.definition import load_problem
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.user_code import load_candidates
from ml_engineer.verbs.forecasting.training import train_forecast
from ml_engineer.verbs.guardrail_evidence import gather_evidence, load_waivers
from ml_engineer.verbs.ideas.judge_features import judge_features
from ml_engineer.verbs.scaffold_project import scaffold_project
from ml_engineer.verbs.training.beyond_sample import RESERVED_SHARE, is_sampled, learn_beyond_sample
from ml_engineer.verbs.training.conclusion import conclude, reads_spreads
from ml_engineer.verbs.training.counted_run import counted_run, leave_proofs
from ml_engineer.verbs.training.fit_journal import FolderJournal
from ml_engineer.verbs.training.foundation_model import with_foundation_model
from ml_engineer.verbs.training.means import has_time_to_check, most_workers, workers_of
from ml_engineer.verbs.training.reply import leaderboard_lines, refusal, unasked
from ml_engineer.verbs.training.reweighting import reweighted_offers
from ml_engineer.verbs.training.rows import TrainingRows, load_training_rows
from ml_engineer.verbs.training.text_model import with_text_model
from ml_engineer.verbs.training.unfit_arguments import refuse_unfit_arguments
from ml_engineer.verbs.unsupervised.training import train_without_target
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import ScaffoldProjectRequest, TrainRequest
from ml_engineer.vocabulary.training import CandidateResult, TrainingRun

__all__ = ["train"]

Report = Callable[[str, float | None], None]

_ONE_FIT_ROWS = 100_000
_TRIALS = ("ml_engineer.unsupervised.search",)
_RESERVED = frozenset({"baseline", "ensemble"})
_CLOSING_CPU_SECONDS = 1.5
_LEAST_SEARCH_SHARE, _MOST_GRANTED_SECONDS = 0.4, 5.0
_LEAST_SEARCH_SECONDS = 2.0
_INTERVAL_CPU_SECONDS = 2e-5  # a row, for the bootstrap of score and gain
_WRITING_CPU_SECONDS = 4e-6  # a row
_BUSIEST = 6.0
_MOST_CLOSING_SHARE, _MOST_WIDTHS_SHARE = 0.15, 0.25
"""Of a small budget, at most so much is kept for the end, and for widths of intervals that follow the features."""


def train(request: TrainRequest, context: WorkContext) -> TrainReply:
    """Find the best model for the development rows within the budget, and write it down as code and file.

    Data checks come first: one that blocks, and is not waived, ends the call before anything is fitted.

    Raises
    ------
    ProjectStateError
        If the project was not framed, a record is stale, or files cannot be written.
    UserCodeError
        If features.py or candidates.py fails.
    InputError
        If a candidate is asked for that does not exist, or there is no such text or foundation model.
    """
    layout = ProjectLayout(Path(request.project_dir))
    started_at, cpu_started = datetime.now(UTC), time.process_time()
    scaffolded = _scaffold_if_needed(layout, context)
    if not load_problem(layout).learns_target:
        return _without_target(layout, request, context, started_at=started_at, notes=scaffolded)
    if load_problem(layout).task_type == "forecasting":
        return train_forecast(request, context, notes=scaffolded)
    with workers_of(request) as executor:
        context.report("reading the development rows", 0.02)
        rows = load_training_rows(layout)
        if request.text_model is not None and request.trial is None:
            rows = with_text_model(rows, request.text_model, context)
        if request.foundation_model is not None and request.trial is None:
            rows = with_foundation_model(rows, request.foundation_model, context)
        context.report("checking the data", 0.04)
        findings = _check(rows, request, context)
        if any(finding.blocks for finding in findings):
            return refusal(layout, findings)
        threads = _share_cores(rows, executor)
        if request.trial is not None:
            return judge_features(
                rows, request, context, executor, findings=findings, notes=scaffolded, threads=threads
            )
        executor.load(rows.data)
        record = _train(
            rows, request, context, executor, started_at=started_at, cpu_started=cpu_started, threads=threads
        )
    return _reply(record, rows, findings, notes=scaffolded)


def _without_target(
    layout: ProjectLayout, request: TrainRequest, context: WorkContext, *, started_at: datetime, notes: list[str]
) -> TrainReply:
    refuse_unfit_arguments(request, load_problem(layout).task_type)
    with workers_of(request, imports=_TRIALS) as executor:
        context.report("reading the development rows", 0.02)
        rows = load_training_rows(layout)
        context.report("checking the data", 0.04)
        findings = _check(rows, request, context)
        if any(finding.blocks for finding in findings):
            return refusal(layout, findings)
        record = train_without_target(rows, request, context, executor, started_at=started_at)
    return _reply(record, rows, findings, notes=notes)


def _train(
    rows: TrainingRows,
    request: TrainRequest,
    context: WorkContext,
    executor: Executor,
    *,
    started_at: datetime,
    cpu_started: float,
    threads: int,
) -> TrainingRun:
    """Search, conclude and put the champion in place, tracked from the first candidate on."""
    layout = rows.layout
    baseline, candidates = baseline_candidate(rows.data), _candidates(rows, request, threads=threads)
    with counted_run(layout, rows.problem, rows.split, started_at=started_at) as (run_id, tracked):
        done: dict[str, CandidateResult] = {}

        def finished(standing: Standing) -> None:
            """Log a candidate as soon as it has all its folds."""
            result = candidate_result(standing, rows.data, seed=request.seed)
            done[result.name] = result
            if standing.candidate.family != "baseline":
                context.keep_best()
            tracked.log_candidate(result, rows.data.metric)

        result = search(
            baseline,
            candidates,
            rows.data,
            executor=executor,
            plan=_plan(rows, request, context, cpu_started),
            clock=context.clock,
            journal=FolderJournal(context.journal_dir),
            report=_part_of(context.report, 0.1, 0.9),
            finished=finished,
            offers=reweighted_offers(rows),
            tuner=_tuner(rows, request) if request.candidates is None else None,
            asked_to_stop=context.asked_to_stop,
        )
        until = _ends(rows, request, context, cpu_started)
        result, beyond = learn_beyond_sample(rows, result, context, executor, until=until, seed=request.seed)
        record = conclude(
            rows, result, request, context, tracked, run_id=run_id, started_at=started_at, done=done, beyond=beyond
        )
    _leave_proofs(rows, result, record)
    return record


def _share_cores(rows: TrainingRows, executor: Executor) -> int:
    """Threads of a fit: one on all cores instead of one on each, where a fit has enough to do for all of them."""
    if rows.data.rows < _ONE_FIT_ROWS:
        return 1
    if not executor.is_remote:
        executor.workers = 1
    return most_workers()


def _plan(rows: TrainingRows, request: TrainRequest, context: WorkContext, cpu_started: float) -> SearchPlan:
    """A deadline that leaves time for saving; or a number of fits, and then no clock decides anything."""
    deadline = _ends(rows, request, context, cpu_started)
    if is_sampled(rows):
        deadline -= RESERVED_SHARE * request.budget_seconds
    # On a busy machine, checks may have taken all of a small budget; a weak model that is late is better than none.
    granted = min(max(_LEAST_SEARCH_SHARE * request.budget_seconds, _LEAST_SEARCH_SECONDS), _MOST_GRANTED_SECONDS)
    deadline = max(deadline, context.clock() + granted)
    return SearchPlan(
        deadline=deadline,
        budget_evaluations=request.budget_evaluations,
        seed=request.seed,
        price_milliseconds=request.price_milliseconds if not request.budget_evaluations else float("inf"),
        champion=request.champion,
    )


def _ends(rows: TrainingRows, request: TrainRequest, context: WorkContext, cpu_started: float) -> float:
    """Reading of the clock by which the champion must have learned all; infinite where no clock decides."""
    if request.budget_evaluations:
        return float("inf")
    return context.started + request.budget_seconds - _closing_seconds(rows, request, context, cpu_started)


def _tuner(rows: TrainingRows, request: TrainRequest) -> Tuner:
    """Learns from earlier trainings on the same rows; a budget of fits starts from nothing, to give the same twice."""
    if request.budget_evaluations:
        return Tuner(seed=request.seed)
    return Tuner(seed=request.seed, journal=rows.layout.tuning, about=judged_by(rows.data, seed=request.seed))


def _leave_proofs(rows: TrainingRows, result: SearchResult, record: TrainingRun) -> None:
    """Keep what every candidate predicted, count the run, and begin the champion's passport."""
    fitted = [standing for standing in result.standings if standing.fits]
    predictions = {standing.candidate.name: standing.predictions(rows.data) for standing in fitted}
    write_candidate_predictions(rows.layout, record.run_id, predictions)
    leave_proofs(rows.layout, record, rows.split)


def _scaffold_if_needed(layout: ProjectLayout, context: WorkContext) -> list[str]:
    if layout.features_py.exists():
        return []
    quiet = replace(context, report=_part_of(context.report, 0.0, 0.02))
    reply = scaffold_project(ScaffoldProjectRequest(project_dir=str(layout.root)), quiet)
    return [f"The project had no code yet, so it was scaffolded first ({len(reply.written)} files)."]


def _check(rows: TrainingRows, request: TrainRequest, context: WorkContext) -> tuple[Finding, ...]:
    """Ask the data checks; those that fit models only while they leave most of the time to the search."""
    evidence = gather_evidence(rows.layout, stage="train", features=rows.data.features, development=rows.development)
    return run_checks(
        evidence,
        stage="train",
        waivers=load_waivers(rows.layout),
        has_time=lambda: has_time_to_check(request, context),
    )


def _candidates(rows: TrainingRows, request: TrainRequest, *, threads: int) -> list[Candidate]:
    """The portfolio with the project's own candidates after its simplest, or those that were asked for."""
    simplest, *others = build_portfolio(rows.data, seed=request.seed, threads=threads) or (None,)
    origin = file_sha256(rows.layout.candidates_py) if rows.layout.candidates_py.exists() else ""
    own = [
        Candidate(
            name,
            "user",
            with_seed(estimator, request.seed),
            "A pipeline of the project's own, from candidates.py.",
            origin=origin,
            seed=request.seed,
        )
        for name, estimator in load_candidates(rows.layout).items()
    ]
    known = [candidate for candidate in (simplest, *own, *others) if candidate is not None]
    names = [candidate.name for candidate in known]
    if len(set(names)) < len(names) or _RESERVED & set(names):
        twice = next(name for name in names if names.count(name) > 1 or name in _RESERVED)
        raise InputError(
            f"candidates.py names a candidate {twice!r}, as the portfolio does",
            remedy=f"Give it another name in {rows.layout.candidates_py}",
        )
    unknown = [name for name in request.candidates or () if name not in {*names, "baseline"}]
    if unknown:
        raise InputError(
            f"There is no candidate {unknown[0]!r}",
            found=f"known are {', '.join(names)}",
            remedy="Pass foundation_model too: weights of yours for it; none are brought along"
            if unknown[0] == "foundation" and request.foundation_model is None
            else "Pass names from this list, or none for all",
        )
    return [candidate for candidate in known if request.candidates is None or candidate.name in request.candidates]


def _closing_seconds(rows: TrainingRows, request: TrainRequest, context: WorkContext, cpu_started: float) -> float:
    """Time kept for scores, saving and logging: what they take of a processor, on a machine as busy as it is now."""
    passed = context.clock() - context.started
    busy = min(max(passed / max(time.process_time() - cpu_started, 0.1), 1.0), _BUSIEST)
    # Of very many rows, those of one fold are judged; all are written down.
    judged = rows.data.rows if rows.data.rows < HOLDOUT_ROWS else rows.data.rows / len(rows.data.pairs)
    needed = _CLOSING_CPU_SECONDS + _INTERVAL_CPU_SECONDS * judged + _WRITING_CPU_SECONDS * rows.data.rows
    widths = seconds_by_features(rows.data) if reads_spreads(rows.layout) else 0.0
    kept = min(needed * busy, _MOST_CLOSING_SHARE * request.budget_seconds)
    return kept + min(widths * busy, _MOST_WIDTHS_SHARE * request.budget_seconds)


def _part_of(report: Report, begin: float, end: float) -> Report:
    """Progress of a part of the work as progress of the whole."""

    def _report(message: str, fraction: float | None = None) -> None:
        report(message, None if fraction is None else begin + (end - begin) * fraction)

    return _report


def _reply(record: TrainingRun, rows: TrainingRows, findings: tuple[Finding, ...], *, notes: list[str]) -> TrainReply:
    champion, layout, metric = record.champion, rows.layout, record.leaderboard.metric
    baseline = record.baseline.score
    beside = "" if baseline is None else f", naive baseline {baseline.value:.4g}"
    worth = champion.family != "baseline" and record.gain.low > 0
    return TrainReply(
        status="done",
        summary=f"{champion.name} won: cross-validated {metric} {champion.score}{beside}, "
        f"on {champion.score.rows} development rows in {record.seconds:.0f} s.",
        warnings=[*notes, *unasked(findings), *record.warnings],
        findings=[finding for finding in findings if is_open(finding)],
        next_step="Call evaluate once: it opens the sealed rows and counts the look"
        if worth
        else "Improve features.py or candidates.py, or bring more rows, and train again before opening the sealed rows",
        artifacts={
            "champion": str(layout.champion_py),
            "model": str(layout.root / champion.model_path),
            "record": str(layout.records / f"{record.kind}.json"),
            "out_of_fold": str(layout.root / record.out_of_fold_path),
            "search": str(layout.reports / "search.md"),
        },
        project_dir=str(layout.root),
        run_id=record.run_id,
        champion=champion.name,
        primary_metric=metric,
        score=champion.score,
        baseline=baseline,
        gain=record.gain,
        leaderboard=leaderboard_lines(record.leaderboard.candidates),
        seconds=record.seconds,
    )
