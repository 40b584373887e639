"""Cells hash by value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.hashing import hash_cells, hash_group_keys, hash_rows


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def test_hashes_are_the_same_in_every_version() -> None:
    """Vaults outlive versions: if these numbers change, the vault's format version must too."""
    cells = np.concatenate([hash_cells(texts("Adelie", None)), hash_cells(pd.Series([3.0, 0.1]))])
    assert cells.tolist() == [
        1911871079574354096,
        11160318154034397263,
        4497772971510022828,
        4059002464229200339,
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series([3, 4]), pd.Series([3.0, 4.0])),
        (pd.Series([3, 4]), texts("3", "4.0")),
        (pd.Series([0.0]), pd.Series([-0.0])),
        (pd.Series([0.1 + 0.2]), pd.Series([0.3])),
        (pd.Series([True, False]), texts("True", "false")),
        (pd.Series([True, False]), pd.Series([True, False], dtype="boolean")),
        (pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64")),
        (texts(" Ash ", "Elm"), texts("Ash", "Elm")),
        (texts("Ash", None), pd.Series(["Ash", None], dtype="category")),
        (texts(None, ""), pd.Series([np.nan, None])),
        (pd.Series(pd.to_datetime(["2026-01-02", None])), pd.Series(pd.to_datetime(["2026-01-02T00:00:00.000", None]))),
        (pd.Series(pd.to_datetime(["2026-01-02"], utc=True)), pd.Series(pd.to_datetime(["2026-01-02"]))),
        (pd.Series(["a", 1], dtype=object), texts("a", "1")),
    ],
)
def test_equal_values_hash_the_same_however_they_are_stored(one: pd.Series, other: pd.Series) -> None:
    assert hash_cells(one).tolist() == hash_cells(other).tolist()


@pytest.mark.parametrize(
    "column",
    [
        texts("7", "007", "Ash", "ash", "NaN", "inf"),
        pd.Series([2**60, 2**60 + 1, 2**60 + 2]),
        pd.Series([1.0, 1.0 + 1e-9, np.inf, -np.inf, np.nan]),
        texts("1", "a", None),
        pd.Series(pd.to_datetime(["2026-01-02T00:00:00.000000", "2026-01-02T00:00:00.000001", None])),
    ],
)
def test_different_values_hash_differently(column: pd.Series) -> None:
    assert len(set(hash_cells(column).tolist())) == len(column)


def test_few_texts_hash_as_many_do() -> None:
    """Long columns of few values go through their distinct values; the hashes must not tell."""
    values = ["Ash", " Elm", None, "7", "true"]
    long = pd.Series(values * 400, dtype="str")
    assert hash_cells(long)[:5].tolist() == hash_cells(texts(*values)).tolist()


def test_row_hashes_forget_the_order_of_columns_but_not_which_value_stands_where() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [2, 1]})
    assert hash_rows(frame).tolist() == hash_rows(frame[["b", "a"]]).tolist()
    assert len(set(hash_rows(frame).tolist())) == 2


def test_rows_without_a_group_key_are_groups_of_their_own() -> None:
    frame = pd.DataFrame({"id": texts("a", "a", None, None), "x": [1, 2, 3, 4]})
    keys = hash_group_keys(frame, ("id",), row_hashes=hash_rows(frame))
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 3
