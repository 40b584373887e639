"""Held-out scores say no more than the rows can bear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml_engineer.errors import InputError
from ml_engineer.evaluation.held_out import admit_unknown_classes, count_confusion, score_held_out
from ml_engineer.evaluation.prediction import UNKNOWN_CLASS
from ml_engineer.statistics.intervals import share_of_rows, wilson
from ml_engineer.statistics.metrics import Outcomes, metrics_for
from ml_engineer.vocabulary.problem import Costs

DEVELOPMENT = np.random.default_rng(2).integers(0, 2, 500)


def test_informative_model_is_better_than_the_baseline(two_classes: Outcomes) -> None:
    found = score_held_out("roc_auc", two_classes, DEVELOPMENT)
    assert found.verdict == "better_than_baseline"
    assert {result.metric for result in found.metrics} == set(metrics_for("binary", has_costs=False))
    first = found.metrics[0]
    assert first.metric == "roc_auc"
    assert first.baseline is not None
    assert first.baseline.value == 0.5
    assert first.difference is not None
    assert first.difference.value == pytest.approx(first.model.value - 0.5)


def test_shuffled_truth_leaves_no_evidence(two_classes: Outcomes) -> None:
    shuffled = replace(two_classes, actual=np.random.default_rng(3).permutation(two_classes.actual))
    assert score_held_out("roc_auc", shuffled, DEVELOPMENT).verdict == "no_evidence"


def test_model_that_is_surely_wrong_is_worse_than_the_baseline(two_classes: Outcomes) -> None:
    turned = replace(two_classes, actual=1 - two_classes.actual)
    assert score_held_out("log_loss", turned, DEVELOPMENT).verdict == "worse_than_baseline"


def test_absolute_errors_meet_the_median_and_squared_ones_the_mean(numbers: Outcomes) -> None:
    development = np.random.default_rng(4).exponential(size=200)
    found = {result.metric: result for result in score_held_out("rmse", numbers, development).metrics}
    assert found["mae"].baseline is not None
    assert found["rmse"].baseline is not None
    assert found["mae"].baseline.value == pytest.approx(np.mean(np.abs(numbers.actual - np.median(development))))
    assert found["rmse"].baseline.value == pytest.approx(np.sqrt(np.mean((numbers.actual - development.mean()) ** 2)))


def test_costs_add_expected_cost_beside_the_cheaper_constant(two_classes: Outcomes) -> None:
    costly = replace(two_classes, costs=Costs(false_positive=1, false_negative=50))
    found = {result.metric: result for result in score_held_out("roc_auc", costly, DEVELOPMENT).metrics}
    assert found["expected_cost"].baseline is not None
    # Calling everyone costs one per negative row.
    assert found["expected_cost"].baseline.value == pytest.approx(np.mean(two_classes.actual == 0))


def test_later_looks_widen_the_difference_and_warn_of_flattery(two_classes: Outcomes) -> None:
    first, fifth = (score_held_out("log_loss", two_classes, DEVELOPMENT, look=look) for look in (1, 5))
    one, five = first.metrics[0].difference, fifth.metrics[0].difference
    assert one is not None
    assert five is not None
    assert (one.level, five.level) == (0.95, 0.99)
    assert five.high - five.low > one.high - one.low
    assert any("have now judged 5 models" in warning for warning in fifth.warnings)


def test_one_class_only_is_judged_by_what_is_still_defined() -> None:
    rows = Outcomes("binary", np.ones(12, dtype=int), np.ones(12, dtype=int), np.tile([0.3, 0.7], (12, 1)), 2)
    found = score_held_out("roc_auc", rows, DEVELOPMENT)
    assert found.metrics[0].metric == "log_loss"
    assert any("roc_auc is undefined" in warning for warning in found.warnings)
    assert any("one class" in warning for warning in found.warnings)
    assert any("Only 12 rows" in warning for warning in found.warnings)


def test_constant_target_of_a_regression_is_judged_by_rmse() -> None:
    found = score_held_out("r2", Outcomes("regression", np.full(20, 3.0), np.arange(20.0)), np.arange(10.0))
    assert found.metrics[0].metric == "rmse"
    assert found.verdict in {"no_evidence", "worse_than_baseline"}


def test_same_prediction_for_every_row_is_told(numbers: Outcomes) -> None:
    flat = replace(numbers, predicted=np.zeros(numbers.rows))
    found = score_held_out("rmse", flat, numbers.actual)
    assert any("predicts the same for every held-out row" in warning for warning in found.warnings)


def test_no_row_is_refused(two_classes: Outcomes) -> None:
    with pytest.raises(InputError, match="no held-out row"):
        score_held_out("roc_auc", two_classes.take(np.zeros(400, dtype=bool)), DEVELOPMENT)


def test_unknown_class_among_several_counts_as_a_mistake() -> None:
    outcomes = Outcomes(
        "multiclass",
        np.array([0, 1, 2, UNKNOWN_CLASS, UNKNOWN_CLASS]),
        np.array([0, 1, 2, 2, 0]),
        np.full((5, 3), 1 / 3),
        n_classes=3,
    )
    found = admit_unknown_classes(outcomes, ["a", "b", "c", "zebra", "yak"], ("a", "b", "c"))
    assert found.classes == ("a", "b", "c", "yak", "zebra")
    assert found.outcomes.actual.tolist() == [0, 1, 2, 4, 3]
    assert found.warnings == ("2 held-out rows have a class that no development row has; they count as mistakes.",)
    scores = score_held_out("accuracy", found.outcomes, np.array([0, 1, 2, 2]))
    assert scores.metrics[0].model.value == 0.6
    confusion = count_confusion(found.outcomes, found.classes)
    assert confusion is not None
    assert confusion.counts[4] == (0, 0, 1, 0, 0)


def test_unknown_class_of_two_is_left_out_and_told(two_classes: Outcomes) -> None:
    actual = two_classes.actual.astype(int)
    actual[:7] = UNKNOWN_CLASS
    found = admit_unknown_classes(replace(two_classes, actual=actual), ["?"] * 400, ("no", "yes"))
    assert (found.outcomes.rows, found.kept.sum()) == (393, 393)
    assert found.warnings[0].startswith("7 held-out rows")


def test_confusion_counts_actual_in_rows_and_predicted_in_columns() -> None:
    outcomes = Outcomes("binary", np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), n_classes=2)
    found = count_confusion(outcomes, ("no", "yes"))
    assert found is not None
    assert found.counts == ((1, 1), (1, 2))
    assert count_confusion(Outcomes("regression", np.ones(2), np.ones(2)), ()) is None


def test_share_of_independent_rows_has_wilsons_interval(two_classes: Outcomes) -> None:
    hits = two_classes.actual == 1
    assert share_of_rows(hits, two_classes) == wilson(int(hits.sum()), 400)
    grouped = replace(two_classes, clusters=np.arange(400) // 8)
    assert share_of_rows(hits, grouped).method.startswith("bootstrap of 50 groups")
