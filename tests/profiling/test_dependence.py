"""Groups and time: what the split must respect, and what is asked instead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.profiling.dependence import read_dependence
from ml_engineer.profiling.time_order import find_times

DAYS = pd.date_range("2021-01-01", periods=400, freq="D").astype("datetime64[us]")


def table(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    frame["x"] = np.random.default_rng(0).normal(size=len(frame))
    frame["y"] = np.arange(len(frame)) % 2
    return frame


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


def test_independent_rows_ask_nothing() -> None:
    dependence = read_dependence(table(a=np.random.default_rng(0).normal(size=400)), target="y")
    assert (dependence.group_columns, dependence.time_column, dependence.questions) == ((), None, ())


def test_a_sorted_file_is_split_by_time() -> None:
    assert read_dependence(table(sold_at=np.repeat(DAYS, 3)), target="y").time_column == "sold_at"


def test_a_file_sorted_backwards_is_split_by_time() -> None:
    assert read_dependence(table(when=DAYS[::-1]), target="y").time_column == "when"


def test_a_shuffled_regular_series_is_split_by_time() -> None:
    assert read_dependence(shuffled(table(month=DAYS)), target="y").time_column == "month"


def test_a_panel_of_series_is_split_by_time() -> None:
    frame = table(store=np.repeat(np.arange(6), 400), day=np.tile(DAYS, 6))
    dependence = read_dependence(frame, target="y")
    assert dependence.time_column == "day"
    assert "for each value of 'store'" in dependence.reason


def test_scattered_time_stamps_are_asked_about() -> None:
    rng = np.random.default_rng(1)
    dependence = read_dependence(table(visited=DAYS[rng.integers(0, 400, 900)]), target="y")
    assert dependence.time_column is None
    assert [question.id for question in dependence.questions] == ["time"]


def test_a_date_of_birth_orders_nothing() -> None:
    assert find_times(table(birth_date=np.sort(DAYS)), target="y") == ()


def test_the_year_of_a_sale_is_asked_about_and_the_year_a_house_was_built_is_not() -> None:
    years = np.random.default_rng(2).integers(2006, 2011, 500)
    assert [time.column for time in find_times(table(yr_sold=years, year_built=years), target="y")] == ["yr_sold"]


def test_patients_with_visits_are_grouped_and_the_reason_says_so() -> None:
    dependence = read_dependence(table(patient=np.repeat(np.arange(80), 5)), target="y")
    assert (dependence.group_columns, dependence.groups) == (("patient",), 80)
    assert "80 different values in 400 rows" in dependence.reason
    assert "only together with another column" in dependence.assumptions[0]


def test_patients_seen_within_a_short_time_stay_groups_though_the_file_is_in_order() -> None:
    dependence = read_dependence(table(patient=np.repeat(np.arange(80), 5), seen=DAYS), target="y")
    assert (dependence.group_columns, dependence.time_column) == (("patient",), None)
    assert "a drift over time would not show" in dependence.risks[0]


def test_customers_who_come_back_over_the_years_are_split_by_time() -> None:
    customers = np.random.default_rng(3).integers(0, 60, 400)
    dependence = read_dependence(table(customer_id=customers, ordered=DAYS), target="y")
    assert (dependence.group_columns, dependence.time_column) == ((), "ordered")
    assert dependence.other_keys == ("customer_id",)
    assert "occurs before and after the cut" in dependence.risks[0]


def test_what_the_person_says_goes_first() -> None:
    frame = table(patient=np.repeat(np.arange(80), 5), seen=DAYS)
    assert read_dependence(frame, target="y", group_columns=[], time_column="").questions == ()
    assert read_dependence(frame, target="y", group_columns=[]).time_column == "seen"
    assert read_dependence(frame, target="y", requested="time").time_column == "seen"
    both = read_dependence(frame, target="y", group_columns=["patient"], time_column="seen")
    assert (both.group_columns, both.time_column) == (("patient",), "seen")


def test_two_columns_can_name_a_group_together() -> None:
    frame = table(school=np.repeat(np.arange(10), 40), pupil=np.tile(np.arange(8), 50))
    assert read_dependence(frame, target="y", group_columns=["school", "pupil"]).groups == 80


def test_a_random_split_on_request_asks_nothing() -> None:
    frame = table(patient=np.repeat(np.arange(80), 5), seen=DAYS)
    dependence = read_dependence(frame, target="y", requested="stratified")
    assert (dependence.group_columns, dependence.time_column, dependence.questions) == ((), None, ())


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"requested": "grouped"}, "Pass group_columns"),
        ({"requested": "time"}, "Pass time_column"),
        ({"group_columns": ["y"]}, "at least 3 groups"),
    ],
)
def test_what_the_table_cannot_give_is_refused(arguments: dict[str, object], remedy: str) -> None:
    with pytest.raises(InputError, match=remedy):
        read_dependence(table(a=np.arange(50)), target="x", **arguments)  # type: ignore[arg-type]
