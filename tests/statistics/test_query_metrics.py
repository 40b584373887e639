"""Metrics of rankings: scikit-learn's values, ties worth what their orders are worth, intervals over queries."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from ml_engineer.statistics.baselines import baseline_outcomes
from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for
from ml_engineer.statistics.query_metrics import average_precision_by_query, ndcg_by_query


def ranking(
    queries: int = 40, rows: int = 15, *, noise: float = 1.0, seed: int = 0, round_to: int | None = None
) -> Outcomes:
    """Grades from 0 to 4, scored with noise."""
    rng = np.random.default_rng(seed)
    relevance = rng.integers(0, 5, queries * rows)
    scores = relevance + noise * rng.normal(size=len(relevance))
    if round_to is not None:
        scores = np.round(scores, round_to)
    order = rng.permutation(len(relevance))
    clusters = np.repeat(np.arange(queries), rows)
    return Outcomes("regression", relevance[order], scores[order], clusters=clusters[order], named="ranking")


@pytest.mark.parametrize("round_to", [None, 0])
def test_ndcg_is_scikit_learns_with_and_without_ties(round_to: int | None) -> None:
    outcomes = ranking(round_to=round_to)
    assert outcomes.clusters is not None
    by_query = [outcomes.clusters == query for query in np.unique(outcomes.clusters)]
    expected = np.mean([ndcg_score([outcomes.actual[rows]], [outcomes.predicted[rows]], k=10) for rows in by_query])
    assert metric_value("ndcg_at_10", outcomes) == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_scikit_learns_where_no_scores_are_tied() -> None:
    outcomes = ranking()
    assert outcomes.clusters is not None
    by_query = [outcomes.clusters == query for query in np.unique(outcomes.clusters)]
    expected = np.mean(
        [average_precision_score(outcomes.actual[rows] > 0, outcomes.predicted[rows]) for rows in by_query]
    )
    assert metric_value("mean_average_precision", outcomes) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("measure", [ndcg_by_query, average_precision_by_query])
@pytest.mark.parametrize("scores", [[1, 1, 1, 1, 1, 1], [3, 2, 2, 2, 1, 1]])
def test_a_tie_is_worth_the_mean_over_all_its_orders(measure, scores) -> None:  # type: ignore[no-untyped-def]
    relevance = np.array([0.0, 2.0, 0.0, 1.0, 0.0, 4.0])
    tied = np.array(scores, dtype=float)
    values = [measure(relevance, tied + 0.01 * np.array(order)) for order in permutations(range(6))]
    assert measure(relevance, tied) == pytest.approx(np.mean(values), abs=1e-12)


def test_queries_with_nothing_to_order_are_left_out() -> None:
    relevance = np.array([0, 0, 0, 3, 3, 1, 0])
    queries = np.array([0, 0, 0, 1, 1, 2, 2])
    outcomes = Outcomes("regression", relevance, np.arange(7.0), clusters=queries, named="ranking")
    # Only the last query has rows of unequal relevance, and they stand the wrong way round.
    assert metric_value("ndcg_at_10", outcomes) == pytest.approx(1 / np.log2(3))
    assert metric_value("mean_average_precision", outcomes) == pytest.approx(0.5)
    assert np.isnan(metric_value("ndcg_at_10", outcomes.take(queries < 2)))


def test_the_interval_is_over_queries_and_is_as_wide_as_their_number_says() -> None:
    spread = []
    for number in (30, 480):
        found = estimate("ndcg_at_10", ranking(number, noise=3.0))
        assert f"{number} groups" in found.method
        spread.append(found.high - found.low)
    # Sixteen times as many queries make an interval a quarter as wide.
    assert spread[0] / spread[1] == pytest.approx(4, rel=0.35)


def test_the_interval_covers_the_true_value_about_as_often_as_it_says() -> None:
    truth = metric_value("ndcg_at_10", ranking(4000, rows=8, noise=2.0, seed=99))
    found = [estimate("ndcg_at_10", ranking(40, rows=8, noise=2.0, seed=seed), replicates=300) for seed in range(100)]
    assert 0.88 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_the_baseline_is_what_a_random_order_is_worth() -> None:
    outcomes = ranking(300)
    naive = baseline_outcomes("regression", outcomes.actual, outcomes.actual, clusters=outcomes.clusters)
    rng = np.random.default_rng(1)
    for metric in metrics_for("ranking", has_costs=False):
        drawn = [
            metric_value(
                metric,
                Outcomes("regression", outcomes.actual, rng.random(outcomes.rows), clusters=outcomes.clusters),
            )
            for _ in range(30)
        ]
        assert metric_value(metric, naive) == pytest.approx(np.mean(drawn), abs=0.01)
