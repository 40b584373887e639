"""The rows that are there keep the contract, and other rows are brought into the same form."""

import json
from pathlib import Path

import pandas as pd
import pytest

from data.features.contract import COLUMNS, PROBLEM
from data.features.rows import conform
from data.features.rules import RULES, broken_by, read_contract
from data.features.schema import breaches
from models.training.development import DEVELOPMENT, FOLDS, fold_pairs, load_development

needs_data = pytest.mark.skipif(not DEVELOPMENT.exists(), reason="development rows are not on this machine")


def test_no_column_gives_the_target_away_by_name() -> None:
    assert PROBLEM.target not in [column.name for column in COLUMNS]


def test_the_rows_that_are_here_keep_the_contract(development: pd.DataFrame) -> None:
    assert [breach for breach in breaches(development) if breach.level == "error"] == []


@needs_data
def test_all_development_rows_keep_the_contract() -> None:
    rows, _ = load_development()
    assert not PROBLEM.learns_target or rows[PROBLEM.target].notna().all()
    assert [breach for breach in breaches(rows) if breach.level == "error"] == []


def test_rules_are_of_their_columns_type() -> None:
    storage = {column.name: column.storage for column in COLUMNS if column.name in RULES}
    assert storage == {name: RULES[name].type for name in storage}
    assert storage


def test_tables_and_single_values_are_judged_alike(development: pd.DataFrame) -> None:
    table = conform(development).head(50)
    for column in COLUMNS:
        strange: str | float = "never seen before" if column.storage == "string" else -1e15
        if column.storage in {"boolean", "datetime"} or column.name not in RULES:
            continue
        rules = RULES[column.name]
        broken = broken_by(strange, rules)
        rows = table.astype({column.name: object}).assign(**{column.name: strange})
        found = [breach.rule for breach in breaches(rows, parts=["input"]) if breach.column == column.name]
        assert ([] if broken is None else [broken.rule]) == [rule for rule in found if rule in {"outside", "unseen"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing: 1", "holds no columns"),
        ("columns: {x: {type: float, missing: never}}", "'x' are not valid: missing holds 'never'; allowed: error"),
        ("columns: {x: {type: float, minimum: low}}", "'x' are not valid: could not convert"),
        ("columns: {x: {type: float, misspelt: 1}}", "'x' are not valid: .*misspelt"),
        ("columns: {x: {type: float}}\nrelations: [{left: x, operator: '<', right: y}]", "'x < y' is not valid"),
        ("columns: {x: {type: float}}\nrelations: [{lift: x}]", "is not valid: .*lift"),
    ],
)
def test_a_contract_with_a_fault_names_it(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        read_contract(path)


def test_a_value_that_is_not_of_its_type_is_an_error(development: pd.DataFrame) -> None:
    for column in COLUMNS:
        if column.storage != "string" and column.name in RULES:
            rows = conform(development).head(3).astype({column.name: object}).assign(**{column.name: "no such value"})
            assert ("type", "error", 3) in [
                (breach.rule, breach.level, breach.rows) for breach in breaches(rows) if breach.column == column.name
            ]


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
