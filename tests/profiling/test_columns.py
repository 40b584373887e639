"""What a column looks like, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.profiling.columns import ColumnsProfile, profile_columns
from ml_engineer.vocabulary.data import ColumnProfile


def text(values: list[object]) -> pd.Series:
    return pd.Series(values, dtype="str")


def profile(**columns: object) -> ColumnsProfile:
    return profile_columns(pd.DataFrame(columns), {})


def one(column: object, name: str = "a") -> ColumnProfile:
    return profile(**{name: column}).columns[0]


def test_numbers_are_counted_and_ranged() -> None:
    column = one([1.5, np.nan, 3.0, 3.0])
    assert (column.missing_rows, column.distinct_values, column.storage) == (1, 2, "float")
    assert (column.minimum, column.maximum, column.mean, column.median) == (1.5, 3.0, 2.5, 3.0)


def test_whole_numbers_with_gaps_list_their_levels() -> None:
    assert one([2.0, np.nan, 1.0, 2.0]).categories == ("2", "1")


def test_infinities_do_not_spoil_the_range() -> None:
    column = one([1.0, np.inf, -np.inf, 2.0])
    assert (column.minimum, column.maximum, column.mean) == (1.0, 2.0, 1.5)


def test_texts_list_their_values_most_frequent_first() -> None:
    column = one(text(["b", "a", "b", None]))
    assert (column.categories, column.missing_rows, column.mean_length) == (("b", "a"), 1, 1.0)


def test_booleans_keep_their_words() -> None:
    assert one([True, False, True]).categories == ("True", "False")


def test_time_stamps_have_a_first_and_a_last() -> None:
    column = one(pd.to_datetime(["2024-05-01", None, "2023-01-02"]).astype("datetime64[us]"))
    assert (column.earliest, column.latest, column.missing_rows) == ("2023-01-02T00:00:00", "2024-05-01T00:00:00", 1)


def test_a_column_without_values_has_no_range() -> None:
    column = one([np.nan, np.nan])
    assert (column.distinct_values, column.minimum, column.examples) == (0, None, ())


def test_addresses_and_names_are_masked() -> None:
    mail = one(text(["ann@example.org", "bob@example.org"]), "contact")
    assert (mail.examples, mail.categories) == (("a…", "b…"), None)
    assert one(text(["Smith, Mr. John", "Doe, Mrs. Jane"]), "name").examples == ("S…", "D…")


def test_examples_are_one_short_line() -> None:
    example = one(text(["line one\nline two " + "x" * 100, "b"])).examples[0]
    assert example.startswith("line one line two x")
    assert len(example) == 40


def test_repeated_rows_are_counted() -> None:
    found = profile(a=[1.0, 1.0, np.nan, np.nan, 2.0], b=text(["x", "x", None, None, "x"]))
    assert found.duplicate_rows == 2


def test_rows_of_swapped_values_are_no_repeats() -> None:
    assert profile(a=[1, 2], b=[2, 1]).duplicate_rows == 0


def test_a_repeated_column_is_named_with_its_twin() -> None:
    assert profile(a=[1, 2, 3], b=[3, 1, 2], c=[1, 2, 3]).twins == {"c": "a"}


def test_the_share_of_empty_cells_counts_all_cells() -> None:
    assert profile(a=[1.0, np.nan], b=[np.nan, np.nan]).missing_fraction == 0.75
