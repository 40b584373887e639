"""Folds of development rows."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from ml_engineer.errors import InputError
from ml_engineer.splitting import assign_folds, fold_pairs, group_codes
from splitting.plans import plan


@pytest.fixture
def birds(penguins: Path) -> pd.DataFrame:
    return pd.read_csv(penguins, parse_dates=["Date Egg"])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"requested": "random"},
        {"group_columns": ("Individual ID", "Species"), "groups": 284},
        {"time_column": "Date Egg"},
    ],
)
def test_folds_do_not_depend_on_the_order_of_rows_or_columns(changes: dict[str, Any], birds: pd.DataFrame) -> None:
    rule = plan(**changes)
    mixed = birds.sample(frac=1, random_state=1)[birds.columns[::-1]]
    folds = pd.Series(assign_folds(birds, rule, target="Species", classification=True), index=birds.index)
    again = pd.Series(assign_folds(mixed, rule, target="Species", classification=True), index=mixed.index)
    pd.testing.assert_series_equal(again.sort_index(), folds)


@pytest.mark.parametrize("changes", [{}, {"group_columns": ("Individual ID", "Species"), "groups": 284}])
def test_every_folding_keeps_the_rule_and_cuts_otherwise(changes: dict[str, Any], birds: pd.DataFrame) -> None:
    rule = plan(**changes)
    foldings = [assign_folds(birds, rule, target="Species", classification=True, repeat=repeat) for repeat in range(3)]
    for first, second in itertools.combinations(foldings, 2):
        together = pd.crosstab(first, second).to_numpy()
        assert together.max() < 0.5 * together.sum(axis=1).max(), "they are nearly the same folding"
    for folds in foldings:
        counts = pd.crosstab(folds, birds["Species"])
        assert (counts.max() - counts.min()).max() <= (1 if not changes else 3)
        keys = [birds[name] for name in rule.group_columns]
        assert not keys or pd.Series(folds).groupby(keys).nunique().max() == 1


def test_each_fold_holds_each_class_in_proportion(birds: pd.DataFrame) -> None:
    folds = assign_folds(birds, plan(), target="Species", classification=True)
    counts = pd.crosstab(folds, birds["Species"])
    assert (counts.max() - counts.min()).max() <= 1
    assert np.ptp(np.bincount(folds)) <= 1


def test_each_fold_holds_numbers_in_proportion() -> None:
    frame = load_diabetes(as_frame=True).frame
    folds = assign_folds(frame, plan(), target="target", classification=False)
    assert np.ptp(np.bincount(folds)) <= 1
    means = frame["target"].groupby(folds).mean()
    assert np.ptp(means) < 0.15 * frame["target"].std()


@pytest.mark.parametrize("seed", range(10))
def test_folds_never_tear_groups_apart(seed: int, birds: pd.DataFrame) -> None:
    columns = ("Individual ID", "Species")
    rule = plan(group_columns=columns, groups=284, seed=seed)
    folds = assign_folds(birds, rule, target="Species", classification=True)
    assert pd.Series(folds).groupby(group_codes(birds, columns)).nunique().max() == 1
    assert np.ptp(np.bincount(folds)) <= 2
    assert pd.crosstab(folds, birds["Species"]).min().min() >= 12


def test_large_groups_are_spread_so_that_folds_stay_even() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 40, 60)
    frame = pd.DataFrame({"id": np.repeat(np.arange(60), sizes)})
    frame["y"] = rng.integers(0, 2, len(frame))
    frame["x"] = rng.normal(size=len(frame))
    folds = assign_folds(frame, plan(group_columns=("id",), groups=60), target="y", classification=True)
    shares = np.bincount(folds) / len(frame)
    assert np.abs(shares - 0.2).max() < 0.02
    assert frame["y"].groupby(folds).mean().sub(frame["y"].mean()).abs().max() < 0.05


def test_rows_that_repeat_share_a_fold(birds: pd.DataFrame) -> None:
    frame = pd.concat([birds, birds.iloc[::3]], ignore_index=True)
    folds = assign_folds(frame, plan(), target="Species", classification=True)
    np.testing.assert_array_equal(folds[len(birds) :], folds[: len(birds) : 3])


def test_repeats_without_a_group_key_share_a_fold() -> None:
    frame = pd.DataFrame({"id": [1.0, 1, 2, 2, 3, 3] + [np.nan] * 4, "x": [1, 2, 3, 4, 5, 6, 7, 7, 8, 9], "y": 0})
    folds = assign_folds(frame, plan(group_columns=("id",), groups=6), target="y", classification=True)
    assert folds[6] == folds[7]


def test_another_seed_gives_other_folds(birds: pd.DataFrame) -> None:
    first, second = (assign_folds(birds, plan(seed=seed), target="Species", classification=True) for seed in (0, 1))
    assert (first != second).any()


def test_a_class_of_two_rows_is_in_two_folds() -> None:
    frame = pd.DataFrame({"x": range(50), "y": ["common"] * 48 + ["rare"] * 2})
    folds = assign_folds(frame, plan(), target="y", classification=True)
    assert folds[48] != folds[49]


def test_every_row_is_tested_once_and_never_trained_on_then(birds: pd.DataFrame) -> None:
    rule = plan()
    folds = assign_folds(birds, rule, target="Species", classification=True)
    pairs = fold_pairs(folds, rule)
    assert len(pairs) == 5
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in pairs])), np.arange(344))
    for train, test in pairs:
        assert not set(train) & set(test)
        assert len(train) + len(test) == 344


def test_by_time_each_fold_is_predicted_from_earlier_rows_only(birds: pd.DataFrame) -> None:
    rule = plan(time_column="Date Egg")
    folds = assign_folds(birds, rule, target="Species", classification=True)
    pairs = fold_pairs(folds, rule)
    assert len(pairs) == 4
    for train, test in pairs:
        assert birds["Date Egg"].iloc[train].max() < birds["Date Egg"].iloc[test].min()
    assert np.bincount(folds).min() > 50


def test_rows_without_a_time_only_train() -> None:
    frame = pd.DataFrame({"day": [np.nan, *range(20)], "y": range(21)})
    assert assign_folds(frame, plan(time_column="day"), target="y", classification=False)[0] == 0


def test_two_moments_make_two_folds_however_uneven() -> None:
    frame = pd.DataFrame({"year": [2020] + [2021] * 29, "y": range(30)})
    folds = assign_folds(frame, plan(time_column="year"), target="y", classification=False)
    np.testing.assert_array_equal(folds, frame["year"] - 2020)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"group_columns": ("one",), "groups": 3}, "1 group"),
        ({"time_column": "one"}, "1 different values"),
        ({"time_column": "name"}, "does not order rows in time"),
    ],
)
def test_folds_that_cannot_be_are_refused_with_a_remedy(changes: dict[str, Any], complaint: str) -> None:
    frame = pd.DataFrame({"one": [1] * 30, "name": ["a"] * 30, "y": range(30)})
    with pytest.raises(InputError, match=complaint) as caught:
        assign_folds(frame, plan(**changes), target="y", classification=False)
    assert caught.value.remedy
