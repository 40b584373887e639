"""Draws have the right totals, keep together what belongs together, and fit in memory."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.resampling import plan_resampling, replicate_weights


def rows_of(n: int, *, clusters: np.ndarray | None = None, blocks: bool = False) -> Outcomes:
    return Outcomes("regression", np.zeros(n), np.zeros(n), clusters=clusters, blocks=blocks)


def drawn(outcomes: Outcomes, replicates: int = 50, seed: int = 0) -> np.ndarray:
    plan = plan_resampling(outcomes, replicates=replicates)
    return np.concatenate(list(replicate_weights(outcomes, plan, seed=seed)))


def test_each_replicate_draws_as_many_rows_as_there_are() -> None:
    weights = drawn(rows_of(40))
    assert weights.shape == (50, 40)
    assert (weights.sum(axis=1) == 40).all()
    assert weights.var(axis=0).mean() == pytest.approx(1, abs=0.15)


def test_rows_of_a_group_are_drawn_together() -> None:
    clusters = np.array([7, 3, 7, 3, 9, 9, 9])
    weights = drawn(rows_of(7, clusters=clusters))
    for group in (3, 7, 9):
        members = weights[:, clusters == group]
        assert (members == members[:, :1]).all()
    assert len(np.unique(weights.sum(axis=1))) > 1


def test_blocks_keep_neighbours_and_draw_every_row_alike() -> None:
    outcomes = rows_of(64, blocks=True)
    plan = plan_resampling(outcomes, replicates=4000)
    assert (plan.block_rows, plan.units) == (4, 16)
    weights = drawn(outcomes, replicates=4000)
    assert (weights.sum(axis=1) == 64).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(64), abs=0.12)
    assert np.corrcoef(weights[:, 10], weights[:, 11])[0, 1] > 0.6
    assert abs(np.corrcoef(weights[:, 10], weights[:, 30])[0, 1]) < 0.1


def test_blocks_grow_with_the_likeness_of_neighbours() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=500)
    slow = np.convolve(noise, np.ones(8) / 8, mode="same")
    alone, alike = (
        plan_resampling(Outcomes("regression", np.zeros(500), errors, blocks=True)) for errors in (noise, slow)
    )
    assert alone.block_rows == 8
    assert alike.block_rows > 20


@pytest.mark.parametrize("rows", [1, 2, 3, 9])
def test_few_rows_in_time_order_are_drawn_without_fault(rows: int) -> None:
    weights = drawn(rows_of(rows, blocks=True))
    assert weights.shape == (50, rows)
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) >= rows).all()


def test_seed_decides_the_draws() -> None:
    assert (drawn(rows_of(30), seed=1) == drawn(rows_of(30), seed=1)).all()
    assert (drawn(rows_of(30), seed=1) != drawn(rows_of(30), seed=2)).any()


def test_a_million_rows_get_fewer_replicates_and_the_plan_says_so() -> None:
    plan = plan_resampling(rows_of(1_000_000))
    assert plan.replicates == 200
    assert "200 replicates" in str(plan)
    assert next(replicate_weights(rows_of(1_000_000), plan, seed=0)).nbytes <= 16_000_000
