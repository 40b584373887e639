"""The rows that early stopping learns from and watches."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.rounds import early_stopping_rows, find_rounds
from modelling.tables import CountingJournal, make_data

BY_BLOCK = tuple((np.flatnonzero(np.arange(240) < 60 * k), np.arange(60 * k, 60 * (k + 1))) for k in (1, 2, 3))


def test_both_parts_lie_inside_the_training_part_of_one_fold() -> None:
    data = make_data(folds=4)
    learn, watch = early_stopping_rows(data, seed=0)
    assert sorted([*learn, *watch]) == sorted(data.pairs[0][0])


def test_groups_are_not_torn_with_two_folds() -> None:
    groups = np.arange(240) // 6
    half = groups < 20
    pairs = ((np.flatnonzero(half), np.flatnonzero(~half)), (np.flatnonzero(~half), np.flatnonzero(half)))
    data = make_data(clusters=groups, pairs=pairs)
    learn, watch = early_stopping_rows(data, seed=0)
    assert not set(groups[learn]) & set(groups[watch])
    assert len(watch) == 24


@pytest.mark.parametrize("blocks", [BY_BLOCK, BY_BLOCK[:1]], ids=["three folds", "one fold"])
def test_watched_rows_are_later_than_learned_ones(blocks) -> None:
    data = make_data(time_order=np.arange(240), pairs=blocks)
    learn, watch = early_stopping_rows(data, seed=0)
    assert learn.max() < watch.min()
    assert watch.max() < blocks[-1][1].min()


def boosting(data, *, round_seconds: float, seconds: float, name: str = "boosting"):
    """Boosting with its rounds fixed on a machine on which a round takes so long."""
    entry = next(entry for entry in build_portfolio(data, seed=0, threads=1) if entry.name == name)
    ticks = iter([0.0, *(round_seconds * number for number in range(8))])
    return find_rounds(entry, data, seconds=seconds, seed=0, clock=lambda: next(ticks), journal=CountingJournal())


@pytest.mark.parametrize(("name", "affordable", "rate"), [("boosting", 100, 0.3), ("boosting_deep", 200, 0.15)])
def test_a_slow_machine_gets_a_higher_learning_rate_and_says_so(name: str, affordable: int, rate: float) -> None:
    found = boosting(make_data(), round_seconds=1.0, seconds=affordable, name=name)
    parameters = found.estimator[-1].get_params()
    assert parameters["learning_rate"] == rate
    assert parameters["n_estimators"] <= affordable
    assert f"raised to {rate}" in found.why


def test_the_clock_changes_nothing_where_the_rounds_end_before_the_time_does() -> None:
    data = make_data()
    fast, slower = (boosting(data, round_seconds=1.0, seconds=rounds) for rounds in (3000, 300))
    assert fast.identity == slower.identity


def test_rounds_once_found_are_not_sought_again() -> None:
    data, journal = make_data(), CountingJournal()
    boosting = next(entry for entry in build_portfolio(data, seed=0, threads=1) if entry.name == "boosting")
    first, again = (find_rounds(boosting, data, seconds=5, seed=0, clock=lambda: 0.0, journal=journal) for _ in "ab")
    assert len(journal) == 1
    assert first.identity == again.identity
