"""Open the sealed horizons once for the forecasting champion, count the look, and write the report."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from ml_engineer import seal, tracking
from ml_engineer.forecasting.estimates import estimate_coverage, estimate_gain, estimate_score
from ml_engineer.forecasting.pictures import draw_backtest, draw_steps
from ml_engineer.project.development import load_development
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, save_record
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.evaluating.lost_vault import restore_from_source
from ml_engineer.verbs.evaluating.page import write_evaluation_page
from ml_engineer.verbs.forecasting.champion import ForecastChampion, Later, load_forecast_champion
from ml_engineer.verbs.forecasting.honest import honest_forecast_score
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate, MetricEstimate
from ml_engineer.vocabulary.evaluation import ChampionComparison, EvaluationReport, Plot, WorstRow
from ml_engineer.vocabulary.forecasting import FORECAST_METRICS, StepScore
from ml_engineer.vocabulary.requests import EvaluateRequest

__all__ = ["evaluate_forecast"]

_MOST_STEPS = 60
_WORST = 10


def evaluate_forecast(request: EvaluateRequest, context: WorkContext, layout: ProjectLayout) -> EvaluationReport:
    """Score the champion on the sealed horizons, paired with the naive rule; raises as `evaluate`.

    Returns
    -------
    EvaluationReport
        Stored, with its page; the stored one again, and no new look, if the same model was evaluated before.
    """
    context.report("loading the champion", 0.0)
    champion = load_forecast_champion(layout)
    parents = {one.kind: one.content_hash() for one in (champion.problem, champion.split, champion.training)}
    stored = find_record(layout, EvaluationReport)
    if stored is not None and stored.parents == parents and stored.deal_id == champion.split.deal_id:
        page = write_evaluation_page(layout)
        update_passport(layout, written_by="evaluate", wrote=(page,))
        return stored.model_copy(update={"repeated": True})
    development = load_development(layout, champion.split).frame
    restored = restore_from_source(layout, champion.split, target=champion.problem.target)
    # Whatever can go wrong with model or features goes wrong here, before a look is spent.
    champion.known_answers(development)
    context.report("scoring the sealed horizons", 0.2)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    later, held_out, look = _open(champion, development, now=now, why=request.reason)
    metrics = _metrics(champion, later, level=1 - 0.05 / look)
    points: dict[str, float] = {result.metric: result.model.value for result in metrics}
    sha256 = champion.training.champion.model_sha256
    seal.record_score(
        champion.split.deal_id,
        project_ledger=layout.ledger,
        model_sha256=sha256,
        metrics=points,
        now=now,
        who=who_acts(),
    )
    against = _against(champion, later, held_out, level=1 - 0.05 / look)
    context.report("writing the report", 0.8)
    report = EvaluationReport(
        parents=parents,
        run_id=champion.training.run_id,
        deal_id=champion.split.deal_id,
        model_sha256=sha256,
        evaluated_at=now,
        look=look,
        held_out_rows=int(np.isfinite(later.actual).sum()),
        primary_metric=metrics[0].metric,
        metrics=metrics,
        cross_validated=champion.training.champion.score,
        honest=honest_forecast_score(champion, looks_before=look - 1),
        against_champion=against,
        verdict=_verdict(metrics[0]),
        interval_coverage=None
        if later.half_widths is None
        else estimate_coverage(later.actual, later.forecast, later.half_widths),
        steps=_steps(champion, later),
        worst_rows=_worst(champion, development),
        warnings=(
            *_warnings(champion, later, metrics[0], look),
            *seal.ledger_problems(champion.split.deal_id, project_ledger=layout.ledger),
            *((restored,) if restored else ()),
            *told_looks_of_others(champion.split.deal_id, layout),
        ),
    )
    _save(report, champion, development)
    return report


def _open(
    champion: ForecastChampion, development: pd.DataFrame, *, now: str, why: str
) -> tuple[Later, pd.DataFrame, int]:
    """The look is written down first; then the horizons are forecast, each from what lies before it."""
    layout, split = champion.layout, champion.split
    opening = seal.open_held_out(
        split.deal_id,
        project_ledger=layout.ledger,
        model_sha256=champion.training.champion.model_sha256,
        now=now,
        who=who_acts(),
        why=why,
        candidates=load_tally(layout).of_rows(split.development_sha256).candidates,
    )
    frame = opening.frame[opening.frame[champion.problem.target].notna()]
    return champion.later(development, frame), frame, opening.look


def _metrics(champion: ForecastChampion, later: Later, *, level: float) -> tuple[MetricEstimate, ...]:
    primary = champion.problem.primary_metric
    found = []
    for metric in (primary, *(metric for metric in FORECAST_METRICS if metric != primary)):
        model = estimate_score(metric, later.actual, later.forecast, later.scales, level=level)
        naive = estimate_score(metric, later.actual, later.naive, later.scales, level=level)
        if not np.isfinite(model.value):
            continue
        gain = estimate_gain(metric, later.actual, later.forecast, later.naive, later.scales, level=level)
        difference = gain.model_copy(update={"value": -gain.value, "low": -gain.high, "high": -gain.low})
        found.append(
            MetricEstimate(metric=metric, direction="lower", model=model, baseline=naive, difference=difference)
        )
    return tuple(found)


def _verdict(primary: MetricEstimate) -> str:
    difference = primary.difference
    # Without an interval nothing is shown.
    if difference is None or difference.method.startswith("no interval"):
        return "no_evidence"
    if difference.high < 0:
        return "better_than_baseline"
    return "worse_than_baseline" if difference.low > 0 else "no_evidence"


def _steps(champion: ForecastChampion, later: Later) -> tuple[StepScore, ...]:
    metric = champion.problem.primary_metric
    found = []
    for step in range(min(later.actual.shape[2], _MOST_STEPS)):
        actual, forecast, naive = (part[:, :, [step]] for part in (later.actual, later.forecast, later.naive))
        model = estimate_score(metric, actual, forecast, later.scales)
        if not np.isfinite(model.value):
            continue
        inside = None
        if later.half_widths is not None:
            inside = estimate_coverage(actual, forecast, later.half_widths[:, :, [step]]).value
        beside = estimate_score(metric, actual, naive, later.scales).value
        found.append(StepScore(step=step + 1, model=model, baseline=beside, coverage=inside))
    return tuple(found)


def _against(
    champion: ForecastChampion, later: Later, held_out: pd.DataFrame, *, level: float
) -> ChampionComparison | None:
    """Keep what this model said of the sealed rows, and compare with the model looked at before, paired."""
    deal_id, sha256 = champion.split.deal_id, champion.training.champion.model_sha256
    rows, places = _cells_of(later, held_out)
    said = later.forecast[places]
    seal.keep_answers(deal_id, model_sha256=sha256, rows=rows, answers=said[:, None])
    earlier = [one for one in seal.models_looked_at(deal_id, project_ledger=champion.layout.ledger) if one != sha256]
    for model in reversed(earlier):
        answers = seal.find_answers(deal_id, model_sha256=model, rows=rows)
        if answers is None or answers.shape[1] != 1:
            continue
        theirs = np.full(later.forecast.shape, np.nan)
        theirs[places] = answers[:, 0]
        metric = champion.problem.primary_metric
        gain = estimate_gain(metric, later.actual, later.forecast, theirs, later.scales, level=level)
        verdict = "better" if gain.low > 0 else "worse" if gain.high < 0 else "no_evidence"
        return ChampionComparison(model_sha256=model, promoted=False, metric=metric, gain=gain, verdict=verdict)
    return None


def _cells_of(later: Later, held_out: pd.DataFrame) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Row number in the source of each known cell that was forecast, and its place among the forecasts."""
    total = later.grid.rows.max() + 1
    numbers = np.full(total, -1, dtype=np.int64)
    numbers[total - len(held_out) :] = held_out.index.to_numpy("int64")
    rows = np.full(later.actual.shape, -1, dtype=np.int64)
    for place, origin in enumerate(later.origins):
        there = later.grid.rows[:, origin : origin + later.actual.shape[2]]
        rows[place, :, : there.shape[1]] = np.where(there >= 0, numbers[np.maximum(there, 0)], -1)
    places = np.nonzero((rows >= 0) & np.isfinite(later.actual))
    return rows[places], places


def _worst(champion: ForecastChampion, development: pd.DataFrame) -> tuple[WorstRow, ...]:
    """Development rows that the backtest got most wrong."""
    path = champion.layout.root / champion.training.out_of_fold_path
    if not path.exists():
        return ()
    table = pd.read_parquet(path)
    table = table[table["fold"] >= 1]
    actual = development.loc[table["row"], champion.problem.target].to_numpy(float)
    errors = np.abs(actual - table["predicted"].to_numpy(float))
    order = np.argsort(-np.nan_to_num(errors))[:_WORST]
    return tuple(
        WorstRow(
            row=int(table["row"].iloc[place]),
            actual=f"{actual[place]:.6g}",
            predicted=f"{table['predicted'].iloc[place]:.6g}",
            error=float(errors[place]),
        )
        for place in order
    )


def _warnings(champion: ForecastChampion, later: Later, primary: MetricEstimate, look: int) -> tuple[str, ...]:
    found = []
    origins = len(later.origins)
    if origins < 5:
        found.append(
            f"Too few origins: only {origins} were sealed, so {primary.metric} is known no better than "
            f"{primary.model.low:.3g} to {primary.model.high:.3g}. A longer history or a smaller horizon gives more."
        )
    backtested: Estimate = champion.training.champion.score
    if primary.metric == champion.training.leaderboard.metric and not (
        primary.model.low <= backtested.high and backtested.low <= primary.model.high
    ):
        found.append(
            "Sealed and backtested scores lie further apart than chance explains: times have changed, or the search fitted the backtest."
        )
    if look > 1:
        found.append(
            f"These rows have now judged {look} models: the best score among them flatters, and intervals are widened to "
            f"level {primary.model.level:.3g}."
        )
    return tuple(found)


def _save(report: EvaluationReport, champion: ForecastChampion, development: pd.DataFrame) -> None:
    """Write pictures, record and page, and log all of it to the run."""
    layout = champion.layout
    drawn = {
        "steps": (
            "Error by step of the horizon, sealed horizons",
            draw_steps(report.steps, metric=report.primary_metric),
        )
    }
    path = layout.root / champion.training.out_of_fold_path
    if path.exists():
        grid = champion.grid(development)
        predicted = pd.read_parquet(path).set_index("row")["predicted"].reindex(development.index).to_numpy(float)
        svg = draw_backtest(grid, predicted, target=champion.problem.target)
        drawn["backtest"] = ("Forecasts of the backtest against what came true, development rows", svg)
    plots = []
    for name, (title, svg) in drawn.items():
        place = layout.reports / "plots" / f"{name}.svg"
        write_text(place, svg)
        plots.append(Plot(name=title, path=layout.relative(place)))
    save_record(layout, report.model_copy(update={"plots": tuple(plots)}))
    page = write_evaluation_page(layout)
    update_passport(layout, written_by="evaluate", wrote=(page, layout.records / f"{report.kind}.json"))
    tracking.log_evaluation(
        layout,
        champion.training.mlflow_run_id,
        {f"held_out_{result.metric}": result.model.value for result in report.metrics},
        [page, *(layout.root / plot.path for plot in plots)],
    )
