"""Open the sealed rows once for the champion, count the look, and write the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_engineer import tracking
from ml_engineer.evaluation.groups import worst_group
from ml_engineer.evaluation.held_out import count_confusion
from ml_engineer.evaluation.label_scores import score_labels
from ml_engineer.evaluation.pictures import Picture, draw_pictures
from ml_engineer.evaluation.places import find_misplaced
from ml_engineer.evaluation.survival import find_surprises, in_time
from ml_engineer.evaluation.worst_rows import find_worst_rows
from ml_engineer.project.definition import load_problem
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import save_record
from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.verbs.champion import LoadedChampion, load_champion
from ml_engineer.verbs.evaluating.honest_score import honest_score
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.evaluating.lost_vault import restore_from_source
from ml_engineer.verbs.evaluating.mitigation_trials import try_mitigations
from ml_engineer.verbs.evaluating.page import write_evaluation_page
from ml_engineer.verbs.evaluating.rows import HeldOutPart, OutOfFoldPart, ask_development_rows, score_sealed_rows
from ml_engineer.verbs.evaluating.stored_answer import parents_of, stored_answer
from ml_engineer.verbs.forecasting.evaluation import evaluate_forecast
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.verbs.unsupervised.evaluation import evaluate_without_target
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.evaluation import EvaluationReport, Plot, WorstRow
from ml_engineer.vocabulary.replies import EvaluateReply
from ml_engineer.vocabulary.requests import EvaluateRequest

__all__ = ["evaluate"]

_DRY_RUN_ROWS = 200
_MOST_MATRIX_CLASSES = 10
_VERDICTS = {
    "better_than_baseline": "better than the naive baseline",
    "no_evidence": "no evidence that it beats the naive baseline",
    "worse_than_baseline": "worse than the naive baseline",
}

_AGAINST = {"better": "better", "no_evidence": "no evidence of improvement", "worse": "worse"}


def evaluate(request: EvaluateRequest, context: WorkContext) -> EvaluateReply:
    """Score the champion on the sealed rows, beside the baseline, each number with its interval.

    The same model asked again gets the stored answer and takes no new look. Importance, worst rows and scatter
    plots come from out-of-fold predictions on development rows; held-out rows give aggregates only.

    Raises
    ------
    ProjectStateError
        If nothing was trained, a record is stale, or the model file is missing or was swapped.
    SealError
        If the vault, the ledger or the deal does not add up.
    """
    layout = ProjectLayout(Path(request.project_dir))
    if load_problem(layout).task_type == "forecasting":
        return _reply(evaluate_forecast(request, context, layout), layout)
    context.report("loading the champion", 0.0)
    champion = load_champion(layout)
    stored, changed = stored_answer(champion)
    if stored is not None:
        page = write_evaluation_page(layout)
        update_passport(layout, written_by="evaluate", wrote=(page,))
        return _reply(stored, layout)
    if not champion.problem.learns_target:
        return _reply(evaluate_without_target(champion, parents_of(champion), context, why=request.reason), layout)
    development = load_development(layout, champion.split)
    restored = restore_from_source(layout, champion.split, target=champion.problem.target)
    # Whatever can go wrong with model or features goes wrong here, before a look is spent.
    champion.answer(development.frame.head(_DRY_RUN_ROWS))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    context.report("scoring the held-out rows", 0.1)
    held_out = score_sealed_rows(champion, development, now=now, why=request.reason)
    told = (
        *([changed] if changed else ()),
        *([restored] if restored else ()),
        *told_looks_of_others(champion.split.deal_id, layout),
    )
    held_out = replace(held_out, warnings=(*held_out.warnings, *told))
    context.report("asking out-of-fold models what they need", 0.4)
    out_of_fold = ask_development_rows(champion, development, context)
    context.report("writing the report", 0.9)
    report = _assemble(champion, held_out, out_of_fold, now)
    context.report("taking the luck of the choice off the score", 0.85)
    report = _with_honest_score(report, champion, development)
    context.report("pricing what could lessen disparities", 0.9)
    mitigations = try_mitigations(champion, development, out_of_fold.outcomes, context)
    report = report.model_copy(update={"mitigations": mitigations})
    _save(report, champion, held_out, out_of_fold)
    return _reply(report, layout)


def _assemble(
    champion: LoadedChampion, held_out: HeldOutPart, out_of_fold: OutOfFoldPart, now: str
) -> EvaluationReport:
    scores, recorded = held_out.scores, champion.training.champion
    primary = scores.metrics[0]
    cross_validated = _cross_validated(champion, primary.metric, out_of_fold.outcomes)
    warnings = (*held_out.warnings, *_apart(cross_validated, primary.model), *out_of_fold.warnings)
    worst: tuple[WorstRow, ...] = ()
    if out_of_fold.outcomes is not None:
        worst = _worst_rows(out_of_fold.outcomes, out_of_fold.row_numbers, champion)
    return EvaluationReport(
        parents=parents_of(champion),
        run_id=champion.training.run_id,
        deal_id=champion.split.deal_id,
        model_sha256=recorded.model_sha256,
        evaluated_at=now,
        look=held_out.look,
        held_out_rows=held_out.outcomes.rows,
        primary_metric=primary.metric,
        metrics=scores.metrics,
        cross_validated=cross_validated,
        against_champion=held_out.against_champion,
        verdict=scores.verdict,
        confusion=count_confusion(held_out.outcomes, held_out.classes),
        labels=score_labels(
            held_out.outcomes, held_out.classes, level=primary.model.level, seed=champion.training.seed
        ),
        decision_threshold=recorded.decision_threshold,
        interval_coverage=held_out.coverage,
        groups=held_out.groups,
        fairness=held_out.fairness,
        importances=out_of_fold.importances,
        words=out_of_fold.words,
        worst_rows=worst,
        warnings=warnings,
    )


def _worst_rows(
    outcomes: Outcomes, row_numbers: npt.NDArray[np.integer], champion: LoadedChampion
) -> tuple[WorstRow, ...]:
    if champion.problem.task_type == "ranking":
        return find_misplaced(outcomes, row_numbers)
    curve = champion.training.champion.survival
    if curve is not None:
        return find_surprises(in_time(outcomes, curve), row_numbers, curve)
    return find_worst_rows(outcomes, row_numbers, champion.problem.classes)


def _with_honest_score(
    report: EvaluationReport, champion: LoadedChampion, development: Development
) -> EvaluationReport:
    honest = honest_score(
        champion,
        development,
        metric=report.primary_metric,
        best=report.cross_validated,
        looks_before=report.look - 1,
    )
    return report.model_copy(update={"honest": honest})


def _cross_validated(champion: LoadedChampion, metric: Metric, outcomes: Outcomes | None) -> Estimate:
    """The cross-validated value of the metric that decides, which is not always the one that was planned."""
    if metric == champion.problem.primary_metric or outcomes is None or not isfinite(metric_value(metric, outcomes)):
        return champion.training.champion.score
    return estimate(metric, outcomes, seed=champion.training.seed)


def _apart(cross_validated: Estimate, held_out: Estimate) -> tuple[str, ...]:
    if held_out.low <= cross_validated.high and cross_validated.low <= held_out.high:
        return ()
    told = "Held-out and cross-validated scores lie further apart than chance explains: the held-out rows differ from "
    return (f"{told}the development rows, or the search fitted the folds.",)


def _save(
    report: EvaluationReport, champion: LoadedChampion, held_out: HeldOutPart, out_of_fold: OutOfFoldPart
) -> None:
    """Write pictures, record and page, and log all of it to the run."""
    layout = champion.layout
    pictures = draw_pictures(
        champion.problem,
        held_out=held_out.outcomes,
        classes=held_out.classes,
        out_of_fold=out_of_fold.outcomes,
        importances=out_of_fold.importances,
    )
    drawn = [(picture, _write_picture(picture, layout)) for picture in pictures]
    plots = tuple(Plot(name=picture.title, path=layout.relative(path)) for picture, path in drawn)
    save_record(layout, report.model_copy(update={"plots": plots}))
    page = write_evaluation_page(layout)
    wrote = (page, layout.records / f"{report.kind}.json", *(path for _, path in drawn))
    update_passport(layout, written_by="evaluate", wrote=wrote)
    tracking.log_evaluation(
        layout,
        champion.training.mlflow_run_id,
        {f"held_out_{result.metric}": result.model.value for result in report.metrics},
        [page, *(path for _, path in drawn)],
    )


def _write_picture(picture: Picture, layout: ProjectLayout) -> Path:
    path = layout.reports / "plots" / f"{picture.name}.svg"
    write_text(path, picture.svg)
    return path


def _reply(report: EvaluationReport, layout: ProjectLayout) -> EvaluateReply:
    primary = report.primary
    baseline = "" if primary.baseline is None else f", naive baseline {primary.baseline.value:.4g}"
    again = (
        " The same model was evaluated before: this is the stored answer, and no new look." if report.repeated else ""
    )
    matrix = report.confusion
    honest, against = report.honest, report.against_champion
    small = matrix is not None and len(matrix.labels) <= _MOST_MATRIX_CLASSES
    return EvaluateReply(
        status="done",
        summary=f"On {report.held_out_rows} held-out rows: {primary.metric} {primary.model}{baseline}; "
        f"{_VERDICTS[report.verdict]}.{_in_short(report)}{again}",
        warnings=list(report.warnings),
        next_step="Call check_guardrails; then read the report with the person who decides on deployment"
        if report.verdict == "better_than_baseline"
        else "Do not deploy. Look at importance and worst rows, bring better columns or more rows, then train again",
        artifacts={
            "report": str(layout.evaluation_html),
            "record": str(layout.records / f"{report.kind}.json"),
            "plots": str(layout.reports / "plots"),
        },
        project_dir=str(layout.root),
        run_id=report.run_id,
        verdict=report.verdict,
        look=report.look,
        held_out_rows=report.held_out_rows,
        metrics={result.metric: _rounded(result.model) for result in report.metrics},
        baseline={
            result.metric: _short(result.baseline.value) for result in report.metrics if result.baseline is not None
        },
        confusion=[list(row) for row in matrix.counts] if matrix is not None and small else None,
        labels=list(matrix.labels) if matrix is not None and small else None,
        cross_validated=_rounded(report.cross_validated),
        corrected=_rounded(honest.corrected)
        if honest is not None and honest.corrected is not None and honest.compared > 1
        else None,
        candidates_tried=None if honest is None else honest.tried,
        against_champion=None if against is None else _rounded(against.gain),
        worst_group=worst_group(report.groups),
    )


def _in_short(report: EvaluationReport) -> str:
    """What the choice among many costs, and whether the model is better than the one before."""
    told = ""
    honest, against = report.honest, report.against_champion
    if honest is not None and honest.corrected is not None and honest.compared > 1:
        told += (
            f" Cross-validated {honest.best.value:.4g}, and {honest.corrected.value:.4g} corrected for having been "
            f"chosen among {honest.tried} candidates."
        )
    if against is not None:
        earlier = "the promoted champion" if against.promoted else "the model evaluated before"
        told += f" Against {earlier}: {_AGAINST[against.verdict]} ({against.gain})."
    return told


def _rounded(estimate: Estimate) -> Estimate:
    """What a reply says; the record keeps every digit."""
    ends = {name: _short(getattr(estimate, name)) for name in ("value", "low", "high")}
    return estimate.model_copy(update=ends)


def _short(value: float) -> float:
    return float(f"{value:.5g}")
