"""The best of many is corrected for having been chosen: little bias where the truth is known, and honest intervals."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.errors import InputError
from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.selection import corrected_score


def guesses(rows: int, candidates: int, rng: np.random.Generator, *, right: float = 0.5) -> list[Outcomes]:
    """Candidates that are right with the same probability, independently of each other."""
    actual = rng.integers(0, 2, rows)
    drawn = []
    for _ in range(candidates):
        hit = rng.random(rows) < right
        drawn.append(Outcomes("binary", actual, np.where(hit, actual, 1 - actual), n_classes=2))
    return drawn


def numbers(rows: int, spreads: list[float], rng: np.random.Generator) -> list[Outcomes]:
    actual = rng.normal(size=rows)
    return [Outcomes("regression", actual, actual + spread * rng.normal(size=rows)) for spread in spreads]


def test_the_best_of_fifty_coins_is_still_a_coin() -> None:
    best, corrected = [], []
    for repeat in range(40):
        coins = guesses(200, 50, np.random.default_rng(repeat))
        best.append(max(metric_value("accuracy", coin) for coin in coins))
        corrected.append(corrected_score("accuracy", coins, replicates=200, seed=repeat).value)
    assert np.mean(best) > 0.57
    assert np.mean(corrected) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("candidates", [1, 20])
def test_the_interval_holds_the_truth_as_often_as_it_says(candidates: int) -> None:
    held = 0
    for repeat in range(200):
        drawn = guesses(150, candidates, np.random.default_rng(repeat), right=0.8)
        found = corrected_score("accuracy", drawn, replicates=200, seed=repeat)
        held += found.low <= 0.8 <= found.high
    assert held >= 0.91 * 200


def test_a_single_candidate_keeps_its_score_and_its_interval() -> None:
    (only,) = numbers(400, [1.0], np.random.default_rng(3))
    plain, corrected = estimate("rmse", only), corrected_score("rmse", [only])
    assert corrected.value == pytest.approx(plain.value, rel=1e-12)
    assert corrected.high - corrected.low == pytest.approx(plain.high - plain.low, rel=0.15)
    assert corrected.rows == 400
    assert "among 1 candidate (BBC-CV)" in corrected.method


def test_a_clear_winner_is_hardly_corrected() -> None:
    candidates = numbers(500, [0.5, 2.0, 3.0], np.random.default_rng(4))
    assert corrected_score("mae", candidates).value == pytest.approx(metric_value("mae", candidates[0]), rel=0.01)


def test_a_curved_metric_with_wild_errors_is_not_made_better_than_it_was() -> None:
    rng = np.random.default_rng(11)
    actual = rng.normal(size=150)
    wild = [Outcomes("regression", actual, actual + rng.standard_t(2, size=150)) for _ in range(10)]
    best = min(metric_value("rmse", candidate) for candidate in wild)
    assert corrected_score("rmse", wild).value >= best


def test_lower_is_better_is_corrected_upwards() -> None:
    candidates = numbers(100, [1.0] * 30, np.random.default_rng(5))
    best = min(metric_value("rmse", candidate) for candidate in candidates)
    assert corrected_score("rmse", candidates).value > best


def test_rows_of_a_group_are_left_out_together() -> None:
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(20), 10)
    actual = rng.normal(size=200)
    error = rng.normal(size=20)[clusters]
    alone = [Outcomes("regression", actual, actual + error + 0.1 * rng.normal(size=200)) for _ in range(5)]
    grouped = [Outcomes(each.task, each.actual, each.predicted, clusters=clusters) for each in alone]
    narrow, wide = corrected_score("rmse", alone), corrected_score("rmse", grouped)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert "20 groups" in wide.method


def test_the_same_seed_gives_the_same_number() -> None:
    candidates = guesses(100, 8, np.random.default_rng(7))
    assert corrected_score("accuracy", candidates, seed=3) == corrected_score("accuracy", candidates, seed=3)


def test_a_candidate_for_which_the_metric_is_undefined_is_left_out() -> None:
    good, other = guesses(100, 2, np.random.default_rng(8), right=0.9)
    never = Outcomes("binary", good.actual, np.zeros(100, dtype=int), n_classes=2)
    assert "among 2 candidates" in corrected_score("precision", [good, other, never]).method


def test_no_candidate_other_rows_and_undefined_metrics_are_refused() -> None:
    (one,) = guesses(50, 1, np.random.default_rng(9))
    (other,) = guesses(50, 1, np.random.default_rng(10))
    with pytest.raises(InputError, match="no candidate"):
        corrected_score("accuracy", [])
    with pytest.raises(InputError, match="same rows"):
        corrected_score("accuracy", [one, other])
    with pytest.raises(InputError, match="undefined for every candidate"):
        corrected_score("roc_auc", [one])
