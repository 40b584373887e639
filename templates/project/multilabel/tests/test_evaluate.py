"""Metrics agree with what they are called, intervals hold their value, and a row may have no label at all."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from data.features.contract import PROBLEM
from models.evaluation.metrics import METRICS, baseline, score
from models.evaluation.resampling import clusters_of, intervals
from models.training.prediction import CHOSEN, PROBABILITIES, as_answers

LABELS = len(PROBLEM.classes)


def simulated(rows: int = 300) -> tuple[np.ndarray, pd.DataFrame]:
    """Simulate a useful but imperfect model of labels that a third of the rows have."""
    rng = np.random.default_rng(0)
    actual = (rng.random((rows, LABELS)) < 1 / 3).astype("int64")
    probabilities = 1 / (1 + np.exp(1 - 3 * actual + rng.normal(size=actual.shape)))
    return actual, as_answers(probabilities, None)


def test_the_primary_metric_is_among_the_metrics() -> None:
    assert PROBLEM.metric in METRICS


def test_metrics_are_those_of_scikit_learn_where_both_are_defined() -> None:
    actual, table = simulated()
    # A row without labels, which is given none, is where conventions differ.
    kept = (actual.sum(axis=1) > 0) & (table["predicted"].to_numpy() > 0)
    actual, table = actual[kept], table[kept]
    chosen, probabilities = table[CHOSEN].to_numpy().astype("int64"), table[PROBABILITIES].to_numpy()
    expected = {
        "average_precision": metrics.average_precision_score(actual, probabilities, average="macro"),
        "roc_auc": metrics.roc_auc_score(actual, probabilities, average="macro"),
        "f1": metrics.f1_score(actual, chosen, average="macro"),
        "micro_f1": metrics.f1_score(actual, chosen, average="micro"),
        "jaccard": metrics.jaccard_score(actual, chosen, average="samples"),
        "label_ranking_average_precision": metrics.label_ranking_average_precision_score(actual, probabilities),
        "subset_accuracy": metrics.accuracy_score(actual, chosen),
        "hamming_loss": metrics.hamming_loss(actual, chosen),
    }
    for name, value in expected.items():
        assert score(name, actual, table) == pytest.approx(value), name


def test_no_label_rightly_is_right() -> None:
    nothing = np.zeros((2, LABELS), dtype="int64")
    table = as_answers(np.full((2, LABELS), 0.1), None)
    for name in ("jaccard", "subset_accuracy", "label_ranking_average_precision"):
        assert score(name, nothing, table) == 1.0
    assert score("hamming_loss", nothing, table) == 0.0
    for name in ("average_precision", "roc_auc", "f1", "micro_f1"):
        assert np.isnan(score(name, nothing, table))


def test_a_useful_model_beats_the_baseline() -> None:
    actual, table = simulated()
    model, naive = (score(PROBLEM.metric, actual, one) for one in (table, baseline(actual, len(actual))))
    if np.isfinite(model) and np.isfinite(naive):
        assert model > naive if PROBLEM.higher_is_better else model < naive


def test_every_interval_holds_its_value() -> None:
    actual, table = simulated()
    results = intervals(actual, table, np.arange(len(actual)), replicates=30)
    assert set(results) == set(METRICS)
    for name, result in results.items():
        assert result["low"] <= result["value"] <= result["high"], name


def test_intervals_widen_when_rows_come_in_groups() -> None:
    actual, table = simulated(100)
    copies = np.repeat(np.arange(100), 10)
    many, alone, grouped = table.iloc[copies], np.arange(1000), copies

    def width(clusters: np.ndarray) -> float:
        result = intervals(actual[copies], many, clusters, replicates=30)["average_precision"]
        return result["high"] - result["low"]

    assert width(grouped) > 1.5 * width(alone)


def test_rows_without_a_key_are_alone() -> None:
    if not PROBLEM.group_columns:
        pytest.skip("rows have no groups")
    rows = pd.DataFrame({name: ["a", "a", None, None] for name in PROBLEM.group_columns})
    clusters = clusters_of(rows)
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3
