"""Weights have the property they are named for, and thresholds per group close a gap at a price that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.statistics.fairness import compare_groups
from ml_engineer.statistics.group_measures import Measured, measures_of
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.mitigation import (
    best_common_threshold,
    decision_metric,
    group_weights,
    price,
    reweighing,
    thresholds_by_group,
)
from ml_engineer.vocabulary.problem import Costs


def test_reweighed_labels_do_not_depend_on_the_group() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], 2000, p=[0.6, 0.3, 0.1]).astype(object)
    target = (rng.random(2000) < np.where(labels == "a", 0.7, 0.2)).astype(int)
    weights = reweighing(labels, target)
    shares = [np.average(target[labels == name], weights=weights[labels == name]) for name in "abc"]
    assert shares == pytest.approx([target.mean()] * 3)
    assert weights.sum() == pytest.approx(2000)
    assert weights[(labels == "a") & (target == 1)][0] == pytest.approx(
        (labels == "a").mean() * target.mean() / ((labels == "a") & (target == 1)).mean()
    )


def test_a_group_that_lacks_a_class_keeps_finite_weights() -> None:
    weights = reweighing(np.array(["a", "a", "b", "b"], dtype=object), np.array([0, 1, 1, 1]))
    assert np.isfinite(weights).all()


def scored(rows: int = 6000) -> tuple[Outcomes, np.ndarray, np.ndarray]:
    """Scores that are lower for women although their outcome is as frequent: one threshold misses more of them."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["w", "m"], rows).astype(object)
    actual = rng.integers(2, size=rows)
    told = 1 / (1 + np.exp(-(1.5 * actual - 0.7 - 1.0 * (sex == "w") + rng.normal(size=rows))))
    outcomes = Outcomes("binary", actual, (told > 0.5).astype(int), np.column_stack([1 - told, told]), n_classes=2)
    return outcomes, sex, np.arange(rows) % 5


def test_thresholds_per_group_bring_the_difference_within_the_tolerance_and_tell_the_price() -> None:
    outcomes, sex, folds = scored()
    before = compare_groups(measures_of(outcomes, "allocation")[0], sex, columns=("sex",), tolerance=0.1)
    assert before.verdict == "disparity shown"
    decided = thresholds_by_group(outcomes, sex, folds, judged=["w", "m"], measure="recall", metric="balanced_accuracy")
    assert decided is not None
    after, thresholds = decided
    assert thresholds["w"] < thresholds["m"]
    trial = price(
        "threshold per group",
        outcomes,
        after,
        sex,
        before,
        metric="balanced_accuracy",
        use="allocation",
        tolerance=0.1,
        priced_against=best_common_threshold(outcomes, folds, metric="balanced_accuracy"),
        settings=thresholds,
    )
    assert trial.verdict == "within the tolerance you set"
    assert trial.before.value == pytest.approx(before.difference.value if before.difference else None)
    assert trial.price is not None
    assert trial.price.low <= trial.price.value <= trial.price.high
    assert trial.price.value > 0  # here one threshold was wrong for both


def test_rows_of_groups_that_are_not_judged_keep_their_decision() -> None:
    outcomes, sex, folds = scored()
    decided = thresholds_by_group(outcomes, sex, folds, judged=["w"], measure="recall", metric="accuracy")
    assert decided is not None
    men = sex == "m"
    assert np.array_equal(decided[0].predicted[men], outcomes.predicted[men])


def test_measures_without_a_threshold_have_none() -> None:
    outcomes, sex, folds = scored()
    assert (
        thresholds_by_group(outcomes, sex, folds, judged=["w", "m"], measure="calibration", metric="accuracy") is None
    )


def test_rows_that_count_get_heavier_where_a_group_does_worse() -> None:
    labels = np.repeat(["a", "b"], 100).astype(object)
    counted = np.tile([True, False], 100)
    values = np.where(labels == "a", 0.2, 0.8)
    measured = Measured("recall", values, counted, is_share=True)
    weights = group_weights(measured, labels, ["a", "b"], np.ones(200))
    assert weights[(labels == "a") & counted].mean() > 1 > weights[(labels == "b") & counted].mean()
    assert weights[counted].mean() == pytest.approx(1)
    assert (weights[~counted] == 1).all()


def test_the_price_is_told_in_the_primary_metric_if_decisions_change_it() -> None:
    outcomes, *_ = scored(100)
    assert decision_metric("f1", outcomes) == "f1"
    assert decision_metric("roc_auc", outcomes) == "balanced_accuracy"
    with_costs = Outcomes(
        "binary", outcomes.actual, outcomes.predicted, costs=Costs(false_positive=1, false_negative=5), n_classes=2
    )
    assert decision_metric("roc_auc", with_costs) == "expected_cost"


def test_a_threshold_per_group_is_not_praised_for_a_better_common_threshold() -> None:
    """Scores that mean the same for everybody, cut far too high: one better threshold is all that there is to gain."""
    rng = np.random.default_rng(0)
    told = rng.uniform(0, 1, 8000)
    actual = (rng.random(8000) < told).astype(int)
    sex = rng.choice(["w", "m"], 8000).astype(object)
    outcomes = Outcomes("binary", actual, (told > 0.9).astype(int), np.column_stack([1 - told, told]), n_classes=2)
    folds = np.arange(8000) % 5
    decided = thresholds_by_group(outcomes, sex, folds, judged=["w", "m"], measure="recall", metric="balanced_accuracy")
    assert decided is not None
    common = best_common_threshold(outcomes, folds, metric="balanced_accuracy")
    before, shared, per_group = (metric_value("balanced_accuracy", one) for one in (outcomes, common, decided[0]))
    assert shared > before + 0.1
    assert per_group == pytest.approx(shared, abs=0.01)
