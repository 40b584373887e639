"""Metrics agree with what they are called, and intervals hold their value."""

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from models.evaluation.metrics import METRICS, baseline, score
from models.evaluation.resampling import clusters_of, intervals


def simulated(rows: int = 300) -> tuple[np.ndarray, pd.DataFrame]:
    """Simulate a useful but imperfect model."""
    rng = np.random.default_rng(0)
    if PROBLEM.quantile is not None:
        middle, spread = rng.normal(scale=2.0, size=rows), rng.normal(scale=0.5, size=rows)
        return middle + spread, pd.DataFrame({"predicted": middle + np.quantile(spread, PROBLEM.quantile)})
    if PROBLEM.counts:
        expected = rng.gamma(2.0, 2.0, size=rows)
        return rng.poisson(expected).astype("float64"), pd.DataFrame({"predicted": expected})
    if not PROBLEM.classes:
        actual = rng.normal(size=rows)
        return actual, pd.DataFrame({"predicted": actual + rng.normal(scale=0.5, size=rows)})
    classes = len(PROBLEM.classes)
    codes: np.ndarray = np.arange(rows) % classes
    scores = rng.normal(size=(rows, classes)) + 2 * np.eye(classes)[codes]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    table = pd.DataFrame(probabilities, columns=[f"p{code}" for code in range(classes)])
    return codes, table.assign(predicted=probabilities.argmax(axis=1).astype(float))


def test_the_primary_metric_is_among_the_metrics() -> None:
    assert PROBLEM.metric in METRICS


def test_a_useful_model_beats_the_baseline() -> None:
    actual, table = simulated()
    model, naive = (score(PROBLEM.metric, actual, one) for one in (table, baseline(actual, len(actual))))
    if np.isfinite(model) and np.isfinite(naive):
        assert model > naive if PROBLEM.higher_is_better else model < naive


def test_every_interval_holds_its_value() -> None:
    actual, table = simulated()
    results = intervals(actual, table, np.arange(len(actual)), replicates=30)
    assert PROBLEM.metric in results or PROBLEM.metric == "expected_cost"
    for name, result in results.items():
        assert result["low"] <= result["value"] <= result["high"], name


def test_intervals_widen_when_rows_come_in_groups() -> None:
    actual, table = simulated(100)
    copies = np.repeat(np.arange(100), 10)
    many, alone, grouped = table.iloc[copies], np.arange(1000), copies
    name = next(iter(METRICS))

    def width(clusters: np.ndarray) -> float:
        result = intervals(actual[copies], many, clusters, replicates=30)[name]
        return result["high"] - result["low"]

    assert width(grouped) > 1.5 * width(alone)


def test_rows_without_a_key_are_alone() -> None:
    if not PROBLEM.group_columns:
        pytest.skip("rows have no groups")
    rows = pd.DataFrame({name: ["a", "a", None, None] for name in PROBLEM.group_columns})
    clusters = clusters_of(rows)
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3
