"""Row counters, and keys that several rows share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.profiling.keys import find_keys, find_row_counters, is_row_counter

ROWS = 600


def table(seed: int = 0, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS), "y": rng.integers(0, 2, ROWS)} | columns)
    return frame.astype({name: "str" for name in frame if frame[name].dtype == object})


def keys(frame: pd.DataFrame) -> dict[str, bool]:
    return {key.column: key.confident for key in find_keys(frame, target="y")}


def test_a_patient_seen_several_times_is_a_sure_key() -> None:
    assert keys(table(patient_id=np.repeat(np.arange(100), 6))) == {"patient_id": True}


def test_an_id_stored_with_missing_cells_is_still_a_key() -> None:
    ids = np.repeat(np.arange(100.0), 6)
    ids[:3] = np.nan
    assert keys(table(id=ids)) == {"id": True}


def test_hashes_that_repeat_are_a_sure_key_whatever_their_name() -> None:
    values = [f"{index:016x}a1" for index in np.repeat(np.arange(200), 3)]
    assert keys(table(col=values)) == {"col": True}


def test_an_id_with_a_value_of_its_own_in_each_row_is_no_key() -> None:
    assert keys(table(customer_id=np.random.default_rng(0).permutation(10 * ROWS)[:ROWS])) == {}


@pytest.mark.parametrize("name", ["neighborhood", "job title", "zip code", "occupation"])
def test_a_category_with_many_values_is_no_key(name: str) -> None:
    rng = np.random.default_rng(1)
    assert keys(table(**{name: [f"place {value}" for value in rng.integers(0, 150, ROWS)]})) == {}


def test_a_number_with_many_repeats_is_no_key() -> None:
    assert keys(table(age=np.random.default_rng(2).integers(18, 90, ROWS))) == {}


def test_a_few_stores_with_many_rows_are_asked_about() -> None:
    assert keys(table(store_id=np.random.default_rng(3).integers(0, 8, ROWS))) == {"store_id": False}


def test_a_shared_ticket_is_asked_about() -> None:
    tickets = [f"PC {value}" for value in np.repeat(np.arange(300), 2)]
    assert keys(table(ticket=tickets)) == {"ticket": False}


def test_codes_need_other_columns_that_go_with_them() -> None:
    code = np.repeat(np.arange(150), 4)
    named = {"lot": [f"A{value}-7" for value in code]}
    assert keys(table(col=named["lot"])) == {}
    assert keys(table(col=named["lot"], width=code % 17, colour=code % 5)) == {"col": False}


def test_of_nested_keys_the_coarser_comes_first() -> None:
    frame = table(order_id=np.repeat(np.arange(300), 2), customer_id=np.repeat(np.arange(60), 10))
    assert find_keys(frame, target="y")[0].column == "customer_id"


def test_the_reason_names_what_stays_the_same() -> None:
    patient = np.repeat(np.arange(100), 6)
    reason = find_keys(table(patient=patient, sex=[f"s{value % 2}" for value in patient]), target="y")[0].reason
    assert reason == "'patient' has 100 different values in 600 rows, and rows that share one also share 'sex'"


def followed(values: int = 60, years: int = 10) -> dict[str, np.ndarray]:
    return {"nr": np.repeat(np.arange(values) * 17 + 13, years), "year": np.tile(np.arange(1980, 1980 + years), values)}


def test_men_followed_over_years_are_a_sure_key_though_its_name_says_nothing() -> None:
    man = np.repeat(np.arange(60), 10)
    assert keys(table(**followed(), school=man % 7, born=1950 + man % 11)) == {"nr": True}


def test_things_followed_over_years_that_keep_nothing_are_asked_about() -> None:
    assert keys(table(**followed())) == {"nr": False}


def test_a_number_that_does_not_stand_together_or_repeats_within_a_year_is_no_key() -> None:
    columns = followed()
    apart = table(**columns).sample(frac=1, random_state=0, ignore_index=True)
    assert keys(apart) == {}
    assert keys(table(nr=columns["nr"], year=columns["year"] // 2)) == {}


def test_a_day_of_which_there_is_a_row_each_hour_is_no_key() -> None:
    assert keys(table(day=np.repeat(np.arange(60), 10), hour=np.tile(np.arange(10), 60))) == {}


def test_matched_sets_are_asked_about_and_do_not_count_rows() -> None:
    stratum = np.tile(np.arange(1, 201), 3)
    assert not is_row_counter(pd.Series(stratum, name="stratum"))
    assert is_row_counter(pd.Series(stratum, name="Unnamed: 0"))
    assert keys(table(stratum=stratum)) == {"stratum": False}
    assert not is_row_counter(pd.Series(np.delete(stratum, 480), name="stratum"))  # one set has lost a control


def test_the_target_is_never_a_key() -> None:
    frame = pd.DataFrame({"user_id": np.repeat(np.arange(100), 6), "x": np.arange(ROWS)})
    assert find_keys(frame, target="user_id") == ()


def test_counting_rows_makes_a_counter() -> None:
    assert is_row_counter(pd.Series(np.arange(7, 50), name="n"))


def test_counting_within_blocks_makes_a_counter() -> None:
    blocks = np.concatenate([np.arange(1, 153), np.arange(1, 69), np.arange(1, 125)])
    assert is_row_counter(pd.Series(blocks, name="Sample Number"))


def test_a_counter_may_leave_a_gap_between_its_blocks() -> None:
    assert is_row_counter(pd.Series(np.r_[np.arange(200), 10**12 + np.arange(100)], name="value"))


def test_a_counter_is_known_after_rows_were_left_out() -> None:
    column = pd.Series(np.arange(100), name="n")
    assert is_row_counter(column[column % 3 > 0])


@pytest.mark.parametrize(
    "values",
    [
        np.tile(np.arange(24), 60),
        np.random.default_rng(0).permutation(500),
        np.sort(np.random.default_rng(0).integers(0, 9, 99)),
    ],
    ids=["hours", "shuffled ids", "sorted levels"],
)
def test_clocks_ids_and_levels_do_not_count_rows(values: np.ndarray) -> None:
    assert not is_row_counter(pd.Series(values, name="value"))


def test_counters_are_found_by_name() -> None:
    assert find_row_counters(pd.DataFrame({"i": np.arange(40), "x": np.zeros(40)})) == {"i"}
