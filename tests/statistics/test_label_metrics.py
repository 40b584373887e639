"""Metrics of several labels a row: scikit-learn's values, and what a row or a label without anything is worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from ml_engineer.statistics.baselines import baseline_outcomes
from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.label_metrics import best_threshold
from ml_engineer.statistics.label_sets import (
    as_matrix,
    called_labels,
    chosen_columns,
    chosen_labels,
    holds_label_sets,
    labels_in,
    membership,
    rarest_label,
    set_as_text,
)
from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for, weighted_metric
from ml_engineer.vocabulary.estimates import Metric


def several(rows: int = 400, labels: int = 5, *, seed: int = 0, clusters: bool = False) -> Outcomes:
    """Labels that fewer and fewer rows have, and probabilities that know something of them; no row goes without."""
    rng = np.random.default_rng(seed)
    actual = (rng.random((rows, labels)) < np.linspace(0.6, 0.1, labels)).astype(int)
    actual[actual.sum(axis=1) == 0, 0] = 1
    probabilities = 1 / (1 + np.exp(1 - 2.5 * actual + rng.normal(size=actual.shape)))
    groups = np.arange(rows) // 10 if clusters else None
    return Outcomes(
        "multilabel",
        actual,
        called_labels(probabilities, 0.4),
        probabilities=probabilities,
        n_classes=labels,
        clusters=groups,
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("average_precision", lambda o: metrics.average_precision_score(o.actual, o.probabilities, average="macro")),
        ("roc_auc", lambda o: metrics.roc_auc_score(o.actual, o.probabilities, average="macro")),
        ("f1", lambda o: metrics.f1_score(o.actual, o.predicted, average="macro")),
        ("micro_f1", lambda o: metrics.f1_score(o.actual, o.predicted, average="micro")),
        ("jaccard", lambda o: metrics.jaccard_score(o.actual, o.predicted, average="samples")),
        (
            "label_ranking_average_precision",
            lambda o: metrics.label_ranking_average_precision_score(o.actual, o.probabilities),
        ),
        ("subset_accuracy", lambda o: metrics.accuracy_score(o.actual, o.predicted)),
        ("hamming_loss", lambda o: metrics.hamming_loss(o.actual, o.predicted)),
    ],
)
def test_values_are_scikit_learns(metric: Metric, expected: Callable[[Outcomes], float]) -> None:
    outcomes = several()
    assert metric_value(metric, outcomes) == pytest.approx(expected(outcomes), abs=1e-12)


def test_log_loss_is_the_mean_over_labels() -> None:
    outcomes = several()
    assert outcomes.probabilities is not None
    each = [metrics.log_loss(outcomes.actual[:, code], outcomes.probabilities[:, code]) for code in range(5)]
    assert metric_value("log_loss", outcomes) == pytest.approx(np.mean(each))


def test_doubling_a_rows_weight_is_having_it_twice() -> None:
    outcomes = several(60)
    twice = np.r_[np.arange(60), np.arange(20)]
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)[None, :]
    for metric in metrics_for("multilabel", has_costs=False):
        value = weighted_metric(metric, outcomes)(weights)[0]
        assert value == pytest.approx(metric_value(metric, outcomes.take(twice))), metric


def test_a_row_that_rightly_gets_no_label_is_right() -> None:
    nothing = np.zeros((3, 2), dtype=int)
    outcomes = Outcomes("multilabel", nothing, nothing, probabilities=np.full((3, 2), 0.1), n_classes=2)
    worth = {metric: metric_value(metric, outcomes) for metric in metrics_for("multilabel", has_costs=False)}
    assert (worth["jaccard"], worth["subset_accuracy"], worth["label_ranking_average_precision"]) == (1.0, 1.0, 1.0)
    assert worth["hamming_loss"] == 0.0
    assert all(np.isnan(worth[metric]) for metric in ("average_precision", "roc_auc", "f1", "micro_f1"))


def test_a_label_that_all_rows_have_does_not_lift_the_mean() -> None:
    outcomes = several()
    assert outcomes.probabilities is not None
    more = Outcomes(
        "multilabel",
        np.c_[outcomes.actual, np.ones(400, dtype=int)],
        np.c_[outcomes.predicted, np.ones(400, dtype=int)],
        probabilities=np.c_[outcomes.probabilities, np.full(400, 0.9)],
        n_classes=6,
    )
    for metric in ("average_precision", "roc_auc"):
        assert metric_value(metric, more) == pytest.approx(metric_value(metric, outcomes))


def test_the_baseline_is_worth_the_shares_of_the_labels() -> None:
    outcomes = several()
    naive = baseline_outcomes("multilabel", outcomes.actual, outcomes.actual, n_classes=5)
    assert metric_value("average_precision", naive) == pytest.approx(outcomes.actual.mean())
    assert metric_value("roc_auc", naive) == 0.5


def test_intervals_are_wider_for_rows_in_groups_that_repeat() -> None:
    lone = several(40)
    copies = np.repeat(np.arange(40), 10)
    widths = []
    for clusters in (None, copies):
        many = lone.take(copies)
        many = Outcomes(
            "multilabel", many.actual, many.predicted, probabilities=many.probabilities, n_classes=5, clusters=clusters
        )
        found = estimate("average_precision", many, replicates=200)
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_the_threshold_is_the_one_that_scikit_learn_finds_best_by_f1(average: str) -> None:
    outcomes = several(2000)
    assert outcomes.probabilities is not None
    cut, worth = best_threshold(outcomes.actual, outcomes.probabilities, macro=average == "macro")
    scores = {
        step / 20: metrics.f1_score(outcomes.actual, outcomes.probabilities >= step / 20, average=average)
        for step in range(1, 20)
    }
    assert cut == max(scores, key=lambda one: scores[one])
    assert worth == pytest.approx(scores[cut])


# --- sets of labels --------------------------------------------------------------------------------------------------


def test_a_set_is_a_cell_and_comes_back_whatever_its_labels_hold() -> None:
    sets = [["b", "a"], [], ['say "x", y|z', "ä"], ["a"]]
    column = pd.Series([set_as_text(one) for one in sets], dtype="str")
    assert holds_label_sets(column)
    labels = labels_in(column)
    assert labels == ("a", "b", 'say "x", y|z', "ä")
    np.testing.assert_array_equal(membership(column, labels), [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]])


@pytest.mark.parametrize("cells", [["[a]", "[b]"], ['["b", "a"]'], ["a", "b"], ["[1, 2]"]])
def test_other_text_is_no_set(cells: list[str]) -> None:
    assert not holds_label_sets(pd.Series(cells, dtype="str"))


def test_the_rarest_label_of_a_row_is_its_stratum() -> None:
    sets = [["common"]] * 6 + [["common", "rare"]] * 2 + [[]] * 3 + [["middle", "common"]] * 3
    column = pd.Series([set_as_text(one) for one in sets], dtype="str")
    strata = rarest_label(column)
    assert [len(set(strata[part])) for part in (slice(0, 6), slice(6, 8), slice(8, 11), slice(11, 14))] == [1] * 4
    assert len(set(strata)) == 4


def test_a_forests_list_of_arrays_is_a_matrix_too() -> None:
    given = [np.array([[0.2, 0.8]]), np.array([[1.0]]), np.array([[1.0]])]
    np.testing.assert_array_equal(as_matrix(given, [[0, 1], [0], [1]]), [[0.8, 0.0, 1.0]])


def test_chosen_labels_survive_a_table() -> None:
    chosen = np.array([[1, 0, 1], [0, 0, 0]])
    table = pd.DataFrame(chosen_columns(chosen))
    assert table["predicted"].tolist() == [2, 0]
    np.testing.assert_array_equal(chosen_labels(table, 3), chosen)
