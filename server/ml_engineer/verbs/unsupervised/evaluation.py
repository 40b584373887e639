"""Open the sealed rows once for a grouping or a detector, count the look, and write the report."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer import seal, splitting, tracking
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import write_text
from ml_engineer.project.records import save_record
from ml_engineer.project.tally import load_tally
from ml_engineer.unsupervised.pictures import draw_map, draw_scores
from ml_engineer.unsupervised.rows import LookedAt, sample_positions
from ml_engineer.unsupervised.sealed import SealedLook, look_at_anomalies, look_at_groups
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.evaluating.lost_vault import restore_from_source
from ml_engineer.verbs.evaluating.page import write_evaluation_page
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.verbs.signature import who_acts
from ml_engineer.verbs.unsupervised.rows import cannot_be_known, known_labels, used_columns
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import EvaluationReport, Plot
from ml_engineer.vocabulary.structure import StructureEvidence

__all__ = ["evaluate_without_target", "look_at_sealed"]

_DRY_RUN_ROWS = 200


def evaluate_without_target(
    champion: LoadedChampion, parents: dict[str, str], context: WorkContext, *, why: str
) -> EvaluationReport:
    """Ask the sealed rows; raises as `evaluate`."""
    layout, problem, sha256 = champion.layout, champion.problem, champion.training.champion.model_sha256
    development = load_development(layout, champion.split)
    restored = restore_from_source(layout, champion.split, target=champion.split.target, learned=False)
    # Whatever can go wrong with model or features goes wrong here, before a look is spent.
    champion.answer(development.frame.head(_DRY_RUN_ROWS))
    now, who, deal_id = datetime.now(UTC).isoformat(timespec="seconds"), who_acts(), champion.split.deal_id
    context.report("asking the held-out rows", 0.2)
    tried = load_tally(layout).of_rows(champion.split.development_sha256).candidates
    opening = seal.open_held_out(
        deal_id, project_ledger=layout.ledger, model_sha256=sha256, now=now, who=who, why=why, candidates=tried
    )
    with threadpool_limits(limits=1):
        look = look_at_sealed(champion, development, opening.frame)
    points: dict[str, float] = {result.metric: result.model.value for result in look.metrics}
    seal.record_score(deal_id, project_ledger=layout.ledger, model_sha256=sha256, metrics=points, now=now, who=who)
    primary, trained = look.metrics[0], champion.training
    difference = primary.difference
    verdict = "no_evidence" if difference is None or difference.low <= 0 <= difference.high else "better_than_baseline"
    if difference is not None and difference.high < 0:
        verdict = "worse_than_baseline"
    known = trained.structure or StructureEvidence()
    report = EvaluationReport(
        parents=parents,
        run_id=trained.run_id,
        deal_id=deal_id,
        model_sha256=sha256,
        evaluated_at=now,
        look=opening.look,
        held_out_rows=len(opening.frame),
        primary_metric=primary.metric,
        metrics=look.metrics,
        cross_validated=trained.champion.score,
        verdict=verdict,
        structure=StructureEvidence(
            measures=look.measures,
            groups=look.groups,
            unusual_rows=known.unusual_rows,
            cannot_be_known=cannot_be_known(problem),
        ),
        warnings=(
            *look.warnings,
            *_apart(trained.champion.score, primary.model, same=primary.metric == trained.leaderboard.metric),
            *seal.ledger_problems(deal_id, project_ledger=layout.ledger),
            *([restored] if restored else ()),
            *told_looks_of_others(deal_id, layout),
        ),
    )
    context.report("writing the report", 0.9)
    return _save(report, champion, development)


def look_at_sealed(champion: LoadedChampion, development: Development, frame: pd.DataFrame) -> SealedLook:
    """What held-out rows say of the champion.

    Parameters
    ----------
    champion : LoadedChampion
        The champion.
    development : Development
        Development rows, from which rows without groups are drawn.
    frame : pandas.DataFrame of shape (h, columns)
        The opened rows.
    """
    problem, definition, seed = champion.problem, champion.split.definition, champion.training.seed
    timed = definition.strategy == "time"
    if timed and definition.time_column is not None:
        frame = frame.sort_values(definition.time_column, kind="stable")
    features = champion.build_features(frame.drop(columns=problem.target, errors="ignore"))
    columns = definition.group_columns
    rows = LookedAt(features, (), (), clusters=splitting.group_codes(frame, columns) if columns else None, blocks=timed)
    raw = used_columns(problem, frame)
    if problem.task_type == "clustering":
        known = development.frame.drop(columns=problem.target, errors="ignore")
        return look_at_groups(champion.model, features, raw, champion.build_features(known), rows=rows, seed=seed)
    threshold = champion.training.champion.flag_threshold
    return look_at_anomalies(
        champion.model,
        features,
        threshold=np.inf if threshold is None else threshold,
        fraction=problem.expected_fraction or 0.01,
        primary=problem.primary_metric,
        labels=known_labels(problem, frame),
        rows=rows,
        seed=seed,
    )


def _apart(cross_validated: Estimate, held_out: Estimate, *, same: bool) -> tuple[str, ...]:
    if not same or (held_out.low <= cross_validated.high and cross_validated.low <= held_out.high):
        return ()
    told = "Held-out and cross-validated scores lie further apart than chance explains: the held-out rows differ from "
    return (f"{told}the development rows, or the search fitted the folds.",)


def _save(report: EvaluationReport, champion: LoadedChampion, development: Development) -> EvaluationReport:
    """Write picture, record and page, and log all of it to the run."""
    layout, problem = champion.layout, champion.problem
    chosen = sample_positions(len(development.frame), most=2_000)
    frame = development.frame.iloc[chosen].drop(columns=problem.target, errors="ignore")
    features = champion.build_features(frame)
    answers = np.asarray(champion.answer(frame).predicted, dtype=float)
    if problem.task_type == "clustering":
        title, svg = (
            "Development rows by group, along their two main directions",
            draw_map(np.asarray(champion.model[:-1].transform(features), dtype=float), answers.astype(int)),
        )
    else:
        title = "Anomaly scores of development rows, and the threshold"
        svg = draw_scores(answers, champion.training.champion.flag_threshold)
    path = layout.reports / "plots" / "structure.svg"
    write_text(path, svg)
    report = report.model_copy(update={"plots": (Plot(name=title, path=layout.relative(path)),)})
    save_record(layout, report)
    page = write_evaluation_page(layout)
    update_passport(layout, written_by="evaluate", wrote=(page, path, layout.records / f"{report.kind}.json"))
    tracking.log_evaluation(
        layout,
        champion.training.mlflow_run_id,
        {f"held_out_{result.metric}": result.model.value for result in report.metrics},
        [page, path],
    )
    return report
