"""Rows are dealt by what they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from ml_engineer import seal
from ml_engineer.errors import InputError, SealError
from ml_engineer.splitting import group_codes
from seal.tables import definition, simulate


def held_rows(frame: pd.DataFrame, target: str = "y", **changes: object) -> set[int]:
    return set(frame.index[seal.deal(frame, definition(**changes), target=target)])


@pytest.mark.parametrize(
    "changes",
    [{}, {"strategy": "random"}, {"strategy": "grouped", "group_columns": ("town", "visits")}],
)
def test_the_deal_does_not_depend_on_the_order_of_rows_or_columns(
    changes: dict[str, object], customers: pd.DataFrame
) -> None:
    mixed = customers.sample(frac=1, random_state=1)[customers.columns[::-1]]
    assert held_rows(mixed, **changes) == held_rows(customers, **changes)


def test_another_seed_holds_out_other_rows(customers: pd.DataFrame) -> None:
    assert held_rows(customers, seed=0) != held_rows(customers, seed=1)


def test_penguins_keep_their_species_in_proportion(birds: pd.DataFrame) -> None:
    held = seal.deal(birds, definition(), target="Species")
    assert birds.loc[held, "Species"].str.split().str[0].value_counts().to_dict() == {
        "Adelie": 30,
        "Gentoo": 25,
        "Chinstrap": 14,
    }


def test_a_number_is_kept_in_proportion_by_its_ranges() -> None:
    frame = load_diabetes(as_frame=True).frame
    held = seal.deal(frame, definition(), target="target")
    deciles = pd.qcut(frame["target"], 10, labels=False)
    shares = pd.Series(held).groupby(deciles).mean()
    assert shares.between(0.15, 0.25).all()


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_never_torn_apart(seed: int, birds: pd.DataFrame) -> None:
    columns = ("Individual ID", "Species")
    held = seal.deal(birds, definition(strategy="grouped", group_columns=columns, seed=seed), target="Species")
    sides = pd.Series(held).groupby(group_codes(birds, columns)).nunique()
    assert sides.max() == 1
    assert 0.15 < held.mean() < 0.25
    assert birds.loc[held, "Species"].nunique() == 3


@pytest.mark.parametrize("seed", range(20))
def test_a_few_large_groups_leave_every_class_in_development(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"ward": rng.integers(0, 6, 200), "x": rng.normal(size=200)})
    frame["y"] = (frame["ward"] == 3).astype(int)
    held = seal.deal(frame, definition(strategy="grouped", group_columns=("ward",), seed=seed), target="y")
    assert frame.loc[~held, "y"].nunique() == 2
    assert 0 < held.sum() < 200


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_two_rows_stays_in_development(seed: int, customers: pd.DataFrame) -> None:
    frame = customers.assign(kind=["common"] * 398 + ["rare"] * 2)
    held = seal.deal(frame, definition(seed=seed), target="kind")
    assert not held[398:].all()
    assert held.sum() == 80


def test_rows_that_repeat_share_a_side(customers: pd.DataFrame) -> None:
    frame = pd.concat([customers, customers.iloc[::2]], ignore_index=True)
    held = seal.deal(frame, definition(), target="y")
    np.testing.assert_array_equal(held[400:], held[:400:2])
    assert 0.17 < held.mean() < 0.23


def test_the_latest_rows_are_held_out_and_no_moment_is_cut() -> None:
    days = pd.Series(pd.date_range("2026-01-01", periods=30, freq="D")).repeat(7)
    frame = pd.DataFrame({"day": days.to_numpy(), "y": np.arange(210.0)}).sample(frac=1, random_state=0)
    held = seal.deal(frame, definition(strategy="time", time_column="day"), target="y")
    assert frame.loc[held, "day"].min() == pd.Timestamp("2026-01-25")
    assert frame.loc[~held, "day"].max() == pd.Timestamp("2026-01-24")


def test_rows_without_a_time_are_development() -> None:
    frame = pd.DataFrame({"year": [np.nan] * 5 + list(range(2000, 2015)), "y": range(20)})
    held = seal.deal(frame, definition(strategy="time", time_column="year"), target="y")
    assert np.flatnonzero(held).tolist() == [16, 17, 18, 19]


def test_the_persons_own_test_file_is_sealed_as_it_is(customers: pd.DataFrame) -> None:
    own = np.arange(400) >= 390
    held = seal.deal(customers, definition(strategy="own_test_file"), target="y", own_test=own)
    np.testing.assert_array_equal(held, own)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"strategy": "grouped", "group_columns": ("one",)}, "leaves no held-out rows"),
        ({"strategy": "grouped"}, "no group column"),
        ({"strategy": "grouped", "group_columns": ("nowhere",)}, "no column 'nowhere'"),
        ({"strategy": "time"}, "no time column"),
        ({"strategy": "time", "time_column": "one"}, "cannot be split by time"),
        ({"strategy": "time", "time_column": "town"}, "does not order rows in time"),
        ({"strategy": "own_test_file"}, "there is none"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused_with_a_remedy(
    changes: dict[str, object], complaint: str, customers: pd.DataFrame
) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        seal.deal(customers.assign(one=1), definition(**changes), target="y")
    assert caught.value.remedy


def recognition(side: list[int], *, looks: int = 0) -> seal.Recognition:
    known = np.array(side, dtype="int8")
    return seal.Recognition(
        deal_id="deal_a", side=known, ambiguous_rows=0, matched_rows=int((known >= 0).sum()), looks=looks, key="k"
    )


def test_known_rows_keep_their_side_and_new_ones_land_where_they_would_land_again() -> None:
    frame = simulate(1000)
    side = [1] * 100 + [0] * 300 + [-1] * 600
    held = seal.deal(frame, definition(), target="y", recognition=recognition(side))
    assert held[:100].all()
    assert not held[100:400].any()
    assert 0.15 < held[400:].mean() < 0.25
    fewer = seal.deal(frame[:700], definition(), target="y", recognition=recognition(side[:700]))
    np.testing.assert_array_equal(fewer, held[:700])


def test_a_new_row_of_a_known_group_goes_to_its_side() -> None:
    frame = simulate(40).assign(person=[0, 1, 2, 3] * 10)
    side = [1, 0, 0, 1] + [-1] * 36
    rule = definition(strategy="grouped", group_columns=("person",))
    held = seal.deal(frame, rule, target="y", recognition=recognition(side))
    np.testing.assert_array_equal(held, frame["person"].isin([0, 3]))


def test_new_rows_behind_the_time_cut_are_held_out() -> None:
    frame = pd.DataFrame({"day": range(20), "y": range(20)})
    side = [0] * 8 + [1] * 4 + [-1] * 8
    rule = definition(strategy="time", time_column="day")
    held = seal.deal(frame, rule, target="y", recognition=recognition(side))
    assert np.flatnonzero(held).tolist() == list(range(8, 20))


def test_an_earlier_deal_that_tears_groups_apart_is_dealt_anew_only_while_no_look_was_taken() -> None:
    frame = simulate(40).assign(person=np.arange(40) // 2)
    rule = definition(strategy="grouped", group_columns=("person",))
    torn = [0, 1] * 20
    held = seal.deal(frame, rule, target="y", recognition=recognition(torn))
    np.testing.assert_array_equal(held, seal.deal(frame, rule, target="y"))
    with pytest.raises(SealError, match="redeal=true"):
        seal.deal(frame, rule, target="y", recognition=recognition(torn, looks=1))
