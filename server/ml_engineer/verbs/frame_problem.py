"""Turn a table and a target into a framed problem: seal held-out rows first, then look at the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.amounts import holds_counts, refuse_unfit_amounts
from ml_engineer.profiling.columns import ColumnsProfile, profile_columns
from ml_engineer.profiling.contract import draft_contract
from ml_engineer.profiling.dependence import Dependence, read_dependence
from ml_engineer.profiling.events import as_survival
from ml_engineer.profiling.keys import find_row_counters
from ml_engineer.profiling.label_sets import as_multilabel, split_target
from ml_engineer.profiling.metric_choice import require_metric
from ml_engineer.profiling.names import quoted, unit_in
from ml_engineer.profiling.queries import query_column, require_queries
from ml_engineer.profiling.query_evidence import see_queries
from ml_engineer.profiling.questions import ask_about_survival, choose_questions
from ml_engineer.profiling.risks import list_assumptions, list_risks
from ml_engineer.profiling.roles import Structure, tell_written_numbers
from ml_engineer.profiling.running_text import name_by_inputs, refuse_without_text
from ml_engineer.profiling.study import Study, study_development
from ml_engineer.profiling.target import TargetReading, read_target
from ml_engineer.project.earlier import Earlier, recall
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.forecasting.request import is_forecasting, refuse_forecasting_arguments
from ml_engineer.verbs.framing.contract import settle_contract
from ml_engineer.verbs.framing.files import FramedProject, write_project
from ml_engineer.verbs.framing.records import profile_of, settled
from ml_engineer.verbs.framing.reply import framing_reply
from ml_engineer.verbs.framing.request import Told, gather
from ml_engineer.verbs.framing.sealing import SealedTable, seal_table
from ml_engineer.verbs.framing.table import FramingTable, read_framing_table
from ml_engineer.verbs.unsupervised.request import task_without_target
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import ProblemDefinition, TaskType
from ml_engineer.vocabulary.replies import FrameProblemReply
from ml_engineer.vocabulary.requests import FrameProblemRequest
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["frame_problem"]

_KEPT = ("fairness_tolerance", "fairness_use", "look_budget", "horizons")
"""What a person sets in problem.yaml alone; framing again keeps it."""
_UNWEIGHTED: dict[TaskType, tuple[str, str]] = {
    "ranking": ("A ranking counts every query once", "pass task_type='regression'"),
    "multilabel": (
        "Several labels a row are learned with every row counting once",
        "frame one label at a time as a binary task",
    ),
}
"""Tasks without row weights: why, and what to do instead. scikit-learn hands weights to no model of one label against the rest."""


@dataclass(frozen=True)
class _Findings:
    """What was told and found on the way to the definition; of the table, all but its rows."""

    rows: int
    with_gaps: frozenset[str]
    table: FramingTable
    told: Told
    earlier: Earlier
    reading: TargetReading
    counts: bool
    dependence: Dependence
    sealed: SealedTable
    columns: ColumnsProfile
    study: Study


def frame_problem(request: FrameProblemRequest, context: WorkContext) -> FrameProblemReply:
    """Frame the problem and write it into the project.

    Held-out rows are dealt and sealed from structure and target counts alone. Roles, suspects, metric, baseline and
    signal are worked out on development rows. Files are written at the end, all or none.

    Raises
    ------
    InputError
        If the data, the target or an argument cannot be used as given.
    ProjectStateError
        If the project cannot be written; it is as it was before.
    SealError
        If known rows would change sides after a look.
    """
    task = task_without_target(request)
    # The workshops of other tasks bring scikit-learn, which takes longer to load than framing a small table does.
    if task is not None:
        from ml_engineer.verbs.unsupervised.framing import frame_without_target

        return frame_without_target(request, task, context)
    layout = ProjectLayout(Path(request.project_dir))
    if is_forecasting(request, recall(layout, target=request.target).arguments.get("task_type")):
        from ml_engineer.verbs.forecasting.framing import frame_forecast

        return frame_forecast(request, context)
    refuse_forecasting_arguments(request)
    findings = _find(request, layout, context)
    context.report("Writing the problem", 0.9)
    profile = profile_of(
        findings.table,
        findings.columns,
        content_sha256=findings.sealed.receipt.table_sha256,
        rows=findings.rows,
        development_rows=len(findings.sealed.rows.frame),
    )
    parents = {profile.kind: profile.content_hash()}
    split = settled(
        findings.sealed.plan(target=findings.told.request.target, parents=parents), find_record(layout, SplitPlan)
    )
    problem = _define(findings, parents)
    before = find_record(layout, DataProfile)
    warnings = _warnings(findings, before, profile)
    rows = findings.sealed.rows
    draft = draft_contract(problem.columns, profile.columns, rows.frame, with_gaps=findings.with_gaps)
    contract = settle_contract(layout, draft)
    framed = FramedProject(
        problem,
        profile,
        split,
        rows.frame,
        rows.folds,
        edited_text=findings.earlier.edited_text,
        contract=contract,
        more_folds=rows.more_folds,
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


def _find(request: FrameProblemRequest, layout: ProjectLayout, context: WorkContext) -> _Findings:
    """Read, seal, look: in this order, so that nothing learned from held-out rows can reach the definition."""
    context.report("Reading the table", 0.05)
    request, earlier, table = _read(request, layout)
    frame = table.frame
    told = gather(request, earlier, list(frame.columns))
    request = told.request
    context.report("Looking at structure", 0.3)
    # Of survival, the positive class named an event, which is in the target already.
    positive = request.positive_class if request.event_column is None else None
    queries = None if table.labels_reason else see_queries(frame, request, in_file=table.report.format == "libsvm")
    ranked: TaskType | None = "ranking" if queries is not None and queries.inferred else None
    reading = read_target(
        frame[request.target],
        task_type="multilabel" if table.labels_reason else ranked or request.task_type,
        positive_class=positive,
        levels=request.levels,
        declared=next((one.order for one in table.report.columns if one.name == request.target), ()),
        labels_reason=table.labels_reason,
    )
    reading = reading if queries is None else queries.told_of(reading)
    _refuse_unfit(reading, told)
    refuse_unfit_amounts(frame[request.target], reading, quantile=request.quantile, metric=request.metric)
    counts = holds_counts(frame[request.target], reading)
    if request.task_type == "text_classification":
        refuse_without_text(frame, request.target, request.roles or {})
    group_columns = request.group_columns
    if reading.task_type == "ranking" and group_columns is None:
        named = query_column([str(name) for name in frame.columns], target=request.target)
        group_columns = None if named is None else [named]
    dependence = read_dependence(
        frame,
        target=request.target,
        group_columns=group_columns,
        time_column=request.time_column,
        requested="grouped" if reading.task_type == "ranking" and group_columns else request.split,
    )
    if reading.task_type == "ranking":
        require_queries(frame, request.target, dependence.group_columns, requested=request.split)
    counters = find_row_counters(frame)
    context.report("Sealing held-out rows", 0.4)
    # That a column is never empty is structure, as its type is; which rows are empty is looked at nowhere.
    with_gaps = frozenset(str(name) for name in frame.columns[frame.isna().any()])
    rows = len(frame)
    del frame  # sealing moves its rows
    sealed = seal_table(request, table, reading=reading, dependence=dependence, layout=layout)
    table = replace(table, frame=pd.DataFrame())
    context.report("Looking at development rows", 0.6)
    storage = {column.name: column.storage for column in table.report.columns}
    columns = profile_columns(sealed.rows.frame, storage)
    study = study_development(
        sealed.rows,
        columns,
        structure=Structure(request.target, sealed.definition.group_columns, dependence.other_keys, counters),
        reading=reading,
        decisions=told.decisions,
        metric=request.metric,
        counts=counts,
        quantile=request.quantile,
        has_costs=told.costs is not None,
        seed=request.seed,
    )
    if request.task_type is None:
        reading = name_by_inputs(sealed.rows.frame, reading, study.columns)
    return _Findings(rows, with_gaps, table, told, earlier, reading, counts, dependence, sealed, columns, study)


def _read(asked: FrameProblemRequest, layout: ProjectLayout) -> tuple[FrameProblemRequest, Earlier, FramingTable]:
    """The request with what is remembered of its task, and the table.

    A target with commas names several columns of labels, unless it is the name of one column.
    """
    request = split_target(asked)
    try:
        return _read_as(request, layout)
    except InputError as refusal:
        if request is asked:
            raise
        try:
            return _read_as(asked, layout)
        except InputError:
            raise refusal from None


def _read_as(request: FrameProblemRequest, layout: ProjectLayout) -> tuple[FrameProblemRequest, Earlier, FramingTable]:
    earlier = recall(layout, target=request.target)
    request = as_multilabel(as_survival(request, earlier.arguments), earlier.arguments)
    return request, earlier, read_framing_table(request, before=earlier.arguments.get("task_type"))


def _refuse_unfit(reading: TargetReading, told: Told) -> None:
    """Refuse costs and a metric that do not fit the task, before anything is sealed."""
    if told.request.metric is not None:
        require_metric(told.request.metric, reading.judged_as, has_costs=told.costs is not None)
    if told.costs is not None and reading.task != "binary":
        raise InputError(
            "Costs of errors are for binary tasks",
            found=f"this one is {reading.task}",
            remedy="Leave false_positive_cost and false_negative_cost out",
        )
    if reading.task_type in _UNWEIGHTED and "weight" in (told.request.roles or {}).values():
        what, instead = _UNWEIGHTED[reading.task_type]
        raise InputError(
            what,
            found="roles names a column of row weights",
            remedy=f"Give that column the role 'ignored', or {instead}",
        )


def _define(findings: _Findings, parents: dict[str, str]) -> ProblemDefinition:
    told, reading, study, sealed = findings.told, findings.reading, findings.study, findings.sealed
    request, dependence = told.request, findings.dependence
    target = request.target
    source = PurePath(findings.table.source.path).name or "the query"
    moment_given = request.prediction_moment is not None
    signal = study.result.signal
    earlier = findings.earlier.problem
    return ProblemDefinition(
        parents=parents,
        title=f"Predict {target}",
        business_goal=request.goal or f"Predict {quoted(target)} for new rows like those of {quoted(source)}.",
        goal_given=request.goal is not None,
        task_type=reading.task_type,
        task_reason=reading.reason,
        target=target,
        classes=reading.classes,
        positive_class=reading.positive_class,
        unit=unit_in(target) if reading.task_type == "regression" else None,
        counts=findings.counts,
        quantile=request.quantile,
        event_column=request.event_column,
        label_columns=tuple(request.label_columns or ()),
        label_rows=tuple(map(int, study.target.values.sum(axis=0))) if reading.task == "multilabel" else (),
        primary_metric=study.metric,
        metric_reason=study.metric_reason,
        target_score=request.target_score,
        prediction_moment=request.prediction_moment
        or f"When every used column of a row is known, and {quoted(target)} is not yet.",
        prediction_moment_given=moment_given,
        columns=study.columns,
        split=sealed.definition,
        costs=told.costs,
        baseline=study.result.baseline,
        signal=signal,
        worth_building=signal.verdict == "learnable",
        **({} if earlier is None else {key: getattr(earlier, key) for key in _KEPT}),
        risks=_risks(findings),
        assumptions=(*dependence.assumptions, *list_assumptions(study, reading, moment_given=moment_given)),
        questions=choose_questions(
            (
                *(ask_about_survival(target, reading.classes, study.columns) if request.task_type is None else ()),
                *reading.questions,
                *dependence.questions,
            ),
            target=target,
            columns=study.columns,
            moment_given=moment_given,
            costs_missing=reading.task == "binary" and told.costs is None,
        ),
        deal_id=sealed.receipt.deal_id,
        arguments=told.arguments,
    )


def _risks(findings: _Findings) -> tuple[str, ...]:
    sealed = findings.sealed
    found = list_risks(
        sealed.rows.frame,
        findings.columns,
        findings.study,
        findings.reading,
        group_columns=sealed.definition.group_columns,
    )
    looks = sealed.looks
    looked = (f"These held-out rows were looked at {_times(looks)} before: scores on them flatter",) if looks else ()
    left_out = tuple(note for note in findings.table.notes if "left out" in note and "rows" in note)
    return (*looked, *findings.dependence.risks, *found, *left_out)


def _warnings(findings: _Findings, before: DataProfile | None, now: DataProfile) -> list[str]:
    """What a person should know first: the seal, then the source, then the reading."""
    receipt, told = findings.sealed.receipt, findings.told
    warnings = []
    if findings.sealed.looks:
        warnings.append(f"The held-out rows were looked at {_times(findings.sealed.looks)} before; this stays counted")
        warnings += told_looks_of_others(receipt.deal_id, ProjectLayout(Path(told.request.project_dir)))
    if receipt.matched_rows and not told.request.redeal:
        warnings.append(f"{receipt.matched_rows:,} rows are known from an earlier deal and keep their side")
    if receipt.ambiguous_rows:
        warnings.append(f"{receipt.ambiguous_rows:,} rows resemble earlier rows of both sides")
    if before is not None and before.fingerprint.content_sha256 != now.fingerprint.content_sha256:
        warnings.append(f"The data has changed since the last framing ({before.rows:,} rows then, {now.rows:,} now)")
    if told.kept:
        warnings.append(f"Kept from the last framing: {', '.join(told.kept)}")
    if findings.earlier.edited_text is not None:
        warnings.append("problem.yaml was edited by hand; it is kept as problem.before.yaml")
    warnings += tell_written_numbers(findings.study.columns, findings.columns)
    return [*warnings, *findings.table.notes]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
