"""Thresholds and ranges from out-of-fold predictions."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.modelling.decisions import choose_threshold, prediction_interval
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.vocabulary.problem import Costs
from modelling.tables import make_data


def probabilities(rows: int, seed: int = 0) -> np.ndarray:
    positive = np.random.default_rng(seed).random(rows).round(2)
    return np.column_stack([1 - positive, positive])


@pytest.mark.parametrize(("alarm", "miss"), [(1, 1), (1, 9), (5, 1), (0, 1), (1, 0), (0, 0)])
def test_no_other_threshold_costs_less(alarm: float, miss: float) -> None:
    data = make_data(costs=Costs(false_positive=alarm, false_negative=miss))
    predictions = probabilities(data.rows)
    chosen = choose_threshold(data, predictions)
    assert chosen.value is not None
    costs = [
        metric_value("expected_cost", data.outcomes(predictions, threshold=level))
        for level in [chosen.value, *np.linspace(0, 1, 201)]
    ]
    assert costs[0] == pytest.approx(min(costs))


def test_exact_probabilities_get_nearly_the_threshold_that_is_right_for_them() -> None:
    rng = np.random.default_rng(1)
    data = make_data(rows=20_000, costs=Costs(false_positive=1, false_negative=4))
    positive = rng.random(data.rows)
    truth = np.where(rng.random(data.rows) < positive, "yes", "no").astype(object)
    exact = make_data(rows=20_000, target=truth, costs=data.costs)
    chosen = choose_threshold(exact, np.column_stack([1 - positive, positive]))
    assert chosen.value == pytest.approx(0.2, abs=0.04)


def test_without_costs_the_likelier_class_is_called() -> None:
    assert choose_threshold(make_data(), probabilities(240)).value == 0.5


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_only_binary_tasks_have_a_threshold(task: str) -> None:
    data = make_data(task)
    assert choose_threshold(data, data.empty_predictions()).value is None


def test_the_interval_is_told_with_what_it_covers_out_of_fold_and_beside_one_width_for_all() -> None:
    rng = np.random.default_rng(0)
    target = rng.lognormal(sigma=1.0, size=900)
    data = make_data("regression", rows=900, target=target)
    interval = prediction_interval(data, target * np.exp(rng.normal(scale=0.3, size=900)))
    assert interval is not None
    assert interval.coverage is not None
    assert interval.coverage.low < 0.9 < interval.coverage.high
    assert interval.coverage.rows == 900
    assert interval.mean_width < 0.9 * interval.constant_width
    assert interval.least == 0


@pytest.mark.parametrize(("task", "rows"), [("regression", 8), ("binary", 240)])
def test_classes_and_too_few_rows_get_no_interval(task: str, rows: int) -> None:
    data = make_data(task, rows=rows, folds=2)
    assert prediction_interval(data, data.actual.astype(float)) is None
