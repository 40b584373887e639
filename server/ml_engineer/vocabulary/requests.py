"""What each verb may be asked. Field descriptions are the help of every door."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.problem import ColumnRole, SplitStrategy, TaskType
from ml_engineer.vocabulary.records import Record

__all__ = [
    "FEATURE_FOLDERS",
    "CheckGuardrailsRequest",
    "EvaluateRequest",
    "ExportRequest",
    "FeatureFolder",
    "FrameProblemRequest",
    "PredictRequest",
    "PromoteRequest",
    "ReplayRequest",
    "RunRequest",
    "ScaffoldProjectRequest",
    "TrainRequest",
    "VerifyRequest",
    "WaiveFindingRequest",
]

FeatureFolder = Literal["serving", "monitoring", "llm", "ci", "notebook"]
FEATURE_FOLDERS: tuple[FeatureFolder, ...] = ("serving", "monitoring", "llm", "ci", "notebook")


ProjectDir = Annotated[
    str, Field(description="Folder of the ML project; doors resolve a relative path in the workspace.")
]


class _DataArguments(Record):
    """How to find the table; shared by the verbs that read one."""

    table: str | None = Field(default=None, description="Sheet of a workbook, or table of a SQLite or DuckDB file.")
    sql: str | None = Field(
        default=None, description="One read-only SELECT for DuckDB instead of (or over) the data file."
    )
    sql_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="Seconds after which sql, or a view, is stopped; by default 120."
    )
    sql_memory_gb: float | None = Field(
        default=None, gt=0, description="Gigabytes that sql, or a view, may take; by default half of what is free."
    )
    column_names: list[str] | None = Field(
        default=None, description="Names for the columns, if the file has no header line."
    )
    query_path: str | None = Field(default=None, description="File with rows per query, for libsvm ranking data.")


class FrameProblemRequest(_DataArguments):
    """Turn a table and a target into a framed problem: seals held-out rows first, then looks at the rest."""

    data: str = Field(
        description="Path of the data: a file (CSV, TSV, Parquet, Excel, JSON, libsvm, SQLite, DuckDB; gz or zip), a folder, or a glob."
    )
    target: str = Field(
        default="",
        description="Name of the column to predict; of several labels a row a column of lists (comedy|drama), or several columns of 0 and 1, with commas between their names. Only task_type 'clustering' does without, and 'anomaly_detection', "
        "where it may name a column of known anomalies, which then only judges.",
    )
    goal: str | None = Field(default=None, description="What the prediction is for, in the person's words.")
    project_dir: ProjectDir = "ml"
    test_data: str | None = Field(default=None, description="The person's own test file; it is sealed as it is.")
    task_type: TaskType | None = Field(default=None, description="Kind of task, if the inference should be overridden.")
    metric: Metric | None = Field(default=None, description="Primary metric, if the inference should be overridden.")
    positive_class: str | None = Field(default=None, description="The class that 'positive' means, for binary tasks.")
    levels: list[str] | None = Field(
        default=None, description="Values of an ordinal target from lowest to highest, where the order cannot be seen."
    )
    quantile: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Predict the value that this share of outcomes stays at or below (0.9: nine in ten), not the expected one.",
    )
    event_column: str | None = Field(
        default=None,
        description="Survival: column that tells whether the event happened at the time that target holds (1), or the row was only followed so long without it (0).",
    )
    label_columns: list[str] | None = Field(
        default=None,
        description="Multilabel: columns of 0 and 1, one a label. The same as naming them in target; target is then the name of the set.",
    )
    split: SplitStrategy | None = Field(
        default=None, description="How held-out rows are dealt, if the inference should be overridden."
    )
    group_columns: list[str] | None = Field(
        default=None,
        description="Columns that together name a person or thing with several rows; an empty list means rows are independent.",
    )
    time_column: str | None = Field(
        default=None, description="Column that orders rows in time; an empty text means that time does not matter."
    )
    prediction_moment: str | None = Field(
        default=None, description="When, in the life of a row, the prediction is made."
    )
    after_the_fact: list[str] | None = Field(
        default=None, description="Columns whose value is known only after the prediction moment; they are not used."
    )
    known_at_prediction: list[str] | None = Field(
        default=None, description="Columns that are known in time although they look as if they were not."
    )
    sensitive_columns: list[str] | None = Field(
        default=None, description="Columns that name a protected attribute; an empty list means none."
    )
    exclude_columns: list[str] | None = Field(default=None, description="Columns the model must not see.")
    roles: dict[str, ColumnRole] | None = Field(
        default=None, description="Role of single columns, by name, if the inference should be overridden."
    )
    false_positive_cost: float | None = Field(
        default=None, ge=0, description="Cost of calling a negative row positive (binary; give both costs)."
    )
    false_negative_cost: float | None = Field(
        default=None, ge=0, description="Cost of calling a positive row negative (binary; give both costs)."
    )
    clusters: int | None = Field(
        default=None, ge=2, le=50, description="Number of groups, if it should not be chosen by evidence (clustering)."
    )
    expected_fraction: float | None = Field(
        default=None,
        gt=0,
        lt=0.5,
        description="Share of rows to flag (anomaly detection); by default the share of known anomalies, else 1 %, and "
        "at least ten development rows.",
    )
    target_score: float | None = Field(
        default=None, description="Value of the primary metric that would be good enough."
    )
    horizon: int | None = Field(
        default=None, ge=1, description="How many moments ahead to forecast (forecasting; by default one season)."
    )
    series_columns: list[str] | None = Field(
        default=None, description="Columns that together name one of several series (forecasting)."
    )
    known_in_advance: list[str] | None = Field(
        default=None,
        description="Columns whose value at the moment that is forecast is known when the forecast is made, as holidays or prices that were set (forecasting). Of all others only the past is used.",
    )
    held_out_fraction: float | None = Field(
        default=None,
        gt=0,
        lt=0.9,
        description="Share of rows to seal; by default 0.2, and at least enough for a useful interval.",
    )
    redeal: bool = Field(
        default=False,
        description="Deal the rows anew although they were dealt before; looks already taken stay counted.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the deal and the folds.")


class ScaffoldProjectRequest(Record):
    """Render the project's code, tests and documents from the framed problem."""

    project_dir: ProjectDir = "ml"
    features: list[FeatureFolder] | None = Field(
        default=None,
        description="Feature folders to include: serving, monitoring, llm, ci, notebook. By default those chosen last "
        "time, at first all. Untouched files of folders that are left out are removed.",
    )


class TrainRequest(Record):
    """Validate the data, train candidates on the planned folds under MLflow, and write the champion."""

    project_dir: ProjectDir = "ml"
    budget_seconds: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description="Wall time for the search, from the child's readiness to a saved model.",
    )
    budget_evaluations: int | None = Field(
        default=None,
        ge=1,
        description="Number of fits instead of a time: the same data, seed and versions then give the same model.",
    )
    memory_limit_mb: int | None = Field(
        default=None, ge=64, description="Memory that all fits together may take; by default most of what is free."
    )
    executor: str | None = Field(
        default=None,
        pattern=r"^(tcp|tls)://[^\s/@]+:\d{1,5}$",
        description="Address of a Dask scheduler, like tcp://HOST:8786, whose workers do the fits; by default processes "
        "on this machine. The development rows are sent there.",
    )
    champion: Literal["best", "simplest-within-noise"] = Field(
        default="best",
        description="'simplest-within-noise' takes the simplest model whose difference to the best may be chance.",
    )
    price_milliseconds: float = Field(
        default=10.0, gt=0, description="Most that a prediction of the champion may take, per row in batches."
    )
    candidates: list[str] | None = Field(
        default=None,
        description="Names of the candidates to try; by default the portfolio and everything in candidates.py.",
    )
    trial: str | None = Field(
        default=None,
        min_length=3,
        max_length=200,
        description="Name of, or reason for, an idea in features.py: judges it against the accepted features instead of "
        "training a champion, and writes the verdict down.",
    )
    text_model: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of a static embedding model (model2vec) on this machine, by which running text is read too; it is copied into the project, and nothing is downloaded.",
    )
    foundation_model: str | None = Field(
        default=None,
        min_length=1,
        description="File of weights (a checkpoint of TabICL) on this machine: a pretrained transformer is then tried too, slowly; it is copied into the project, and nothing is downloaded.",
    )
    seed: int = Field(default=0, ge=0, description="Random state of every model.")


class EvaluateRequest(Record):
    """Open the sealed rows once for the champion, count the look, and write the report."""

    project_dir: ProjectDir = "ml"
    reason: str = Field(default="", description="Why the rows are looked at now; kept in the ledger.")


class CheckGuardrailsRequest(Record):
    """Check the five guardrails for what is about to be done."""

    project_dir: ProjectDir = "ml"
    stage: Stage = Field(default="deploy", description="What is about to be done: 'train', 'deploy' or 'production'.")


class WaiveFindingRequest(Record):
    """Write down a person's override of a finding; it stays visible in every later report."""

    code: str = Field(pattern=r"^[A-Z]{3}\d{3}$", description="Code of the check, e.g. LEA002.")
    reason: str = Field(min_length=10, description="Why the finding may be overridden, in at least ten characters.")
    name: str = Field(min_length=2, description="The person who takes responsibility.")
    columns: list[str] | None = Field(
        default=None, description="Columns the override is limited to; by default the whole finding."
    )
    project_dir: ProjectDir = "ml"


class VerifyRequest(Record):
    """Check everything that is claimed of the champion against what proves it: files, records, ledger, numbers."""

    project_dir: ProjectDir = "ml"
    full: bool = Field(
        default=False, description="Also compute the numbers again, from stored predictions and the model itself."
    )


class ReplayRequest(Record):
    """Train a run again from its record, in a place of its own, and compare: champion, score, every prediction."""

    run: str = Field(min_length=1, description="Name of the run, or 'champion' for that of the present champion.")
    project_dir: ProjectDir = "ml"


class ExportRequest(Record):
    """Write the champion in a format that other languages run, and compare its predictions with the champion's."""

    format: Literal["onnx"] = Field(default="onnx", description="'onnx' runs in ONNX Runtime, without Python.")
    output: str | None = Field(
        default=None, description="File to write; by default models/serving/export/champion.onnx of the project."
    )
    project_dir: ProjectDir = "ml"


class PromoteRequest(Record):
    """Put the champion into use after a person approved it: moves the registry's alias, and writes down who and why."""

    approved_by: str = Field(
        min_length=2,
        description="The person who approves it.",
        json_schema_extra={"prompt": "Who approves it? Your name"},
    )
    reason: str = Field(
        min_length=10,
        description="Why it may go live, in at least ten characters.",
        json_schema_extra={"prompt": "Why may it go live?"},
    )
    project_dir: ProjectDir = "ml"
    stage: Literal["deploy", "production"] = Field(
        default="deploy", description="Stage that the guardrails are checked for: 'deploy' or 'production'."
    )
    rollback: bool = Field(default=False, description="Go back to the champion that was in use before the present one.")
    to: str | None = Field(default=None, description="Run of an earlier promoted champion to go back to.")


class PredictRequest(_DataArguments):
    """Score a file or table with the champion."""

    data: str = Field(
        description="Path of the rows to score: any format that frame_problem reads. For forecasting the history, to whose end the horizon is added."
    )
    future_data: str | None = Field(
        default=None,
        description="File of the moments to forecast with the columns known in advance (forecasting), unless data ends with such rows.",
    )
    output: str | None = Field(
        default=None,
        description="File to write; by default beside the project's reports. The ending chooses the format (csv, parquet, xlsx, json, jsonl).",
    )
    project_dir: ProjectDir = "ml"


class RunRequest(FrameProblemRequest):
    """The whole way: frame, scaffold, train, evaluate and check."""

    budget_seconds: float = Field(default=60, gt=0, le=86_400, description="Wall time for the search.")
    text_model: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of a static embedding model (model2vec) on this machine, by which running text is read too; it is copied into the project, and nothing is downloaded.",
    )
    features: list[FeatureFolder] | None = Field(
        default=None, description="Feature folders to include; by default those chosen last time, at first all."
    )
    stage: Stage = Field(default="deploy", description="Stage for which the guardrails are checked.")
