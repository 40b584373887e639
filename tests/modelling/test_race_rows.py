"""The rows that the race learns from and watches."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.modelling.race_rows import race_rows
from modelling.tables import make_data

BY_BLOCK = tuple((np.flatnonzero(np.arange(240) < 60 * k), np.arange(60 * k, 60 * (k + 1))) for k in (1, 2, 3))


def test_both_parts_lie_inside_the_training_part_of_one_fold() -> None:
    data = make_data(folds=4)
    learn, watch = race_rows(data, seed=0)
    assert sorted([*learn, *watch]) == sorted(data.pairs[0][0])


def test_groups_are_not_torn_with_two_folds() -> None:
    groups = np.arange(240) // 6
    half = groups < 20
    pairs = ((np.flatnonzero(half), np.flatnonzero(~half)), (np.flatnonzero(~half), np.flatnonzero(half)))
    data = make_data(clusters=groups, pairs=pairs)
    learn, watch = race_rows(data, seed=0)
    assert not set(groups[learn]) & set(groups[watch])
    assert len(watch) == 24


@pytest.mark.parametrize("blocks", [BY_BLOCK, BY_BLOCK[:1]], ids=["three folds", "one fold"])
def test_watched_rows_are_later_than_learned_ones(blocks) -> None:
    data = make_data(time_order=np.arange(240), pairs=blocks)
    learn, watch = race_rows(data, seed=0)
    assert learn.max() < watch.min()
    assert watch.max() < blocks[-1][1].min()
