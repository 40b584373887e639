"""A small framed problem, and outcomes whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.problem import (
    BaselineSummary,
    ProblemColumn,
    ProblemDefinition,
    SignalTest,
    SplitDefinition,
    TaskType,
)

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
