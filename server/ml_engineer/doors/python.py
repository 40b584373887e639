"""The door for Python code: the verbs as functions, their arguments as in the other doors.

Each function does its work in a job, like the other doors, and waits for it. An interrupt (Ctrl-C, a
stopped notebook cell) cancels the job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from ml_engineer.doors.desk import person_desk, read_request
from ml_engineer.jobs import ending, outcome, starting
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.jobs import Job
from ml_engineer.vocabulary.problem import ColumnRole, SplitStrategy, TaskType
from ml_engineer.vocabulary.replies import (
    CheckGuardrailsReply,
    EvaluateReply,
    ExportReply,
    FrameProblemReply,
    JobsReply,
    PredictReply,
    PromoteReply,
    ReplayReply,
    Reply,
    RunReply,
    ScaffoldProjectReply,
    TrainReply,
    VerifyReply,
    WaiveFindingReply,
)
from ml_engineer.vocabulary.requests import FeatureFolder

__all__ = [
    "cancel_job",
    "check_guardrails",
    "evaluate",
    "export",
    "frame_problem",
    "job_status",
    "predict",
    "promote",
    "replay",
    "resume_job",
    "run",
    "scaffold_project",
    "train",
    "verify",
    "waive_finding",
]

OnProgress = Callable[[Job], None]
R = TypeVar("R", bound=Reply)


def frame_problem(
    data: str,
    target: str = "",
    *,
    table: str | None = None,
    sql: str | None = None,
    sql_seconds: float | None = None,
    sql_memory_gb: float | None = None,
    column_names: Sequence[str] | None = None,
    query_path: str | None = None,
    goal: str | None = None,
    project_dir: str = "ml",
    test_data: str | None = None,
    task_type: TaskType | None = None,
    metric: Metric | None = None,
    positive_class: str | None = None,
    levels: list[str] | None = None,
    quantile: float | None = None,
    event_column: str | None = None,
    label_columns: Sequence[str] | None = None,
    split: SplitStrategy | None = None,
    group_columns: Sequence[str] | None = None,
    time_column: str | None = None,
    prediction_moment: str | None = None,
    after_the_fact: Sequence[str] | None = None,
    known_at_prediction: Sequence[str] | None = None,
    sensitive_columns: Sequence[str] | None = None,
    exclude_columns: Sequence[str] | None = None,
    roles: Mapping[str, ColumnRole] | None = None,
    false_positive_cost: float | None = None,
    false_negative_cost: float | None = None,
    clusters: int | None = None,
    expected_fraction: float | None = None,
    target_score: float | None = None,
    horizon: int | None = None,
    series_columns: Sequence[str] | None = None,
    known_in_advance: Sequence[str] | None = None,
    held_out_fraction: float | None = None,
    redeal: bool = False,
    seed: int = 0,
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> FrameProblemReply:
    """Turn a table and a target into a framed problem; held-out rows are sealed first.

    Parameters
    ----------
    data : str
        Path of the data: a file (CSV, TSV, Parquet, Excel, JSON, libsvm, SQLite, DuckDB; gz or zip), a folder,
        or a glob.
    target : str, default ''
        Name of the column to predict. Only task_type 'clustering' does without, and 'anomaly_detection', where it may
        name a column of known anomalies, which then only judges.
    table : str, optional
        Sheet of a workbook, or table of a SQLite or DuckDB file.
    sql : str, optional
        One read-only SELECT for DuckDB instead of (or over) the data file.
    sql_seconds : float, optional
        Seconds after which sql, or a view, is stopped; by default 120.
    sql_memory_gb : float, optional
        Gigabytes that sql, or a view, may take; by default half of what is free.
    column_names : sequence of str, optional
        Names for the columns, if the file has no header line.
    query_path : str, optional
        File with rows per query, for libsvm ranking data.
    goal : str, optional
        What the prediction is for, in the person's words.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    test_data : str, optional
        The person's own test file; it is sealed as it is.
    task_type : TaskType, optional
        Kind of task, if the inference should be overridden.
    metric : Metric, optional
        Primary metric, if the inference should be overridden.
    positive_class : str, optional
        The class that 'positive' means, for binary tasks.
    levels : list[str], optional
        Values of an ordinal target from lowest to highest, where the order cannot be seen.
    quantile : float, optional
        Predict the value that this share of outcomes stays at or below (0.9: nine in ten), not the expected one.
    event_column : str, optional
        Survival: column that tells whether the event happened at the time that target holds (1), or the row was
        only followed so long without it (0).
    label_columns : sequence of str, optional
        Multilabel: columns of 0 and 1, one a label; `target` is then the name of the set.
    split : SplitStrategy, optional
        How held-out rows are dealt, if the inference should be overridden.
    group_columns : sequence of str, optional
        Columns that together name a person or thing with several rows; an empty list means rows are
        independent.
    time_column : str, optional
        Column that orders rows in time; an empty text means that time does not matter.
    prediction_moment : str, optional
        When, in the life of a row, the prediction is made.
    after_the_fact : sequence of str, optional
        Columns whose value is known only after the prediction moment; they are not used.
    known_at_prediction : sequence of str, optional
        Columns that are known in time although they look as if they were not.
    sensitive_columns : sequence of str, optional
        Columns that name a protected attribute; an empty list means none.
    exclude_columns : sequence of str, optional
        Columns the model must not see.
    roles : mapping of str to ColumnRole, optional
        Role of single columns, by name, if the inference should be overridden.
    false_positive_cost : float, optional
        Cost of calling a negative row positive (binary; give both costs).
    false_negative_cost : float, optional
        Cost of calling a positive row negative (binary; give both costs).
    clusters : int, optional
        Number of groups, if it should not be chosen by evidence (clustering).
    expected_fraction : float, optional
        Share of rows to flag (anomaly detection); by default the share of known anomalies, else 1 %, and at least
        ten development rows.
    target_score : float, optional
        Value of the primary metric that would be good enough.
    horizon : int, optional
        How many moments ahead to forecast (forecasting; by default one season).
    series_columns : sequence of str, optional
        Columns that together name one of several series (forecasting).
    known_in_advance : sequence of str, optional
        Columns whose value at the moment that is forecast is known when the forecast is made (forecasting). Of all others
        only the past is used.
    held_out_fraction : float, optional
        Share of rows to seal; by default 0.2, and at least enough for a useful interval.
    redeal : bool, default False
        Deal the rows anew although they were dealt before; looks already taken stay counted.
    seed : int, default 0
        Seed of the deal and the folds.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    FrameProblemReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "frame_problem",
        FrameProblemReply,
        wait_seconds,
        on_progress,
        data=data,
        target=target,
        table=table,
        sql=sql,
        sql_seconds=sql_seconds,
        sql_memory_gb=sql_memory_gb,
        column_names=column_names,
        query_path=query_path,
        goal=goal,
        project_dir=project_dir,
        test_data=test_data,
        task_type=task_type,
        metric=metric,
        positive_class=positive_class,
        levels=levels,
        quantile=quantile,
        event_column=event_column,
        label_columns=label_columns,
        split=split,
        group_columns=group_columns,
        time_column=time_column,
        prediction_moment=prediction_moment,
        after_the_fact=after_the_fact,
        known_at_prediction=known_at_prediction,
        sensitive_columns=sensitive_columns,
        exclude_columns=exclude_columns,
        roles=roles,
        false_positive_cost=false_positive_cost,
        false_negative_cost=false_negative_cost,
        clusters=clusters,
        expected_fraction=expected_fraction,
        target_score=target_score,
        horizon=horizon,
        series_columns=series_columns,
        known_in_advance=known_in_advance,
        held_out_fraction=held_out_fraction,
        redeal=redeal,
        seed=seed,
    )


def scaffold_project(
    *,
    project_dir: str = "ml",
    features: Sequence[FeatureFolder] | None = None,
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> ScaffoldProjectReply:
    """Render the project's code, tests and documents from the framed problem.

    Parameters
    ----------
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    features : sequence of FeatureFolder, optional
        Feature folders to include: serving, monitoring, llm, ci, notebook. By default those chosen last time, at first
        all. Untouched files of folders that are left out are removed.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    ScaffoldProjectReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "scaffold_project", ScaffoldProjectReply, wait_seconds, on_progress, project_dir=project_dir, features=features
    )


def train(
    *,
    project_dir: str = "ml",
    budget_seconds: float = 60.0,
    budget_evaluations: int | None = None,
    memory_limit_mb: int | None = None,
    executor: str | None = None,
    champion: Literal["best", "simplest-within-noise"] = "best",
    price_milliseconds: float = 10.0,
    candidates: Sequence[str] | None = None,
    trial: str | None = None,
    text_model: str | None = None,
    foundation_model: str | None = None,
    seed: int = 0,
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> TrainReply:
    """Validate the data, train candidates on the planned folds under MLflow, and write the champion.

    Parameters
    ----------
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    budget_seconds : float, default 60
        Wall time for the search, from the child's readiness to a saved model.
    budget_evaluations : int, optional
        Number of fits instead of a time: the same data, seed and versions then give the same model.
    memory_limit_mb : int, optional
        Memory that all fits together may take; by default most of what is free.
    executor : str, optional
        Address of a Dask scheduler, like ``tcp://HOST:8786``, whose workers do the fits; by default processes on this
        machine. The development rows are sent there.
    champion : {'best', 'simplest-within-noise'}
        'simplest-within-noise' takes the simplest model whose difference to the best may be chance.
    price_milliseconds : float, default 10
        Most that a prediction of the champion may take, per row in batches.
    candidates : sequence of str, optional
        Names of the candidates to try; by default the portfolio and everything in candidates.py.
    trial : str, optional
        Name of, or reason for, an idea in features.py: judges it against the accepted features instead of training a
        champion, and writes the verdict down.
    text_model : str, optional
        Folder of a static embedding model (model2vec) on this machine, by which running text is read too; it is copied
        into the project, and nothing is downloaded.
    foundation_model : str, optional
        File of weights (a checkpoint of TabICL) on this machine: a pretrained transformer is then tried too, slowly; it is
        copied into the project, and nothing is downloaded.
    seed : int, default 0
        Random state of every model.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    TrainReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "train",
        TrainReply,
        wait_seconds,
        on_progress,
        project_dir=project_dir,
        budget_seconds=budget_seconds,
        budget_evaluations=budget_evaluations,
        memory_limit_mb=memory_limit_mb,
        executor=executor,
        champion=champion,
        price_milliseconds=price_milliseconds,
        candidates=candidates,
        trial=trial,
        text_model=text_model,
        foundation_model=foundation_model,
        seed=seed,
    )


def evaluate(
    *,
    project_dir: str = "ml",
    reason: str = "",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> EvaluateReply:
    """Open the sealed rows for the champion, count the look, and write the report.

    Parameters
    ----------
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    reason : str, default ''
        Why the rows are looked at now; kept in the ledger.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    EvaluateReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform("evaluate", EvaluateReply, wait_seconds, on_progress, project_dir=project_dir, reason=reason)


def check_guardrails(
    *,
    project_dir: str = "ml",
    stage: Stage = "deploy",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> CheckGuardrailsReply:
    """Check the five guardrails for what is about to be done.

    Parameters
    ----------
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    stage : Stage, default 'deploy'
        What is about to be done: 'train', 'deploy' or 'production'.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    CheckGuardrailsReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "check_guardrails", CheckGuardrailsReply, wait_seconds, on_progress, project_dir=project_dir, stage=stage
    )


def predict(
    data: str,
    *,
    table: str | None = None,
    sql: str | None = None,
    sql_seconds: float | None = None,
    sql_memory_gb: float | None = None,
    column_names: Sequence[str] | None = None,
    query_path: str | None = None,
    future_data: str | None = None,
    output: str | None = None,
    project_dir: str = "ml",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> PredictReply:
    """Score a file or table with the champion.

    Parameters
    ----------
    data : str
        Path of the rows to score: any format that frame_problem reads.
    table : str, optional
        Sheet of a workbook, or table of a SQLite or DuckDB file.
    sql : str, optional
        One read-only SELECT for DuckDB instead of (or over) the data file.
    sql_seconds : float, optional
        Seconds after which sql, or a view, is stopped; by default 120.
    sql_memory_gb : float, optional
        Gigabytes that sql, or a view, may take; by default half of what is free.
    column_names : sequence of str, optional
        Names for the columns, if the file has no header line.
    query_path : str, optional
        File with rows per query, for libsvm ranking data.
    future_data : str, optional
        File of the moments to forecast with the columns known in advance (forecasting), unless data ends with such rows.
    output : str, optional
        File to write; by default beside the project's reports. The ending chooses the format (csv, parquet,
        xlsx, json, jsonl).
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    PredictReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "predict",
        PredictReply,
        wait_seconds,
        on_progress,
        data=data,
        table=table,
        sql=sql,
        sql_seconds=sql_seconds,
        sql_memory_gb=sql_memory_gb,
        column_names=column_names,
        query_path=query_path,
        future_data=future_data,
        output=output,
        project_dir=project_dir,
    )


def replay(
    run: str,
    *,
    project_dir: str = "ml",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> ReplayReply:
    """Train a run again from its record, in a place of its own, and compare: champion, score, every prediction.

    Parameters
    ----------
    run : str
        Name of the run, or 'champion' for that of the present champion.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    ReplayReply
        Status 'done' with the verdict; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform("replay", ReplayReply, wait_seconds, on_progress, run=run, project_dir=project_dir)


def export(
    *,
    format: Literal["onnx"] = "onnx",  # noqa: A002  (the name that the other doors have)
    output: str | None = None,
    project_dir: str = "ml",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> ExportReply:
    """Write the champion in a format that other languages run, and compare its predictions with the champion's.

    Parameters
    ----------
    format : {'onnx'}
        'onnx' runs in ONNX Runtime, without Python.
    output : str, optional
        File to write; by default models/serving/export/champion.onnx of the project.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    ExportReply
        Status 'done' with the largest difference; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If a part of the champion cannot be expressed, which the text names, or the work could not be done.
    """
    return _perform(
        "export", ExportReply, wait_seconds, on_progress, format=format, output=output, project_dir=project_dir
    )


def promote(
    *,
    approved_by: str,
    reason: str,
    project_dir: str = "ml",
    stage: Literal["deploy", "production"] = "deploy",
    rollback: bool = False,
    to: str | None = None,
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> PromoteReply:
    """Put the champion into use after a person approved it: moves the registry's alias, and writes down who and why.

    Parameters
    ----------
    approved_by : str
        The person who approves it.
    reason : str
        Why it may go live, in at least ten characters.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    stage : {'deploy', 'production'}, default 'deploy'
        Stage that the guardrails are checked for.
    rollback : bool, default False
        Go back to the champion that was in use before the present one.
    to : str, optional
        Run of an earlier promoted champion to go back to.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    PromoteReply
        Status 'done'; 'refused' if a guardrail blocks or a claim cannot be proved.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "promote",
        PromoteReply,
        wait_seconds,
        on_progress,
        approved_by=approved_by,
        reason=reason,
        project_dir=project_dir,
        stage=stage,
        rollback=rollback,
        to=to,
    )


def verify(
    *,
    project_dir: str = "ml",
    full: bool = False,
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> VerifyReply:
    """Check everything that is claimed of the champion against what proves it: files, records, ledger, numbers.

    Parameters
    ----------
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    full : bool, default False
        Also compute the numbers again, from stored predictions and the model itself.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    VerifyReply
        Status 'done'; its verdict is 'invalid' if anything that is claimed is not so.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform("verify", VerifyReply, wait_seconds, on_progress, project_dir=project_dir, full=full)


def waive_finding(
    code: str,
    *,
    reason: str,
    name: str,
    columns: Sequence[str] | None = None,
    project_dir: str = "ml",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> WaiveFindingReply:
    """Write down a person's override of a finding; it stays visible in every later report.

    Parameters
    ----------
    code : str
        Code of the check, e.g. LEA002.
    reason : str
        Why the finding may be overridden, in at least ten characters.
    name : str
        The person who takes responsibility.
    columns : sequence of str, optional
        Columns the override is limited to; by default the whole finding.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    WaiveFindingReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "waive_finding",
        WaiveFindingReply,
        wait_seconds,
        on_progress,
        code=code,
        reason=reason,
        name=name,
        columns=columns,
        project_dir=project_dir,
    )


def run(
    data: str,
    target: str = "",
    *,
    table: str | None = None,
    sql: str | None = None,
    sql_seconds: float | None = None,
    sql_memory_gb: float | None = None,
    column_names: Sequence[str] | None = None,
    query_path: str | None = None,
    goal: str | None = None,
    project_dir: str = "ml",
    test_data: str | None = None,
    task_type: TaskType | None = None,
    metric: Metric | None = None,
    positive_class: str | None = None,
    levels: list[str] | None = None,
    quantile: float | None = None,
    event_column: str | None = None,
    label_columns: Sequence[str] | None = None,
    split: SplitStrategy | None = None,
    group_columns: Sequence[str] | None = None,
    time_column: str | None = None,
    prediction_moment: str | None = None,
    after_the_fact: Sequence[str] | None = None,
    known_at_prediction: Sequence[str] | None = None,
    sensitive_columns: Sequence[str] | None = None,
    exclude_columns: Sequence[str] | None = None,
    roles: Mapping[str, ColumnRole] | None = None,
    false_positive_cost: float | None = None,
    false_negative_cost: float | None = None,
    clusters: int | None = None,
    expected_fraction: float | None = None,
    target_score: float | None = None,
    horizon: int | None = None,
    series_columns: Sequence[str] | None = None,
    known_in_advance: Sequence[str] | None = None,
    held_out_fraction: float | None = None,
    redeal: bool = False,
    seed: int = 0,
    budget_seconds: float = 60.0,
    text_model: str | None = None,
    features: Sequence[FeatureFolder] | None = None,
    stage: Stage = "deploy",
    wait_seconds: float | None = None,
    on_progress: OnProgress | None = None,
) -> RunReply:
    """Go the whole way: frame, scaffold, train, evaluate and check.

    Parameters
    ----------
    data : str
        Path of the data: a file (CSV, TSV, Parquet, Excel, JSON, libsvm, SQLite, DuckDB; gz or zip), a folder,
        or a glob.
    target : str, default ''
        Name of the column to predict. Only task_type 'clustering' does without, and 'anomaly_detection', where it may
        name a column of known anomalies, which then only judges.
    table : str, optional
        Sheet of a workbook, or table of a SQLite or DuckDB file.
    sql : str, optional
        One read-only SELECT for DuckDB instead of (or over) the data file.
    sql_seconds : float, optional
        Seconds after which sql, or a view, is stopped; by default 120.
    sql_memory_gb : float, optional
        Gigabytes that sql, or a view, may take; by default half of what is free.
    column_names : sequence of str, optional
        Names for the columns, if the file has no header line.
    query_path : str, optional
        File with rows per query, for libsvm ranking data.
    goal : str, optional
        What the prediction is for, in the person's words.
    project_dir : str, default 'ml'
        Folder of the ML project; doors resolve a relative path in the workspace.
    test_data : str, optional
        The person's own test file; it is sealed as it is.
    task_type : TaskType, optional
        Kind of task, if the inference should be overridden.
    metric : Metric, optional
        Primary metric, if the inference should be overridden.
    positive_class : str, optional
        The class that 'positive' means, for binary tasks.
    levels : list[str], optional
        Values of an ordinal target from lowest to highest, where the order cannot be seen.
    quantile : float, optional
        Predict the value that this share of outcomes stays at or below (0.9: nine in ten), not the expected one.
    event_column : str, optional
        Survival: column that tells whether the event happened at the time that target holds (1), or the row was
        only followed so long without it (0).
    label_columns : sequence of str, optional
        Multilabel: columns of 0 and 1, one a label; `target` is then the name of the set.
    split : SplitStrategy, optional
        How held-out rows are dealt, if the inference should be overridden.
    group_columns : sequence of str, optional
        Columns that together name a person or thing with several rows; an empty list means rows are
        independent.
    time_column : str, optional
        Column that orders rows in time; an empty text means that time does not matter.
    prediction_moment : str, optional
        When, in the life of a row, the prediction is made.
    after_the_fact : sequence of str, optional
        Columns whose value is known only after the prediction moment; they are not used.
    known_at_prediction : sequence of str, optional
        Columns that are known in time although they look as if they were not.
    sensitive_columns : sequence of str, optional
        Columns that name a protected attribute; an empty list means none.
    exclude_columns : sequence of str, optional
        Columns the model must not see.
    roles : mapping of str to ColumnRole, optional
        Role of single columns, by name, if the inference should be overridden.
    false_positive_cost : float, optional
        Cost of calling a negative row positive (binary; give both costs).
    false_negative_cost : float, optional
        Cost of calling a positive row negative (binary; give both costs).
    clusters : int, optional
        Number of groups, if it should not be chosen by evidence (clustering).
    expected_fraction : float, optional
        Share of rows to flag (anomaly detection); by default the share of known anomalies, else 1 %, and at least
        ten development rows.
    target_score : float, optional
        Value of the primary metric that would be good enough.
    horizon : int, optional
        How many moments ahead to forecast (forecasting; by default one season).
    series_columns : sequence of str, optional
        Columns that together name one of several series (forecasting).
    known_in_advance : sequence of str, optional
        Columns whose value at the moment that is forecast is known when the forecast is made (forecasting). Of all others
        only the past is used.
    held_out_fraction : float, optional
        Share of rows to seal; by default 0.2, and at least enough for a useful interval.
    redeal : bool, default False
        Deal the rows anew although they were dealt before; looks already taken stay counted.
    seed : int, default 0
        Seed of the deal and the folds.
    budget_seconds : float, default 60
        Wall time for the search.
    text_model : str, optional
        Folder of a static embedding model (model2vec) on this machine, by which running text is read too; it is copied
        into the project, and nothing is downloaded.
    features : sequence of FeatureFolder, optional
        Feature folders to include; by default those chosen last time, at first all.
    stage : Stage, default 'deploy'
        Stage for which the guardrails are checked.
    wait_seconds : float, optional
        How long to wait; afterwards the reply says 'running' and the work goes on. By default until it ends.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Returns
    -------
    RunReply
        Status 'done'; 'refused' if a guardrail blocks, with the findings; 'running' after `wait_seconds`.

    Raises
    ------
    MlEngineerError
        If the work could not be done; the text says what was found and what to do.
    """
    return _perform(
        "run",
        RunReply,
        wait_seconds,
        on_progress,
        data=data,
        target=target,
        table=table,
        sql=sql,
        sql_seconds=sql_seconds,
        sql_memory_gb=sql_memory_gb,
        column_names=column_names,
        query_path=query_path,
        goal=goal,
        project_dir=project_dir,
        test_data=test_data,
        task_type=task_type,
        metric=metric,
        positive_class=positive_class,
        levels=levels,
        quantile=quantile,
        event_column=event_column,
        label_columns=label_columns,
        split=split,
        group_columns=group_columns,
        time_column=time_column,
        prediction_moment=prediction_moment,
        after_the_fact=after_the_fact,
        known_at_prediction=known_at_prediction,
        sensitive_columns=sensitive_columns,
        exclude_columns=exclude_columns,
        roles=roles,
        false_positive_cost=false_positive_cost,
        false_negative_cost=false_negative_cost,
        clusters=clusters,
        expected_fraction=expected_fraction,
        target_score=target_score,
        horizon=horizon,
        series_columns=series_columns,
        known_in_advance=known_in_advance,
        held_out_fraction=held_out_fraction,
        redeal=redeal,
        seed=seed,
        budget_seconds=budget_seconds,
        text_model=text_model,
        features=features,
        stage=stage,
    )


def job_status(job_id: str | None = None, *, limit: int = 10, wait_seconds: float | None = 0.0) -> JobsReply:
    """Tell where a job stands, or list recent jobs, whichever client started them.

    Parameters
    ----------
    job_id : str, optional
        The job; without it, recent jobs are listed.
    limit : int, default 10
        How many jobs to list at most.
    wait_seconds : float, optional
        How long to wait for the job to end; none means until it does.

    Returns
    -------
    JobsReply
        With the job, and in `result` what its verb answered once it has ended.

    Raises
    ------
    InputError
        If there is no such job.
    """
    desk = person_desk()
    if job_id is None:
        return outcome.list_jobs(desk.store, limit=limit)
    return outcome.describe_job(desk.store, desk.wait(desk.store.load(job_id), seconds=wait_seconds))


def cancel_job(job_id: str) -> JobsReply:
    """Stop a job with everything it started; what it finished is kept, and an ended job stays as it is.

    A training that has a finished candidate ends with the best so far, within seconds where that is quickly fitted on all
    rows; cancelled once more before that, it ends at once.

    Parameters
    ----------
    job_id : str
        The job.

    Raises
    ------
    InputError
        If there is no such job.
    """
    desk = person_desk()
    return outcome.describe_job(desk.store, ending.cancel_job(desk.store, job_id))


def resume_job(job_id: str, *, wait_seconds: float | None = None, on_progress: OnProgress | None = None) -> JobsReply:
    """Continue a job that was lost, cancelled or failed, from what it had finished.

    Parameters
    ----------
    job_id : str
        The job.
    wait_seconds : float, optional
        How long to wait for it to end; by default until it does.
    on_progress : callable, optional
        Called with the job after each change of what it is doing.

    Raises
    ------
    InputError
        If there is no such job, or it ended in another way.
    BusyError
        If it is still running.
    """
    desk = person_desk()
    job = _watch(starting.resume_job(desk.store, job_id), wait_seconds, on_progress)
    return outcome.describe_job(desk.store, job)


def _perform(
    name: str, reply_type: type[R], wait_seconds: float | None, on_progress: OnProgress | None, /, **arguments: object
) -> R:
    desk = person_desk()
    verb = desk.verbs[name]
    request = read_request(verb, {key: _plain(value) for key, value in arguments.items()})
    reply = desk.finish(_watch(desk.begin(verb, request), wait_seconds, on_progress))
    assert isinstance(reply, reply_type)  # the table of verbs says so
    return reply


def _plain(value: object) -> object:
    """Sequences and mappings of any kind (a pandas Index too) as the records want them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return list(value)


def _watch(job: Job, wait_seconds: float | None, on_progress: OnProgress | None) -> Job:
    desk = person_desk()
    try:
        return desk.wait(job, seconds=wait_seconds, on_change=on_progress)
    except KeyboardInterrupt:
        job = desk.interrupt(job)
        if job.state != "done":
            raise
        return job
