"""A small framed problem, and outcomes whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ml_engineer.evaluation.held_out import count_confusion, score_held_out
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    ProblemColumn,
    ProblemDefinition,
    SignalTest,
    SplitDefinition,
    TaskType,
)
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import CandidateResult, Champion, Environment, Leaderboard, TrainingRun

ESTIMATE = Estimate(value=0.5, low=0.4, high=0.6, method="assumed", rows=100)


def _problem(
    task: TaskType = "binary",
    *,
    classes: tuple[str, ...] = ("no", "yes"),
    features: tuple[str, ...] = ("a", "b"),
    metric: Metric = "roc_auc",
    sensitive: tuple[str, ...] = (),
    **changes: object,
) -> ProblemDefinition:
    columns = (
        *(
            ProblemColumn(name=name, role="numeric", used=True, sensitive=name in sensitive, reason="a number")
            for name in features
        ),
        ProblemColumn(name="outcome", role="target", used=False, reason="named as target"),
    )
    fields: dict[str, object] = {
        "title": "Outcome",
        "business_goal": "Know the outcome early",
        "goal_given": False,
        "task_type": task,
        "task_reason": "assumed",
        "target": "outcome",
        "classes": classes if task != "regression" else (),
        "positive_class": classes[1] if task == "binary" else None,
        "primary_metric": metric,
        "metric_reason": "assumed",
        "prediction_moment": "before the outcome",
        "prediction_moment_given": False,
        "columns": columns,
        "split": SplitDefinition(strategy="stratified", held_out_fraction=0.2, folds=3, reason="rows are independent"),
        "baseline": BaselineSummary(rule="class shares", metric=metric, score=ESTIMATE),
        "signal": SignalTest(verdict="learnable", gain=ESTIMATE, explanation="assumed"),
        "worth_building": True,
        "deal_id": "deal_test",
    }
    return ProblemDefinition.model_validate(fields | changes)


@pytest.fixture
def make_problem() -> Callable[..., ProblemDefinition]:
    """``make_problem("regression", features=("a",), metric="rmse")`` gives a problem with the target 'outcome'."""
    return _problem


@pytest.fixture
def two_classes() -> Outcomes:
    """400 rows, informative scores, about a third positive."""
    rng = np.random.default_rng(0)
    actual = (rng.random(400) < 0.35).astype(int)
    chance = 1 / (1 + np.exp(-(2.5 * actual - 1.5 + rng.normal(size=400))))
    return Outcomes("binary", actual, (chance >= 0.5).astype(int), np.c_[1 - chance, chance], n_classes=2)


@pytest.fixture
def numbers() -> Outcomes:
    """300 rows, errors of standard deviation 0.5 around a signal of standard deviation 1."""
    rng = np.random.default_rng(1)
    signal = rng.normal(size=300)
    return Outcomes("regression", signal + 0.5 * rng.normal(size=300), signal)


@pytest.fixture
def split() -> SplitPlan:
    """A deal of 500 rows."""
    return SplitPlan(
        deal_id="deal_test",
        definition=_problem().split,
        table_sha256="a" * 64,
        development_rows=400,
        held_out_rows=100,
        development_sha256="b" * 64,
        held_out_sha256="c" * 64,
        fold_rows=(134, 133, 133),
    )


@pytest.fixture
def training() -> TrainingRun:
    """A run of one candidate that finished and one that failed."""
    won = CandidateResult(name="logistic", family="linear", status="finished", score=ESTIMATE)
    lost = CandidateResult(name="forest", family="forest", status="failed", reason="ran out of memory")
    return TrainingRun(
        run_id="run_test",
        mlflow_run_id="0" * 32,
        started_at="2026-01-02T03:04:05+00:00",
        seconds=12,
        budget_seconds=60,
        seed=0,
        development_sha256="b" * 64,
        leaderboard=Leaderboard(metric="roc_auc", candidates=(won, lost)),
        baseline=CandidateResult(name="baseline", family="baseline", status="finished", score=ESTIMATE),
        champion=Champion(
            name="logistic",
            family="linear",
            score=ESTIMATE,
            model_path="models/serving/champion/model.skops",
            model_sha256="d" * 64,
            model_format="skops",
            code_path="models/training/champion.py",
            code_sha256="e" * 64,
            features_sha256="f" * 64,
        ),
        gain=ESTIMATE,
        out_of_fold_path="experiments/runs/run_test/out_of_fold.parquet",
        feature_columns=("a", "b"),
        environment=Environment(python="3.11.7", platform="Linux", cores=2, packages={"scikit-learn": "1.9.1"}),
    )


@pytest.fixture
def make_report(training: TrainingRun) -> Callable[..., EvaluationReport]:
    """``make_report(outcomes, classes, primary, **changes)`` gives the report of one look."""

    def make(outcomes: Outcomes, classes: tuple[str, ...], primary: Metric, **changes: object) -> EvaluationReport:
        scores = score_held_out(primary, outcomes, outcomes.actual)
        fields: dict[str, object] = {
            "run_id": training.run_id,
            "deal_id": "deal_test",
            "model_sha256": training.champion.model_sha256,
            "evaluated_at": "2026-01-02T04:05:06+00:00",
            "look": 1,
            "held_out_rows": outcomes.rows,
            "primary_metric": scores.metrics[0].metric,
            "metrics": scores.metrics,
            "cross_validated": ESTIMATE,
            "verdict": scores.verdict,
            "confusion": count_confusion(outcomes, classes),
            "warnings": scores.warnings,
        }
        return EvaluationReport.model_validate(fields | changes)

    return make
