"""An average of models: its weights fit the predictions that score it, unless they are chosen on other folds."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.modelling.ensemble import cross_fitted_average, greedy_weights, selection_loss


def guesses(seed: int, *, rows: int = 150, models: int = 30) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=rows) for _ in range(models)], rng.normal(size=rows)


def test_an_average_of_guesses_looks_skilled_by_its_own_weights_and_not_by_those_of_other_folds() -> None:
    flattered, honest = [], []
    for seed in range(10):
        parts, actual = guesses(seed)
        weights = greedy_weights(parts, actual)
        own = np.asarray(sum(weight * part for weight, part in zip(weights, parts, strict=True)))
        crossed = cross_fitted_average(parts, actual, np.arange(len(actual)) % 5)
        flattered.append(selection_loss(own, actual))
        honest.append(selection_loss(crossed, actual))
    # No guess is better than saying nothing, which has a loss of 1.
    assert np.mean(flattered) < 0.98
    assert np.mean(honest) > 1.0


def test_a_good_model_among_guesses_keeps_its_weight_in_every_fold() -> None:
    parts, actual = guesses(0)
    good = actual + 0.1 * np.random.default_rng(1).normal(size=len(actual))
    crossed = cross_fitted_average([*parts, good], actual, np.arange(len(actual)) % 5)
    assert selection_loss(crossed, actual) == pytest.approx(selection_loss(good, actual), rel=0.05)


def test_probabilities_stay_probabilities_and_one_fold_is_halved() -> None:
    rng = np.random.default_rng(2)
    parts = [rng.dirichlet([1, 1, 1], size=80) for _ in range(4)]
    crossed = cross_fitted_average(parts, rng.integers(0, 3, 80), np.zeros(80, dtype=int))
    assert crossed.shape == (80, 3)
    np.testing.assert_allclose(crossed.sum(axis=1), 1.0)


def test_one_row_that_is_far_off_does_not_decide_the_weights_alone() -> None:
    """A model that is worse on every row but one, where all others miss by far, is no better on rows to come."""
    rng = np.random.default_rng(0)
    actual = rng.normal(size=400)
    actual[7] = 60.0
    good = [actual + rng.normal(size=400) for _ in range(3)]
    for one in good:
        one[7] = 0.0
    lucky = actual + 3 * rng.normal(size=400)
    lucky[7] = 60.0
    weights = greedy_weights([*good, lucky], actual)
    assert weights[3] < 0.4
    # Rows that were predicted in three foldings are no three rows.
    often = [np.tile(one, 3) for one in (*good, lucky)]
    assert greedy_weights(often, np.tile(actual, 3), units=np.tile(np.arange(400), 3)) == pytest.approx(weights)
