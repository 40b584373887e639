"""The naive rule knows the training rows' target and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from ml_engineer.statistics.baselines import baseline_outcomes, baseline_rule
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import Costs

RNG = np.random.default_rng(0)


def test_classes_get_their_training_shares_and_the_most_frequent_label() -> None:
    train, test = RNG.choice(3, 50, p=[0.2, 0.5, 0.3]), RNG.choice(3, 20)
    oracle = DummyClassifier(strategy="prior").fit(np.zeros((50, 1)), train)
    found = baseline_outcomes("multiclass", train, test, n_classes=3)
    assert found.probabilities == pytest.approx(oracle.predict_proba(np.zeros((20, 1))))
    assert (found.predicted == oracle.predict(np.zeros((20, 1)))).all()


def test_class_that_training_never_saw_gets_no_share() -> None:
    found = baseline_outcomes("multiclass", np.array([0, 0, 1]), np.array([2]), n_classes=3)
    assert found.probabilities == pytest.approx(np.array([[2 / 3, 1 / 3, 0]]))


@pytest.mark.parametrize(
    ("metric", "strategy"), [("rmse", "mean"), ("r2", "mean"), ("mae", "median"), ("median_absolute_error", "median")]
)
def test_numbers_get_the_constant_that_suits_the_metric(metric: Metric, strategy: str) -> None:
    train, test = RNG.exponential(size=40), RNG.exponential(size=10)
    oracle = DummyRegressor(strategy=strategy).fit(np.zeros((40, 1)), train)
    found = baseline_outcomes("regression", train, test, metric=metric)
    assert found.predicted == pytest.approx(oracle.predict(np.zeros((10, 1))))
    assert strategy in baseline_rule("regression", metric=metric)


@pytest.mark.parametrize(("false_negative", "label"), [(100.0, 1), (1.0, 0)])
def test_costs_decide_the_label_when_costs_are_the_metric(false_negative: float, label: int) -> None:
    train = np.array([0] * 9 + [1])
    costs = Costs(false_positive=1, false_negative=false_negative)
    found = baseline_outcomes("binary", train, train, n_classes=2, metric="expected_cost", costs=costs)
    assert (found.predicted == label).all()
    other = np.where(found.predicted == 1, 0, 1)
    worse = type(found)("binary", train, other, n_classes=2, costs=costs)
    assert metric_value("expected_cost", found) < metric_value("expected_cost", worse)
