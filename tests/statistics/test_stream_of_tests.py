"""Many questions on the same rows keep one promise, and a way of learning is judged beyond its fitted models."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.errors import InputError
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.paired_test import learning_gain
from ml_engineer.statistics.stream_of_tests import ERROR_RATE, error_allowed


def test_the_shares_of_all_questions_add_up_to_the_promise_and_a_finding_raises_the_next_one() -> None:
    shares = [error_allowed(number, 0) for number in range(1, 100_000)]
    assert shares == sorted(shares, reverse=True)
    assert 0.99 * ERROR_RATE < sum(shares) < ERROR_RATE
    assert error_allowed(7, 2) == pytest.approx(3 * error_allowed(7, 0))


def numbers(error: float, *, seed: int) -> Outcomes:
    rng = np.random.default_rng(0)
    actual = rng.normal(size=500)
    noise = np.random.default_rng(seed).normal(scale=error, size=500)
    return Outcomes("regression", actual, actual + noise)


def test_a_gain_has_the_value_of_the_metric_and_a_wider_interval_than_two_fitted_models_would() -> None:
    better, worse = numbers(0.5, seed=1), numbers(0.8, seed=2)
    told = {"tail": 0.025, "test_to_train": 0.25, "folds": 5, "replicates": 1000}
    learned, fitted = learning_gain("rmse", better, worse, **told), gain("rmse", better, worse)
    assert learned.value == pytest.approx(fitted.value)
    assert (learned.high - learned.low) == pytest.approx(1.5 * (fitted.high - fitted.low), rel=0.1)
    assert learned.low > 0
    assert learning_gain("rmse", worse, better, **told).high < 0


def test_a_metric_that_is_undefined_is_told() -> None:
    one = Outcomes("binary", np.zeros(5, int), np.zeros(5, int), probabilities=np.tile([0.6, 0.4], (5, 1)), n_classes=2)
    with pytest.raises(InputError, match="roc_auc is undefined"):
        learning_gain("roc_auc", one, one, tail=0.05, test_to_train=0.25, folds=5)
