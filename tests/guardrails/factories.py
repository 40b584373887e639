"""Small evidence: a frame and a target are enough, everything else is made to fit and can be overridden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml_engineer.guardrails import Evidence
from ml_engineer.vocabulary.data import DataProfile, DataSource, Fingerprint, ReadReport
from ml_engineer.vocabulary.estimates import Estimate, Metric, MetricEstimate
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import Finding, Stage
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    ProblemColumn,
    ProblemDefinition,
    SignalTest,
    SplitDefinition,
)
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import CandidateResult, Champion, Environment, Leaderboard, TrainingRun

SHA = "a" * 64
OTHER_SHA = "b" * 64


def an_estimate(value: float, *, half_width: float = 0.02, rows: int = 200) -> Estimate:
    return Estimate(value=value, low=value - half_width, high=value + half_width, method="made up", rows=rows)


def a_column(frame: pd.DataFrame, name: str, *, target: str, **overrides: Any) -> ProblemColumn:
    kind = frame[name].dtype
    role = (
        "target"
        if name == target
        else "datetime"
        if pd.api.types.is_datetime64_any_dtype(kind)
        else "numeric"
        if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
        else "categorical"
    )
    values = {"name": name, "role": role, "used": name != target, "reason": "made up", **overrides}
    return ProblemColumn(**values)


def a_split(**overrides: Any) -> SplitDefinition:
    values = {"strategy": "stratified", "held_out_fraction": 0.2, "folds": 5, "reason": "made up", **overrides}
    return SplitDefinition(**values)


def a_problem(
    frame: pd.DataFrame, target: str, *, columns: Mapping[str, Mapping[str, Any]] | None = None, **overrides: Any
) -> ProblemDefinition:
    labels = frame[target]
    numeric = (
        pd.api.types.is_numeric_dtype(labels.dtype)
        and not pd.api.types.is_bool_dtype(labels.dtype)
        and labels.nunique() > 12
    )
    classes = () if numeric else tuple(str(label) for label in np.unique(labels.dropna()))
    task = "regression" if numeric else "binary" if len(classes) == 2 else "multiclass"
    metric: Metric = {"regression": "rmse", "binary": "roc_auc", "multiclass": "log_loss"}[task]
    per_column = columns or {}
    values: dict[str, Any] = {
        "title": "made up",
        "business_goal": "to test",
        "goal_given": True,
        "task_type": task,
        "task_reason": "made up",
        "target": target,
        "classes": classes,
        "positive_class": classes[1] if task == "binary" else None,
        "primary_metric": metric,
        "metric_reason": "made up",
        "prediction_moment": "when the row is made",
        "prediction_moment_given": True,
        "columns": tuple(
            a_column(frame, name, target=target, **per_column.get(name, {})) for name in map(str, frame.columns)
        ),
        "split": a_split(),
        "baseline": BaselineSummary(rule="made up", metric=metric, score=an_estimate(0.5)),
        "signal": SignalTest(verdict="learnable", gain=an_estimate(0.2), explanation="made up"),
        "worth_building": True,
        "deal_id": "deal",
        **overrides,
    }
    return ProblemDefinition(**values)


def a_profile(frame: pd.DataFrame, *, rows: int | None = None, files: Mapping[str, int] | None = None) -> DataProfile:
    read = files or {}
    return DataProfile(
        source=DataSource(path="made-up.csv"),
        fingerprint=Fingerprint(content_sha256=SHA, rows=len(frame), columns=frame.shape[1]),
        report=ReadReport(format="csv", files=tuple(read), file_rows=tuple(read.values()), rows=len(frame), columns=()),
        rows=len(frame) + len(frame) // 4 if rows is None else rows,
        development_rows=len(frame),
        duplicate_rows=0,
        missing_fraction=0,
        columns=(),
    )


def a_split_plan(frame: pd.DataFrame, definition: SplitDefinition, **overrides: Any) -> SplitPlan:
    values: dict[str, Any] = {
        "deal_id": "deal",
        "definition": definition,
        "table_sha256": SHA,
        "development_rows": len(frame),
        "held_out_rows": len(frame) // 4,
        "development_sha256": SHA,
        "held_out_sha256": SHA,
        "fold_rows": (len(frame) // definition.folds,) * definition.folds,
        **overrides,
    }
    return SplitPlan(**values)


def some_folds(rows: int, *, folds: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(rows) % folds)


def evidence_of(
    frame: pd.DataFrame,
    target: str = "y",
    *,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    problem: Mapping[str, Any] | None = None,
    plan: Mapping[str, Any] | None = None,
    folds: np.ndarray | None = None,
    rows: int | None = None,
    files: Mapping[str, int] | None = None,
    **parts: Any,
) -> Evidence:
    """Evidence on `frame`, read from `files` (rows by path) if there are several.

    `columns` and `problem` override fields of the problem, `plan` of the split, `parts` the rest.
    """
    framed = a_problem(frame, target, columns=columns, **(problem or {}))
    return Evidence(
        problem=framed,
        profile=a_profile(frame, rows=rows, files=files),
        split=a_split_plan(frame, framed.split, **(plan or {})),
        frame=frame,
        folds=some_folds(len(frame), folds=framed.split.folds) if folds is None else folds,
        **parts,
    )


def text(values: Sequence[object]) -> pd.Series:
    """A column of strings, as the reader gives it."""
    return pd.Series(values, dtype="str")


def a_table(*, rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Two numbers and a category of which the first number and the category tell something about a binary target."""
    generator = np.random.default_rng(seed)
    x, noise = generator.normal(size=rows), generator.normal(size=rows)
    kind = generator.choice(["red", "green", "blue"], rows)
    chance = 1 / (1 + np.exp(-(1.2 * x + (kind == "red") - 0.3)))
    y = np.where(generator.random(rows) < chance, "yes", "no")
    return pd.DataFrame({"x": x, "noise": noise, "kind": text(kind), "y": text(y)})


def a_numeric_table(*, rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Three numbers of which two tell something about a numeric target."""
    generator = np.random.default_rng(seed)
    a, b, c = generator.normal(size=(3, rows))
    return pd.DataFrame({"a": a, "b": b, "c": c, "y": 2 * a - b + generator.normal(size=rows)})


def a_candidate(name: str = "boosting", *, score: float = 0.8, **overrides: Any) -> CandidateResult:
    values: dict[str, Any] = {
        "name": name,
        "family": "boosting",
        "status": "finished",
        "fold_scores": (0.79, 0.8, 0.81, 0.8, 0.8),
        "score": an_estimate(score),
        "score_std": 0.01,
        **overrides,
    }
    return CandidateResult(**values)


def a_champion(**overrides: Any) -> Champion:
    values: dict[str, Any] = {
        "name": "boosting",
        "family": "boosting",
        "score": an_estimate(0.8),
        "model_path": "models/serving/champion/model.skops",
        "model_sha256": SHA,
        "model_format": "skops",
        "code_path": "models/training/champion.py",
        "code_sha256": SHA,
        "features_sha256": SHA,
        **overrides,
    }
    return Champion(**values)


def a_run(*, metric: Metric = "roc_auc", champion: Champion | None = None, **overrides: Any) -> TrainingRun:
    candidate = a_candidate()
    values: dict[str, Any] = {
        "run_id": "run_1",
        "mlflow_run_id": "m1",
        "started_at": "2026-01-01T00:00:00Z",
        "seconds": 1,
        "budget_seconds": 10,
        "seed": 0,
        "development_sha256": SHA,
        "leaderboard": Leaderboard(metric=metric, candidates=(candidate,)),
        "baseline": a_candidate("baseline", score=0.5, family="baseline", fold_scores=(0.5,) * 5),
        "champion": champion or a_champion(),
        "gain": an_estimate(0.3),
        "out_of_fold_path": "experiments/runs/run_1/out_of_fold.parquet",
        "feature_columns": ("x",),
        "environment": Environment(python="3.11", platform="any", cores=2, packages={"scikit-learn": "1.9.1"}),
        **overrides,
    }
    return TrainingRun(**values)


def an_evaluation(*, score: float = 0.79, metric: Metric = "roc_auc", **overrides: Any) -> EvaluationReport:
    direction = "lower" if metric in ("rmse", "mae", "log_loss") else "higher"
    values: dict[str, Any] = {
        "run_id": "run_1",
        "deal_id": "deal",
        "model_sha256": SHA,
        "evaluated_at": "2026-01-02T00:00:00Z",
        "look": 1,
        "held_out_rows": 100,
        "primary_metric": metric,
        "metrics": (
            MetricEstimate(
                metric=metric,
                direction=direction,
                model=an_estimate(score, half_width=0.05),
                baseline=an_estimate(0.5),
                difference=an_estimate(0.29),
            ),
        ),
        "cross_validated": an_estimate(0.8),
        "verdict": "better_than_baseline",
        **overrides,
    }
    return EvaluationReport(**values)


def ask(check: Any, evidence: Evidence, *, stage: Stage = "deploy") -> Finding:
    """The finding of one check."""
    finding: Finding = check.finding(check.answer(evidence, stage=stage), stage=stage)
    return finding
