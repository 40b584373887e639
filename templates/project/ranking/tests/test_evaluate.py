"""Metrics agree with what they are called, and intervals hold their value."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from data.features.contract import PROBLEM
from models.evaluation.metrics import METRICS, average_precision, baseline, score
from models.evaluation.resampling import clusters_of, intervals


def simulated(queries: int = 30, rows: int = 12) -> tuple[np.ndarray, pd.DataFrame]:
    """Simulate a useful but imperfect order of rows with grades from 0 to 3."""
    rng = np.random.default_rng(0)
    relevance = rng.integers(0, 4, queries * rows)
    actual = np.column_stack([relevance.astype(float), np.repeat(np.arange(queries), rows)])
    return actual, pd.DataFrame({"predicted": relevance + rng.normal(size=len(relevance))})


def test_the_primary_metric_is_among_the_metrics() -> None:
    assert PROBLEM.metric in METRICS


def test_a_useful_order_beats_a_random_one() -> None:
    actual, table = simulated()
    for name in METRICS:
        assert score(name, actual, table) > score(name, actual, baseline(actual, len(actual))) + 0.1


def test_one_score_for_all_rows_is_worth_what_random_orders_are() -> None:
    actual, _ = simulated()
    rng = np.random.default_rng(1)
    orders = [pd.DataFrame({"predicted": rng.random(len(actual))}) for _ in range(100)]
    for name in METRICS:
        drawn = float(np.mean([score(name, actual, order) for order in orders]))
        assert score(name, actual, baseline(actual, len(actual))) == pytest.approx(drawn, abs=0.02)


def test_average_precision_without_ties_is_that_of_scikit_learn() -> None:
    actual, table = simulated(queries=1)
    expected = average_precision_score(actual[:, 0] > 0, table["predicted"])
    assert average_precision(actual[:, 0], table["predicted"].to_numpy()) == pytest.approx(expected)


def test_queries_with_nothing_to_order_do_not_count() -> None:
    actual, table = simulated(queries=2)
    flat = actual.copy()
    flat[flat[:, 1] == 1, 0] = 2.0
    for name in METRICS:
        assert score(name, flat, table) == score(name, actual[actual[:, 1] == 0], table[actual[:, 1] == 0])
        assert np.isnan(score(name, flat[flat[:, 1] == 1], table[flat[:, 1] == 1]))


def test_every_interval_holds_its_value_and_narrows_with_more_queries() -> None:
    widths = []
    for queries in (20, 320):
        actual, table = simulated(queries)
        results = intervals(actual, table, actual[:, 1], replicates=300)
        assert set(results) == set(METRICS)
        for result in results.values():
            assert result["low"] <= result["value"] <= result["high"]
        widths.append(results[PROBLEM.metric]["high"] - results[PROBLEM.metric]["low"])
    assert widths[0] > 2 * widths[1]


def test_rows_without_a_key_are_alone() -> None:
    rows = pd.DataFrame({name: ["a", "a", None, None] for name in PROBLEM.group_columns})
    clusters = clusters_of(rows)
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3
