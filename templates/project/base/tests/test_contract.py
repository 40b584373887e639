"""The contract holds for the rows that are there, and brings other rows into the same form."""

import json

import pandas as pd
import pytest

from data.features.contract import COLUMNS, PROBLEM
from data.features.rows import conform
from models.training.development import DEVELOPMENT, FOLDS, fold_pairs, load_development

needs_data = pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")


def test_no_column_gives_the_target_away_by_name() -> None:
    assert PROBLEM.target not in [column.name for column in COLUMNS]


@needs_data
def test_development_rows_keep_the_contract() -> None:
    rows, _ = load_development()
    assert rows[PROBLEM.target].notna().all()
    for column in COLUMNS:
        values = rows[column.name]
        assert column.nullable or values.notna().all(), column.name
        if column.minimum is not None and column.maximum is not None:
            assert values.dropna().between(column.minimum, column.maximum).all(), column.name
        if column.categories is not None:
            assert set(values.dropna().astype(str)) <= set(column.categories), column.name


@needs_data
def test_conforming_development_rows_changes_nothing() -> None:
    rows, _ = load_development()
    pd.testing.assert_frame_equal(conform(rows), rows[[column.name for column in COLUMNS]])


@needs_data
@pytest.mark.skipif(not FOLDS.exists(), reason="folds are not on this machine")
def test_no_row_is_predicted_by_a_model_that_saw_it_or_its_group() -> None:
    rows, folds = load_development()
    for _, train, test in fold_pairs(folds):
        assert not set(train) & set(test)
        if PROBLEM.group_columns:
            keys = rows[PROBLEM.group_columns].dropna().astype(str).agg("\x1f".join, axis=1)
            assert not set(keys[keys.index.isin(rows.index[train])]) & set(keys[keys.index.isin(rows.index[test])])


def test_rows_from_json_get_the_dtypes_of_training(development: pd.DataFrame, records: list[dict[str, object]]) -> None:
    again = conform(pd.DataFrame(json.loads(json.dumps(records)), index=development.index))
    pd.testing.assert_frame_equal(again, conform(development))


def test_one_row_with_nothing_in_it_gets_missing_values_not_none() -> None:
    row = conform(pd.DataFrame([{column.name: None for column in COLUMNS}]))
    assert row.isna().all(axis=None)
    assert not any(value is None for value in row.iloc[0])


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match="columns are missing"):
        conform(pd.DataFrame({"unrelated": [1]}))
