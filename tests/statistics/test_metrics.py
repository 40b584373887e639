"""Every metric equals scikit-learn's, with weights too, and is undefined where it has no meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from sklearn import metrics as sk

from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for, metrics_without_target, weighted_metric
from ml_engineer.vocabulary.estimates import METRIC_DIRECTION, Metric
from ml_engineer.vocabulary.problem import Costs, TaskType


def binary(rows: int = 300, *, ties: bool = True, seed: int = 0) -> Outcomes:
    """Informative scores for two classes; rounded ones tie."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(0, 2, rows)
    chance = 1 / (1 + np.exp(-(actual + rng.normal(size=rows) - 0.5)))
    chance = np.round(chance, 1 if ties else 12)
    return Outcomes(
        "binary",
        actual,
        (chance >= 0.5).astype(int),
        np.c_[1 - chance, chance],
        n_classes=2,
        costs=Costs(false_positive=1, false_negative=5),
    )


def multiclass(rows: int = 300) -> Outcomes:
    rng = np.random.default_rng(1)
    actual = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    raw = np.exp(rng.normal(size=(rows, 4)) + 1.5 * np.eye(4)[actual])
    chance = raw / raw.sum(axis=1, keepdims=True)
    return Outcomes("multiclass", actual, chance.argmax(axis=1), chance, n_classes=4)


def regression(rows: int = 301) -> Outcomes:
    rng = np.random.default_rng(2)
    actual = 1e6 + rng.normal(size=rows)
    return Outcomes("regression", actual, actual + rng.standard_t(3, size=rows) * 0.4)


Oracle = Callable[..., Any]
BINARY: dict[Metric, Oracle] = {
    "accuracy": lambda o, w: sk.accuracy_score(o.actual, o.predicted, sample_weight=w),
    "balanced_accuracy": lambda o, w: sk.balanced_accuracy_score(o.actual, o.predicted, sample_weight=w),
    "precision": lambda o, w: sk.precision_score(o.actual, o.predicted, sample_weight=w),
    "recall": lambda o, w: sk.recall_score(o.actual, o.predicted, sample_weight=w),
    "f1": lambda o, w: sk.f1_score(o.actual, o.predicted, sample_weight=w),
    "roc_auc": lambda o, w: sk.roc_auc_score(o.actual, o.probabilities[:, 1], sample_weight=w),
    "average_precision": lambda o, w: sk.average_precision_score(o.actual, o.probabilities[:, 1], sample_weight=w),
    "log_loss": lambda o, w: sk.log_loss(o.actual, o.probabilities, sample_weight=w),
    "brier": lambda o, w: sk.brier_score_loss(o.actual, o.probabilities[:, 1], sample_weight=w),
}
MULTICLASS: dict[Metric, Oracle] = {
    "accuracy": BINARY["accuracy"],
    "balanced_accuracy": BINARY["balanced_accuracy"],
    "precision": lambda o, w: sk.precision_score(o.actual, o.predicted, average="macro", sample_weight=w),
    "recall": lambda o, w: sk.recall_score(o.actual, o.predicted, average="macro", sample_weight=w),
    "f1": lambda o, w: sk.f1_score(o.actual, o.predicted, average="macro", sample_weight=w),
    "roc_auc": lambda o, w: sk.roc_auc_score(o.actual, o.probabilities, multi_class="ovr", sample_weight=w),
    "average_precision": lambda o, w: sk.average_precision_score(
        np.eye(4)[o.actual], o.probabilities, average="macro", sample_weight=w
    ),
    "log_loss": BINARY["log_loss"],
    "brier": lambda o, w: sk.brier_score_loss(o.actual, o.probabilities, sample_weight=w),
}
REGRESSION: dict[Metric, Oracle] = {
    "mae": lambda o, w: sk.mean_absolute_error(o.actual, o.predicted, sample_weight=w),
    "rmse": lambda o, w: sk.root_mean_squared_error(o.actual, o.predicted, sample_weight=w),
    "r2": lambda o, w: sk.r2_score(o.actual, o.predicted, sample_weight=w),
    "median_absolute_error": lambda o, w: sk.median_absolute_error(o.actual, o.predicted, sample_weight=w),
}
CASES = [
    pytest.param(metric, oracle, outcomes, id=f"{name}-{metric}")
    for name, outcomes, oracles in (
        ("ties", binary(), BINARY),
        ("no-ties", binary(ties=False), BINARY),
        ("multiclass", multiclass(), MULTICLASS),
        ("regression", regression(), REGRESSION),
        ("regression-even", regression(300), REGRESSION),
    )
    for metric, oracle in oracles.items()
]


@pytest.mark.parametrize(("metric", "oracle", "outcomes"), CASES)
def test_value_equals_scikit_learns(metric: Metric, oracle: Oracle, outcomes: Outcomes) -> None:
    assert metric_value(metric, outcomes) == pytest.approx(oracle(outcomes, None), rel=1e-9)


# scikit-learn takes the lower of two medians under weights; the test after this one covers the median.
@pytest.mark.parametrize(("metric", "oracle", "outcomes"), [case for case in CASES if "median" not in str(case.id)])
def test_value_under_weights_equals_scikit_learns(metric: Metric, oracle: Oracle, outcomes: Outcomes) -> None:
    weights = np.random.default_rng(3).integers(0, 4, (2, outcomes.rows)).astype(float)
    found = weighted_metric(metric, outcomes)(weights)
    assert found == pytest.approx([oracle(outcomes, row) for row in weights], rel=1e-8)


@pytest.mark.parametrize(("metric", "oracle", "outcomes"), CASES)
def test_counts_as_weights_equal_repeating_the_rows(metric: Metric, oracle: Oracle, outcomes: Outcomes) -> None:
    counts = np.random.default_rng(4).integers(0, 3, outcomes.rows)
    repeated = outcomes.take(np.repeat(np.arange(outcomes.rows), counts))
    found = weighted_metric(metric, outcomes)(counts[None].astype(float))
    assert found[0] == pytest.approx(metric_value(metric, repeated), rel=1e-9)


def test_expected_cost_is_the_mean_cost_per_row() -> None:
    outcomes = binary()
    false_positives = np.sum((outcomes.actual == 0) & (outcomes.predicted == 1))
    false_negatives = np.sum((outcomes.actual == 1) & (outcomes.predicted == 0))
    assert metric_value("expected_cost", outcomes) == pytest.approx((false_positives + 5 * false_negatives) / 300)


def test_metrics_of_a_positive_class_with_code_0_look_at_that_class() -> None:
    outcomes = binary()
    flipped = Outcomes(
        "binary",
        1 - outcomes.actual,
        1 - outcomes.predicted,
        outcomes.probabilities[:, ::-1],  # type: ignore[index]  # it is given above
        n_classes=2,
        positive=0,
        costs=outcomes.costs,
    )
    for metric in metrics_for("binary", has_costs=True):
        assert metric_value(metric, flipped) == pytest.approx(metric_value(metric, outcomes))


@pytest.mark.parametrize(
    ("metric", "actual", "predicted"),
    [
        ("precision", [0, 1, 1], [0, 0, 0]),
        ("recall", [0, 0, 0], [0, 1, 0]),
        ("roc_auc", [1, 1, 1], [1, 1, 0]),
        ("average_precision", [0, 0, 0], [1, 1, 0]),
    ],
)
def test_metric_without_meaning_is_nan(metric: Metric, actual: list[int], predicted: list[int]) -> None:
    called = np.array(predicted)
    outcomes = Outcomes("binary", np.array(actual), called, np.c_[1 - called, called].astype(float), n_classes=2)
    assert np.isnan(metric_value(metric, outcomes))


def test_r2_of_a_constant_target_is_nan() -> None:
    assert np.isnan(metric_value("r2", Outcomes("regression", np.full(5, 1e9), np.arange(5.0))))


def test_metrics_of_no_rows_are_nan() -> None:
    empty = binary().take(np.zeros(300, dtype=bool))
    assert all(np.isnan(metric_value(metric, empty)) for metric in metrics_for("binary", has_costs=True))


def test_macro_auc_goes_over_the_classes_that_occur() -> None:
    outcomes = multiclass()
    without_last = outcomes.take(outcomes.actual != 3)
    parts = [
        sk.roc_auc_score(without_last.actual == code, without_last.probabilities[:, code])  # type: ignore[index]
        for code in range(3)
    ]
    assert metric_value("roc_auc", without_last) == pytest.approx(np.mean(parts))


def test_log_loss_of_a_certain_mistake_is_bounded() -> None:
    outcomes = Outcomes("binary", np.array([1]), np.array([0]), np.array([[1.0, 0.0]]), n_classes=2)
    assert metric_value("log_loss", outcomes) == pytest.approx(36.04, abs=0.01)


def test_lengths_that_differ_are_a_defect() -> None:
    with pytest.raises(ValueError, match="predicted has 2 rows, actual has 3"):
        Outcomes("regression", np.zeros(3), np.zeros(2))


def test_every_metric_of_the_vocabulary_is_offered_for_some_task() -> None:
    offered = {metric for task in get_args(TaskType) for metric in metrics_for(task, has_costs=True)}
    offered |= {*metrics_without_target("anomaly_detection", labelled=True)}
    assert offered == set(METRIC_DIRECTION)
    assert "expected_cost" not in metrics_for("multiclass", has_costs=True)
