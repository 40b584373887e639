"""Metrics agree with what they are called, and intervals hold their value."""

import numpy as np
import pandas as pd
import pytest

from data.features.contract import PROBLEM
from models.evaluation.evaluate import clusters_of, intervals
from models.evaluation.metrics import METRICS, baseline, score


def simulated(rows: int = 300) -> tuple[np.ndarray, pd.DataFrame]:
    """Simulate answers that are good, but not perfect."""
    rng = np.random.default_rng(0)
    actual = (np.arange(rows) % 10 == 0).astype(float)
    table = pd.DataFrame({"predicted": actual + rng.normal(scale=0.5, size=rows), "value": rng.uniform(0.5, 1, rows)})
    return actual, table


def test_the_primary_metric_is_among_the_metrics() -> None:
    assert PROBLEM.metric in METRICS


def test_good_answers_beat_the_baseline() -> None:
    actual, table = simulated()
    model, naive = (score(PROBLEM.metric, actual, one) for one in (table, baseline(actual, len(actual))))
    assert model > 0.5
    assert not np.isfinite(naive) or model > naive


def test_every_interval_holds_its_value() -> None:
    actual, table = simulated()
    results = intervals(actual, table, np.arange(len(actual)), replicates=30)
    assert set(results) == set(METRICS)
    for name, result in results.items():
        assert result["low"] <= result["value"] <= result["high"], name


def test_rows_without_a_key_are_alone() -> None:
    if not PROBLEM.group_columns:
        pytest.skip("rows have no groups")
    rows = pd.DataFrame({name: ["a", "a", None, None] for name in PROBLEM.group_columns})
    clusters = clusters_of(rows)
    assert clusters[0] == clusters[1]
    assert len(set(clusters)) == 3
