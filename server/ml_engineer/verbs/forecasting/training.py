"""Train a forecaster: checks, the naive rule, the search within the budget, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ml_engineer.errors import InputError
from ml_engineer.forecasting.backtest import actual_values
from ml_engineer.forecasting.estimates import estimate_score
from ml_engineer.forecasting.portfolio import Entrant, SeriesFacts, baseline_entrant, tried_forecasters
from ml_engineer.forecasting.scores import score
from ml_engineer.forecasting.search import Budget, SearchResult, Standing, search
from ml_engineer.guardrails import is_open, run_checks
from ml_engineer.independent_fits import Executor
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.verbs.forecasting.conclusion import conclude_forecast
from ml_engineer.verbs.forecasting.rows import ForecastRows, load_forecast_rows
from ml_engineer.verbs.guardrail_evidence import gather_evidence, load_waivers
from ml_engineer.verbs.training.counted_run import counted_run, leave_proofs
from ml_engineer.verbs.training.fit_journal import FolderJournal
from ml_engineer.verbs.training.means import has_time_to_check, workers_of
from ml_engineer.verbs.training.reply import leaderboard_lines, refusal, unasked
from ml_engineer.verbs.training.unfit_arguments import refuse_unfit_arguments
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import TrainRequest
from ml_engineer.vocabulary.training import CandidateResult, TrainingRun

__all__ = ["train_forecast"]

_CLOSING_CPU_SECONDS = 2.0
_BUSIEST = 6.0
_LEAST_SHARE, _LEAST_SECONDS, _MOST_GRANTED_SECONDS = 0.4, 2.0, 5.0
_ROWS_A_SECOND = 1_500
_FEWEST_ROWS, _MOST_ROWS = 8_000, 120_000
_COUNTED_ROWS = 40_000
_IMPORTS = ("ml_engineer.forecasting.fold_fits",)


def train_forecast(request: TrainRequest, context: WorkContext, *, notes: Sequence[str]) -> TrainReply:
    """Find the best forecaster within the budget; raises as `train`."""
    refuse_unfit_arguments(request, "forecasting")
    layout = ProjectLayout(Path(request.project_dir))
    started_at, cpu_started = datetime.now(UTC), time.process_time()
    with workers_of(request, imports=_IMPORTS) as executor:
        context.report("reading the development rows", 0.02)
        rows = load_forecast_rows(layout)
        context.report("checking the data", 0.04)
        features = rows.build_features(rows.development.frame[_shown(rows)])
        evidence = gather_evidence(layout, stage="train", features=features)
        findings = run_checks(
            evidence, stage="train", waivers=load_waivers(layout), has_time=lambda: has_time_to_check(request, context)
        )
        if any(finding.blocks for finding in findings):
            return refusal(layout, findings)
        executor.load(rows.series.grid)
        record = _train(rows, request, context, executor, started_at=started_at, cpu_started=cpu_started)
    return _reply(record, rows, findings, notes=notes)


def _shown(rows: ForecastRows) -> list[str]:
    return [rows.plan.time_column, *rows.plan.series_columns, *rows.plan.known_in_advance]


def _train(
    rows: ForecastRows,
    request: TrainRequest,
    context: WorkContext,
    executor: Executor,
    *,
    started_at: datetime,
    cpu_started: float,
) -> TrainingRun:
    layout = rows.layout
    entrants, budget = _entrants(rows, request), _budget(request, context, cpu_started)
    with counted_run(layout, rows.problem, rows.split, started_at=started_at) as (run_id, tracked):
        done: dict[str, CandidateResult] = {}

        def finished(standing: Standing) -> None:
            """Log a forecaster as soon as it has all its folds."""
            result = candidate_result(standing, rows)
            done[result.name] = result
            tracked.log_candidate(result, rows.problem.primary_metric)
            if standing.entrant.family != "baseline":
                context.keep_best()

        result = search(
            baseline_entrant(rows.plan.season),
            entrants,
            rows.series.grid,
            rows.series.windows,
            executor=executor,
            scales=rows.series.scales,
            budget=budget,
            clock=context.clock,
            journal=FolderJournal(context.journal_dir),
            report=lambda message, part: context.report(message, None if part is None else 0.1 + 0.75 * part),
            fingerprint=rows.fingerprint(),
            finished=finished,
            asked_to_stop=context.asked_to_stop,
        )
        board = _board(result, rows, done)
        record = conclude_forecast(
            rows,
            result,
            board,
            request,
            context,
            executor=executor,
            deadline=budget.deadline,
            tracked=tracked,
            run_id=run_id,
            started_at=started_at,
        )
    leave_proofs(layout, record, rows.split)
    return record


def _budget(request: TrainRequest, context: WorkContext, cpu_started: float) -> Budget:
    """Until when fits may begin, so that what follows still ends in time, on a machine as busy as it is now."""
    if request.budget_evaluations is not None:
        return Budget(np.inf, request.budget_evaluations)
    busy = (context.clock() - context.started) / max(time.process_time() - cpu_started, 0.1)
    closing = min(_CLOSING_CPU_SECONDS * min(max(busy, 1.0), _BUSIEST), 0.3 * request.budget_seconds)
    deadline = context.started + request.budget_seconds - closing
    # On a busy machine, checks may have taken all of a small budget; a weak model that is late is better than none.
    granted = min(max(_LEAST_SHARE * request.budget_seconds, _LEAST_SECONDS), _MOST_GRANTED_SECONDS)
    return Budget(max(deadline, context.clock() + granted))


def _entrants(rows: ForecastRows, request: TrainRequest) -> list[Entrant]:
    values = rows.series.grid.values
    known = values[np.isfinite(values)]
    facts = SeriesFacts(
        season=rows.plan.season,
        seasons=rows.plan.seasons,
        series=len(rows.series.grid.names),
        horizon=rows.plan.horizon,
        positive=bool((known > 0).all()),
    )
    most = int(min(max(request.budget_seconds * _ROWS_A_SECOND, _FEWEST_ROWS), _MOST_ROWS))
    entrants = tried_forecasters(
        facts, seed=request.seed, most_rows=_COUNTED_ROWS if request.budget_evaluations is not None else most
    )
    names = [entrant.name for entrant in entrants]
    unknown = [name for name in request.candidates or () if name not in {*names, "baseline"}]
    if unknown:
        raise InputError(
            f"There is no candidate {unknown[0]!r}",
            found=f"known are {', '.join(names)}",
            remedy="Pass names from this list, or none for all",
        )
    return [entrant for entrant in entrants if request.candidates is None or entrant.name in request.candidates]


def candidate_result(standing: Standing, rows: ForecastRows) -> CandidateResult:
    """A forecaster as the leaderboard shows it."""
    metric, windows, scales = rows.problem.primary_metric, rows.series.windows, rows.series.scales
    actual = actual_values(rows.series.grid, windows.origins, windows.horizon)
    ends = np.cumsum([len(origins) for origins in windows.folds])
    places = [slice(end - len(fold), end) for fold, end in zip(windows.folds, ends, strict=True)]
    by_fold = tuple(
        score(metric, actual[places[fold]], standing.forecast[places[fold]], scales)
        for fold in sorted(standing.seconds)
    )
    whole = standing.status == "finished"
    return CandidateResult(
        name=standing.entrant.name,
        family=standing.entrant.family,
        status=standing.status,
        fold_scores=by_fold,
        score=estimate_score(metric, actual, standing.forecast, scales) if whole else None,
        score_std=float(np.std(by_fold)) if whole else None,
        fit_seconds=sum(standing.seconds.values()),
        parameters={"forecaster": repr(standing.entrant.forecaster)},
        reason=standing.reason,
        decisions=(standing.entrant.why, *standing.decisions),
    )


def _board(result: SearchResult, rows: ForecastRows, done: dict[str, CandidateResult]) -> tuple[CandidateResult, ...]:
    """Every forecaster, the best first, those without all folds last."""
    found = [done.get(one.entrant.name) or candidate_result(one, rows) for one in result.standings]
    return tuple(sorted(found, key=lambda one: np.inf if one.score is None else one.score.value))


def _reply(
    record: TrainingRun, rows: ForecastRows, findings: tuple[Finding, ...], *, notes: Sequence[str]
) -> TrainReply:
    champion, layout, metric = record.champion, rows.layout, record.leaderboard.metric
    baseline = record.baseline.score
    beside = "" if baseline is None else f", naive rule {baseline.value:.4g}"
    worth = champion.family != "baseline" and record.gain.low > 0
    origins = len(rows.series.windows.origins)
    return TrainReply(
        status="done",
        summary=f"{champion.name} won: backtested {metric} {champion.score}{beside}, "
        f"from {origins} origins of {rows.plan.horizon} moments in {record.seconds:.0f} s.",
        warnings=[*notes, *unasked(findings), *record.warnings],
        findings=[finding for finding in findings if is_open(finding)],
        next_step="Call evaluate once: it opens the sealed horizons and counts the look"
        if worth
        else "Name columns known in advance, improve features.py or bring a longer history, and train again before opening "
        "the sealed horizons",
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
