"""Frame a forecast: seal the last horizons of all series first, then look at what came before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from ml_engineer import seal
from ml_engineer.errors import InputError
from ml_engineer.forecasting.planning import plan_backtest, sealed_horizons
from ml_engineer.forecasting.rhythm import Rhythm
from ml_engineer.profiling.columns import profile_columns
from ml_engineer.profiling.contract import draft_contract
from ml_engineer.profiling.names import quoted, unit_in
from ml_engineer.project.earlier import Earlier, recall
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.evaluating.lost_vault import restore_lost_vault
from ml_engineer.verbs.forecasting.columns import columns_of, past_columns
from ml_engineer.verbs.forecasting.request import Asked, settle
from ml_engineer.verbs.forecasting.signal import FirstLook, first_look
from ml_engineer.verbs.framing.contract import settle_contract
from ml_engineer.verbs.framing.files import FramedProject, write_project
from ml_engineer.verbs.framing.records import profile_of, settled
from ml_engineer.verbs.framing.reply import framing_reply
from ml_engineer.verbs.framing.request import Told, gather
from ml_engineer.verbs.framing.table import FramingTable, read_framing_table
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition, SplitDefinition
from ml_engineer.vocabulary.replies import FrameProblemReply
from ml_engineer.vocabulary.requests import FrameProblemRequest
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["frame_forecast"]


@dataclass(frozen=True)
class _Sealed:
    """The deal, and what may be looked at."""

    definition: SplitDefinition
    receipt: seal.SealReceipt
    development: pd.DataFrame
    held_out_rows: int
    looks: int


def frame_forecast(request: FrameProblemRequest, context: WorkContext) -> FrameProblemReply:
    """Frame the problem and write it into the project; raises as `frame_problem`."""
    layout = ProjectLayout(Path(request.project_dir))
    earlier = recall(layout, target=request.target)
    context.report("Reading the table", 0.05)
    table = read_framing_table(request)
    told = gather(request.model_copy(update={"task_type": "forecasting"}), earlier, list(table.frame.columns))
    request = told.request
    context.report("Looking at time and series", 0.2)
    asked = settle(request, table.frame)
    context.report("Sealing the last horizons", 0.3)
    sealed = _seal(request, table, asked, layout)
    context.report("Looking at development rows", 0.5)
    development = sealed.development
    storage = {column.name: column.storage for column in table.report.columns}
    columns = profile_columns(development, storage)
    parts = columns_of(development, columns, request, asked)
    look = first_look(development, request, asked, known_past=past_columns(parts))
    context.report("Writing the problem", 0.9)
    profile = profile_of(
        table,
        columns,
        content_sha256=sealed.receipt.table_sha256,
        rows=len(sealed.development) + sealed.held_out_rows,
        development_rows=len(sealed.development),
    )
    parents = {profile.kind: profile.content_hash()}
    definition = sealed.definition.model_copy(update={"folds": look.plan.folds + 1})
    split = SplitPlan(
        parents=parents,
        definition=definition,
        target=request.target,
        development_rows=len(development),
        held_out_rows=sealed.held_out_rows,
        fold_rows=tuple(np.bincount(look.folds, minlength=look.plan.folds + 1).tolist()),
        **vars(sealed.receipt),
    )
    split = settled(split, find_record(layout, SplitPlan))
    problem = _define(
        told, asked, sealed, look, split=split, parts=parts, table=table, earlier=earlier, parents=parents
    )
    before = find_record(layout, DataProfile)
    warnings = _warnings(
        told, asked, sealed, table, before=before, now=profile, layout=layout, edited=earlier.edited_text
    )
    gaps = frozenset(str(name) for name in development.columns[development.isna().any()])
    contract = settle_contract(layout, draft_contract(parts, profile.columns, development, with_gaps=gaps))
    framed = FramedProject(
        problem, profile, split, development, look.folds, edited_text=earlier.edited_text, contract=contract
    )
    artifacts = write_project(layout, framed)
    return framing_reply(
        problem,
        split,
        warnings=contract.among(warnings),
        artifacts=artifacts,
        project_dir=str(layout.root),
        job_id=context.job_id,
    )


def _seal(request: FrameProblemRequest, table: FramingTable, asked: Asked, layout: ProjectLayout) -> _Sealed:
    """Deal the rows by time: all series are cut at one moment, so that no series tells of another's future."""
    frame = table.frame
    rhythm, horizon = asked.rhythm, asked.horizon
    horizons = sealed_horizons(rhythm.moments, horizon, series=rhythm.series, fraction=request.held_out_fraction)
    plan_backtest(rhythm.moments - horizons * horizon, horizon)
    latest = _late_rows(frame[asked.time_column], rhythm, horizons * horizon)
    definition = SplitDefinition(
        strategy="time",
        time_column=asked.time_column,
        held_out_fraction=float(latest.mean()),
        folds=2,
        seed=request.seed,
        reason=f"the last {horizons} horizons of {horizon} moments of all series are sealed; before them, models are "
        "backtested from rolling origins, each seeing only what came earlier",
    )
    plan = find_record(layout, SplitPlan)
    if plan is not None and not request.redeal and plan.target in {"", request.target}:
        restore_lost_vault(layout, plan, frame, target=request.target)
    hashed = seal.hash_frame(frame)
    recognition = seal.recognise(frame, hashed=hashed)
    held_out = seal.deal(
        frame,
        definition,
        target=request.target,
        recognition=None if request.redeal else recognition,
        row_hashes=hashed.row_hashes,
    )
    receipt = seal.seal(
        frame,
        held_out,
        definition=definition,
        target=request.target,
        project_ledger=layout.ledger,
        recognition=recognition,
        redeal=request.redeal,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who_acts(),
        hashed=hashed,
    )
    looks = seal.count_looks(receipt.deal_id, project_ledger=layout.ledger)
    return _Sealed(
        definition, receipt, frame[~held_out].copy(), int(held_out.sum()), max(looks, receipt.looks_inherited)
    )


def _late_rows(times: pd.Series, rhythm: Rhythm, moments: int) -> np.ndarray:
    """Which rows lie in the last so many moments of the grid, (n,) bool."""
    if isinstance(rhythm.step, int):
        cut = times.max() - rhythm.step * (moments - 1)
    else:
        cut = pd.date_range(times.min(), times.max(), freq=rhythm.step)[-moments]
    late = (times >= cut).to_numpy()
    if not late.any() or late.all():
        raise InputError("The series cannot be cut in time", remedy="Bring a longer history, or a smaller horizon")
    return np.asarray(late)


def _define(
    told: Told,
    asked: Asked,
    sealed: _Sealed,
    look: FirstLook,
    *,
    split: SplitPlan,
    parts: tuple[ProblemColumn, ...],
    table: FramingTable,
    earlier: Earlier,
    parents: dict[str, str],
) -> ProblemDefinition:
    request, rhythm, target = told.request, asked.rhythm, told.request.target
    source = PurePath(table.source.path).name or "the query"
    many = f"{rhythm.series:,} series" if rhythm.series > 1 else "one series"
    metric = request.metric or "mase"
    return ProblemDefinition(
        parents=parents,
        title=f"Forecast {target}",
        business_goal=request.goal
        or f"Forecast {quoted(target)} {asked.horizon} moments ahead, from a history like that of {quoted(source)}.",
        goal_given=request.goal is not None,
        task_type="forecasting",
        task_reason=f"{many} of numbers, {rhythm.words}, are forecast {asked.horizon} moments ahead",
        target=target,
        unit=unit_in(target),
        primary_metric=metric,
        metric_reason="named by the person"
        if request.metric
        else "it adds up errors of series of any size, in units of what one season changes (below 1: better than that)",
        target_score=request.target_score,
        prediction_moment=request.prediction_moment
        or "At each origin: values before it are known, and columns known in advance up to the horizon.",
        prediction_moment_given=request.prediction_moment is not None,
        columns=parts,
        split=split.definition,
        forecast=look.plan,
        baseline=look.baseline,
        signal=look.signal,
        worth_building=look.signal.verdict != "not_above_baseline",
        **({} if earlier.problem is None else {"look_budget": earlier.problem.look_budget}),
        risks=_risks(asked, sealed, look.plan),
        assumptions=asked.assumptions,
        questions=asked.questions,
        deal_id=sealed.receipt.deal_id,
        arguments=told.arguments,
    )


def _risks(asked: Asked, sealed: _Sealed, plan: ForecastPlan) -> tuple[str, ...]:
    risks = []
    if sealed.looks:
        risks.append(f"These held-out rows were looked at {sealed.looks} times before: scores on them flatter")
    origins = plan.folds * plan.origins_a_fold
    if origins < 8:
        risks.append(f"The history holds only {origins} origins to backtest from, so scores are known roughly")
    if asked.known_in_advance:
        named = ", ".join(quoted(name, 40) for name in asked.known_in_advance[:5])
        risks.append(
            f"{named} must be known when a forecast is made: if only a forecast of it is (as with weather), backtests that "
            "use its true value flatter"
        )
    if plan.gaps:
        risks.append(f"{plan.gaps:,} moments have no row; they are left empty, not filled in")
    return tuple(risks)


def _warnings(
    told: Told,
    asked: Asked,
    sealed: _Sealed,
    table: FramingTable,
    *,
    before: DataProfile | None,
    now: DataProfile,
    layout: ProjectLayout,
    edited: str | None,
) -> list[str]:
    rhythm, receipt = asked.rhythm, sealed.receipt
    many = f"{rhythm.series:,} series" if rhythm.series > 1 else "one series"
    gaps = f", {rhythm.gaps:,} moments without a row" if rhythm.gaps else ", without gaps"
    warnings = []
    if sealed.looks:
        warnings.append(f"The held-out rows were looked at {sealed.looks} times before; this stays counted")
        warnings += told_looks_of_others(receipt.deal_id, layout)
    warnings.append(f"Read as {many}, {rhythm.words}, {rhythm.moments:,} moments{gaps}")
    if receipt.matched_rows and not told.request.redeal:
        warnings.append(f"{receipt.matched_rows:,} rows are known from an earlier deal and keep their side")
    if before is not None and before.fingerprint.content_sha256 != now.fingerprint.content_sha256:
        warnings.append(f"The data has changed since the last framing ({before.rows:,} rows then, {now.rows:,} now)")
    if told.kept:
        warnings.append(f"Kept from the last framing: {', '.join(told.kept)}")
    if edited is not None:
        warnings.append("problem.yaml was edited by hand; it is kept as problem.before.yaml")
    return [*warnings, *table.notes]
