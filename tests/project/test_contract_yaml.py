"""data/contract.yaml: written with its meaning, read back the same, and every fault told by line, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_engineer.errors import DefinitionError
from ml_engineer.project.contract_yaml import contract_differences, contract_text, is_as_written, parse_contract
from ml_engineer.vocabulary.contract import ColumnRules, DataContract, Relation

PATH = Path("contract.yaml")
CONTRACT = DataContract(
    version=3,
    columns=(
        ColumnRules(name="age", type="integer", missing="error", minimum=17, maximum=90.5),
        ColumnRules(name="no", type="string", categories=("yes", "no", "1", "null", "x: y", "a\u2028b"), masked=True),
        ColumnRules(name="when", type="datetime", earliest="2024-01-01T00:00:00"),
        ColumnRules(name="until", type="datetime"),
        ColumnRules(name="id", part="key", type="string", repeats="warn"),
        ColumnRules(name="1.5", part="target", type="boolean", missing="error"),
    ),
    relations=(Relation(left="when", operator="<=", right="until", breach="error"),),
)


def test_what_is_written_is_read_back_the_same() -> None:
    assert parse_contract(contract_text(CONTRACT), PATH) == CONTRACT


def test_every_rule_is_explained_in_the_file() -> None:
    text = contract_text(CONTRACT)
    for key in ("part", "type", "missing", "minimum", "outside", "categories", "unseen", "repeats", "masked"):
        assert f"{key}:" in text.split("columns:\n")[0] or f"{key} (" in text or f"{key}," in text, key


def test_an_edit_is_noticed() -> None:
    text = contract_text(CONTRACT)
    assert is_as_written(text)
    assert not is_as_written(text.replace("minimum: 17", "minimum: 18"))
    assert not is_as_written("version: 1\ncolumns: {}\n")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("minimum: 17", "minimun: 17", r"there is no key 'minimun' here; did you mean 'minimum'"),
        ("missing: error", "missing: never", r"'missing' holds 'never'; allowed: error, warn, allowed"),
        ("minimum: 17", "minimum: 99", r"'minimum' holds 99.0, which is more than 'maximum', 90.5"),
        ("maximum: 90.5", "maximum: old", r"'maximum' holds 'old'; input should be a valid number"),
        ("maximum: 90.5", "categories: [a]", r"'categories' does not fit a column of type integer"),
        ("left: when", "left: wen", r"'left' holds 'wen', which is not a column of the contract; did you mean 'when'"),
        ("earliest: '2024-01-01T00:00:00'", "earliest: soon", r"'earliest' holds 'soon', which is not a time stamp"),
        ("version: 3", "version: [3", r"this is not valid YAML"),
    ],
)
def test_a_fault_is_told_by_its_line(old: str, new: str, told: str) -> None:
    text = contract_text(CONTRACT)
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(DefinitionError, match=told) as error:
        parse_contract(text.replace(old, new, 1), PATH)
    if "not valid YAML" not in told:
        assert f"line {line}:" in str(error.value)


def test_labels_that_are_digits_may_be_written_bare() -> None:
    text = "version: 1\ncolumns:\n  x: {type: string, categories: [0, 1, yes]}\n"
    assert parse_contract(text, PATH).columns[0].categories == ("0", "1", "yes")


def test_differences_are_told_one_by_one() -> None:
    age, *others = CONTRACT.columns
    other = CONTRACT.model_copy(
        update={"columns": (age.model_copy(update={"maximum": 95.0}), *others[1:]), "relations": (), "version": 9}
    )
    assert contract_differences(CONTRACT, other) == [
        "'no' is gone",
        "'age': maximum 90.5 -> 95",
        "'when <= until' is gone",
    ]
    assert contract_differences(CONTRACT, CONTRACT) == []
