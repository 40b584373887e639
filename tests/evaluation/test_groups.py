"""Groups are named from development rows, measured with intervals, and not judged on a handful of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
from sklearn.metrics import accuracy_score, precision_score, recall_score

from ml_engineer.evaluation.groups import FEWEST_ROWS, group_labels, score_groups, worst_group
from ml_engineer.statistics.metrics import Outcomes


def test_every_metric_equals_fairlearns(two_classes: Outcomes) -> None:
    labels = np.random.default_rng(0).choice(["a", "b"], 400).astype(object)
    oracle = MetricFrame(
        metrics={
            "selection_rate": selection_rate,
            "accuracy": accuracy_score,
            "recall": recall_score,
            "false_positive_rate": false_positive_rate,
            "precision": precision_score,
        },
        y_true=two_classes.actual,
        y_pred=two_classes.predicted,
        sensitive_features=labels,
    ).by_group
    found = list(score_groups("sex", labels, two_classes))
    assert len(found) == 10
    for result in found:
        assert result.estimate is not None
        assert result.estimate.value == pytest.approx(oracle.loc[result.group, result.metric])
        assert result.estimate.low < result.estimate.value < result.estimate.high


def test_group_of_one_gets_no_number_but_is_named(two_classes: Outcomes) -> None:
    labels = np.array(["many"] * 399 + ["alone"], dtype=object)
    alone = [result for result in score_groups("sex", labels, two_classes) if result.group == "alone"]
    assert len(alone) == 5
    assert all(result.estimate is None and result.rows == 1 for result in alone)
    assert alone[0].note == f"too few rows: 1, and at least {FEWEST_ROWS} are needed"


def test_recall_needs_enough_positive_rows_not_enough_rows(two_classes: Outcomes) -> None:
    positives = np.flatnonzero(two_classes.actual == 1)
    labels = np.array(["other"] * 400, dtype=object)
    labels[np.flatnonzero(two_classes.actual == 0)[:60]] = "mostly negative"
    labels[positives[:5]] = "mostly negative"
    found = {
        result.metric: result
        for result in score_groups("sex", labels, two_classes)
        if result.group == "mostly negative"
    }
    assert found["recall"].estimate is None
    assert "rows of the positive class: 5" in found["recall"].note
    assert found["false_positive_rate"].estimate is not None


def test_regression_gives_the_mean_absolute_error_per_group(numbers: Outcomes) -> None:
    labels = np.repeat(np.array(["low", "high"], dtype=object), 150)
    found = {result.group: result.estimate for result in score_groups("income", labels, numbers)}
    error = np.abs(numbers.actual - numbers.predicted)
    assert found["low"] is not None
    assert found["low"].value == pytest.approx(error[:150].mean())


def test_ages_are_cut_into_decades_of_the_development_rows() -> None:
    reference = pd.Series(np.arange(18, 80))
    found = group_labels(pd.Series([17, 20, 29, 30, 79, 95, np.nan]), reference)
    assert found.tolist() == [
        "below 20",
        "20 to below 30",
        "20 to below 30",
        "30 to below 40",
        "70 and above",
        "70 and above",
        "(missing)",
    ]


def test_other_numbers_are_cut_into_quarters() -> None:
    reference = pd.Series(np.arange(1000.0))
    assert group_labels(pd.Series([0.0, 300, 600, 5000]), reference).tolist() == [
        "below 249.75",
        "249.75 to below 499.5",
        "499.5 to below 749.25",
        "749.25 and above",
    ]


def test_mostly_zero_numbers_are_zero_or_more() -> None:
    reference = pd.Series([0] * 120 + list(range(500, 530)))
    assert set(group_labels(reference, reference)) == {"below 500", "500 and above"}


def test_many_values_keep_the_frequent_ones_and_pool_the_rest() -> None:
    reference = pd.Series([f"city {place}" for place in range(40) for _ in range(40 - place)])
    found = group_labels(pd.Series(["city 0", "city 39", "never seen", None]), reference)
    assert found.tolist() == ["city 0", "(other values)", "(other values)", "(missing)"]
    assert len(set(group_labels(reference, reference))) == 12


def test_worst_group_is_named_in_words(two_classes: Outcomes) -> None:
    labels = np.where(np.arange(400) < 200, "a", "b").astype(object)
    predicted = two_classes.predicted.copy()
    predicted[200:] = 0
    spoilt = Outcomes("binary", two_classes.actual, predicted, n_classes=2)
    found = worst_group(list(score_groups("sex", labels, spoilt)))
    assert found is not None
    assert found.startswith("sex = b: recall 0 [0")
    assert worst_group([]) is None
