"""Frame a problem that predicts nothing: groups of rows, or rows unlike the rest. Sealed first, like every other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.columns import ColumnsProfile, profile_columns
from ml_engineer.profiling.contract import draft_contract
from ml_engineer.profiling.decisions import decide_columns
from ml_engineer.profiling.dependence import Dependence, read_dependence
from ml_engineer.profiling.keys import find_row_counters
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.questions import choose_questions
from ml_engineer.profiling.roles import Structure, read_roles
from ml_engineer.profiling.target import TargetReading
from ml_engineer.project.earlier import Earlier, recall
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.statistics.metrics import metrics_without_target
from ml_engineer.unsupervised.first_look import as_numbers_and_words, look_for_anomalies, look_for_groups
from ml_engineer.unsupervised.labels import MANY, LabelReading, labels_of, read_labels
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.verbs.framing.contract import settle_contract
from ml_engineer.verbs.framing.files import FramedProject, write_project
from ml_engineer.verbs.framing.records import profile_of, settled
from ml_engineer.verbs.framing.reply import framing_reply
from ml_engineer.verbs.framing.request import Told, gather
from ml_engineer.verbs.framing.sealing import SealedTable, seal_table
from ml_engineer.verbs.framing.table import FramingTable, read_framing_table
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition, TaskType
from ml_engineer.vocabulary.replies import FrameProblemReply
from ml_engineer.vocabulary.requests import FrameProblemRequest
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["frame_without_target"]

_USUAL_FRACTION = 0.01
_FEWEST_FLAGGED = 10
_MOST_FRACTION = 0.49
_KEPT = ("fairness_tolerance", "fairness_use", "look_budget")
_OUTPUT: dict[TaskType, str] = {
    "clustering": "the rows are grouped by what they have in common; nothing is predicted",
    "anomaly_detection": "the rows that are least like the others are found; nothing is predicted",
}


@dataclass(frozen=True)
class _Findings:
    """What was told and found on the way to the definition."""

    task: TaskType
    rows: int
    table: FramingTable
    told: Told
    earlier: Earlier
    labels: LabelReading | None
    dependence: Dependence
    sealed: SealedTable
    profiled: ColumnsProfile
    columns: tuple[ProblemColumn, ...]


def frame_without_target(request: FrameProblemRequest, task: TaskType, context: WorkContext) -> FrameProblemReply:
    """Frame the problem and write it into the project; raises as `frame_problem`."""
    layout = ProjectLayout(Path(request.project_dir))
    findings = _find(request.model_copy(update={"task_type": task}), task, layout, context)
    context.report("Looking for structure", 0.75)
    profile = profile_of(
        findings.table,
        findings.profiled,
        content_sha256=findings.sealed.receipt.table_sha256,
        rows=findings.rows,
        development_rows=len(findings.sealed.rows.frame),
    )
    parents = {profile.kind: profile.content_hash()}
    target = findings.told.request.target
    split = settled(findings.sealed.plan(target=target, parents=parents), find_record(layout, SplitPlan))
    problem = _define(findings, parents)
    context.report("Writing the problem", 0.9)
    frame = findings.sealed.rows.frame
    contract = settle_contract(layout, draft_contract(problem.columns, profile.columns, frame))
    framed = FramedProject(
        problem,
        profile,
        split,
        frame,
        findings.sealed.rows.folds,
        edited_text=findings.earlier.edited_text,
        contract=contract,
        more_folds=findings.sealed.rows.more_folds,
    )
    warnings = _warnings(findings, find_record(layout, DataProfile), profile)
    artifacts = write_project(layout, framed)
    return framing_reply(
        problem,
        split,
        warnings=contract.among(warnings),
        artifacts=artifacts,
        project_dir=str(layout.root),
        job_id=context.job_id,
    )


def _find(request: FrameProblemRequest, task: TaskType, layout: ProjectLayout, context: WorkContext) -> _Findings:
    """Read, seal, look, in this order."""
    earlier = recall(layout, target=request.target)
    context.report("Reading the table", 0.05)
    table = read_framing_table(request)
    told = gather(request, earlier, list(table.frame.columns))
    request = told.request
    labels = None
    if request.target and task == "anomaly_detection":
        labels = read_labels(table.frame[request.target], positive=request.positive_class)
    _refuse_unfit(task, told, labelled=labels is not None)
    context.report("Looking at structure", 0.3)
    dependence = read_dependence(
        table.frame,
        target=request.target,
        group_columns=request.group_columns,
        time_column=request.time_column,
        requested=request.split,
    )
    counters = find_row_counters(table.frame)
    rows = len(table.frame)
    context.report("Sealing held-out rows", 0.4)
    sealed = seal_table(request, table, reading=_reading(task, labels), dependence=dependence, layout=layout)
    table = replace(table, frame=pd.DataFrame())
    context.report("Looking at development rows", 0.6)
    storage = {column.name: column.storage for column in table.report.columns}
    profiled = profile_columns(sealed.rows.frame, storage)
    structure = Structure(request.target, sealed.definition.group_columns, dependence.other_keys, counters)
    inferred = tuple(_without_text(column) for column in read_roles(sealed.rows.frame, profiled, structure))
    columns = decide_columns(inferred, {}, told.decisions)
    if not any(column.used for column in columns):
        raise InputError(
            "No column is left to compare rows by",
            found="; ".join(f"{quoted(column.name)} {column.reason}" for column in columns[:5]),
            remedy="Pass roles for columns that say what a row is like",
        )
    return _Findings(task, rows, table, told, earlier, labels, dependence, sealed, profiled, columns)


def _reading(task: TaskType, labels: LabelReading | None) -> TargetReading:
    """What dealing the rows needs to know: known anomalies are dealt in proportion, as classes are."""
    if labels is None:
        return TargetReading("regression", "", named=task)
    rest = max(labels.known_rows - labels.positive_rows, 1)
    return TargetReading("binary", "", labels.values, (labels.positive_rows, rest), named=task)


def _without_text(column: ProblemColumn) -> ProblemColumn:
    if column.role != "text":
        return column
    reason = f"{column.reason}; running text has no distance here yet, so it is left out"
    return column.model_copy(update={"used": False, "reason": reason})


def _refuse_unfit(task: TaskType, told: Told, *, labelled: bool) -> None:
    """Refuse what does not fit, before anything is sealed."""
    request = told.request
    if task == "clustering" and request.target:
        raise InputError(
            "Clustering has no target",
            found=f"target is {request.target!r}",
            remedy="Leave target out; to keep a known grouping aside for a comparison, name it in exclude_columns",
        )
    wrong = "expected_fraction" if task == "clustering" else "clusters"
    if getattr(request, wrong) is not None:
        raise InputError(f"{wrong} does not fit {task}", remedy=f"Leave {wrong} out")
    if told.costs is not None:
        raise InputError("Costs of errors are for binary tasks", found=f"this one is {task}", remedy="Leave them out")
    if request.positive_class is not None and not labelled:
        raise InputError(
            "positive_class says which known rows are anomalies, and no column of known anomalies is named",
            remedy="Name that column as target, or leave positive_class out",
        )
    allowed = metrics_without_target(task, labelled=labelled)
    if request.metric is not None and request.metric not in allowed:
        raise InputError(
            f"The metric {request.metric!r} does not fit {task} {'with' if labelled else 'without'} labels",
            found=f"allowed: {', '.join(allowed)}",
            remedy="Pass one of them as metric, or leave it out",
        )


def _define(findings: _Findings, parents: dict[str, str]) -> ProblemDefinition:
    task, told, sealed, labels = findings.task, findings.told, findings.sealed, findings.labels
    request, frame = told.request, findings.sealed.rows.frame
    features = as_numbers_and_words(frame, findings.columns)
    fraction, why = _fraction(findings)
    if task == "clustering":
        baseline, signal = look_for_groups(features, wanted=request.clusters, seed=request.seed)
    else:
        baseline, signal = look_for_anomalies(features, fraction=fraction, seed=request.seed)
    source = quoted(PurePath(findings.table.source.path).name or "the query")
    deed = "Find groups among" if task == "clustering" else "Find unusual"
    moment_given = request.prediction_moment is not None
    metric, metric_reason = _metric(task, request.metric, labelled=labels is not None)
    earlier = findings.earlier.problem
    return ProblemDefinition(
        parents=parents,
        title=f"{deed} rows of {source}",
        business_goal=request.goal or f"{deed} rows like those of {source}.",
        goal_given=request.goal is not None,
        task_type=task,
        task_reason=_OUTPUT[task],
        target=request.target,
        positive_class=None if labels is None else labels.positive,
        clusters=request.clusters,
        expected_fraction=fraction if task == "anomaly_detection" else None,
        primary_metric=metric,
        metric_reason=metric_reason,
        target_score=request.target_score,
        prediction_moment=request.prediction_moment or "When every used column of a row is known.",
        prediction_moment_given=moment_given,
        columns=findings.columns,
        split=sealed.definition,
        baseline=baseline,
        signal=signal,
        worth_building=signal.verdict == "learnable",
        **({} if earlier is None else {key: getattr(earlier, key) for key in _KEPT}),
        risks=_risks(findings),
        assumptions=(*findings.dependence.assumptions, *_assumptions(findings, why)),
        questions=choose_questions(
            findings.dependence.questions,
            target=request.target,
            columns=findings.columns,
            moment_given=True,
            costs_missing=False,
        ),
        deal_id=sealed.receipt.deal_id,
        arguments=told.arguments,
    )


def _metric(task: TaskType, wanted: Metric | None, *, labelled: bool) -> tuple[Metric, str]:
    if wanted is not None:
        return wanted, "named by the person"
    if task == "clustering":
        return (
            "silhouette",
            "it says how much nearer rows lie to their own group than to the next, on rows that did not make it",
        )
    if labelled:
        return "average_precision", "it judges how pure the rows at the top are, by the known anomalies"
    return "planted_roc_auc", "no anomaly is known, so anomalies are planted among rows that the model has not seen"


def _fraction(findings: _Findings) -> tuple[float, str]:
    """Share of rows to flag, and where it comes from."""
    told, labels, rows = findings.told.request.expected_fraction, findings.labels, len(findings.sealed.rows.frame)
    if told is not None:
        return told, ""
    if labels is not None and not labels.rest_is_normal:
        target = findings.told.request.target
        known = labels_of(findings.sealed.rows.frame[target], labels)
        share = float(known.positive.sum() / max(known.known.sum(), 1))
        if share > 0:
            return min(share, _MOST_FRACTION), f"the share of known anomalies, {share:.2%}, is what is to be flagged"
    share = min(max(_USUAL_FRACTION, _FEWEST_FLAGGED / rows), _MOST_FRACTION)
    return (
        share,
        f"{share:.2%} of the rows are to be flagged (expected_fraction): nobody said how many anomalies there are",
    )


def _assumptions(findings: _Findings, why: str) -> list[str]:
    told = ["Every used column counts the same: what matters more is not known"]
    if findings.task == "anomaly_detection":
        told += [why[:1].upper() + why[1:]] if why else []
        told.append("Most development rows are usual ones")
    labels = findings.labels
    if labels is not None:
        told.append(f"{quoted(labels.positive)} marks a known anomaly; the column judges and is never learned from")
        if labels.rest_is_normal:
            told.append("Rows without a label count as usual when they are judged, so that precision is understated")
    return told


def _risks(findings: _Findings) -> tuple[str, ...]:
    risks = []
    if findings.sealed.looks:
        risks.append(f"These held-out rows were looked at {findings.sealed.looks} times before: scores on them flatter")
    risks += findings.dependence.risks
    rows = len(findings.sealed.rows.frame)
    if rows < 500:
        risks.append(f"Only {rows:,} development rows: every number comes with a wide interval")
    if findings.profiled.duplicate_rows > 0.01 * rows:
        risks.append(
            f"{findings.profiled.duplicate_rows:,} development rows repeat an earlier one and pull groups to them"
        )
    if findings.task == "anomaly_detection":
        risks.append("Unusual is not wrong: what is rare and harmless is flagged, and what is harmful and usual is not")
    else:
        risks.append("Groups depend on which columns are used and how they are scaled: other columns give other groups")
    sensitive = [column.name for column in findings.columns if column.sensitive and column.used]
    if sensitive:
        risks.append(f"{', '.join(quoted(name) for name in sensitive[:4])} takes part: people may be set apart by it")
    labels = findings.labels
    if labels is not None and labels.positive_rows >= MANY:
        risks.append(
            f"{labels.positive_rows:,} anomalies are known: a model that learns from them (task_type='binary') usually finds "
            "more of their kind; this one also looks for other kinds"
        )
    return tuple(risks)


def _warnings(findings: _Findings, before: DataProfile | None, now: DataProfile) -> list[str]:
    receipt, told = findings.sealed.receipt, findings.told
    warnings: list[Any] = []
    if findings.sealed.looks:
        warnings.append(f"The held-out rows were looked at before ({findings.sealed.looks}); this stays counted")
        warnings += told_looks_of_others(receipt.deal_id, ProjectLayout(Path(told.request.project_dir)))
    if receipt.matched_rows and not told.request.redeal:
        warnings.append(f"{receipt.matched_rows:,} rows are known from an earlier deal and keep their side")
    if before is not None and before.fingerprint.content_sha256 != now.fingerprint.content_sha256:
        warnings.append(f"The data has changed since the last framing ({before.rows:,} rows then, {now.rows:,} now)")
    if told.kept:
        warnings.append(f"Kept from the last framing: {', '.join(told.kept)}")
    if findings.earlier.edited_text is not None:
        warnings.append("problem.yaml was edited by hand; it is kept as problem.before.yaml")
    return [*warnings, *findings.table.notes]
