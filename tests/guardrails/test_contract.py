"""DAT030 and the rules behind it: what breaks the contract is named by column, rule, row and value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from guardrails.factories import a_table, ask, evidence_of, text
from ml_engineer.guardrails.breaches import find_breaches
from ml_engineer.guardrails.contract import DAT030
from ml_engineer.vocabulary.contract import Breach, ColumnRules, DataContract, Relation


def contract(*columns: ColumnRules, relations: tuple[Relation, ...] = ()) -> DataContract:
    return DataContract(columns=columns, relations=relations)


def broken(values: object, **rules: Any) -> list[Breach]:
    """Breaches of one column called x."""
    frame = pd.DataFrame({"x": values})
    return list(find_breaches(frame, contract(ColumnRules(name="x", **rules))))


@pytest.mark.parametrize(
    ("values", "rules", "rule", "rows", "shown"),
    [
        ([1, 2, 99], {"type": "integer", "maximum": 10}, "outside", (2,), ("99",)),
        ([1.5, 2, 3], {"type": "integer"}, "type", (0,), ("1.5",)),
        (text(["1", "two", "3"]), {"type": "float"}, "type", (1,), ("'two'",)),
        ([1.0, np.nan, 3.0], {"type": "float", "missing": "error"}, "missing", (1,), ()),
        (text(["a", "b", "z"]), {"type": "string", "categories": ("a", "b")}, "unseen", (2,), ("'z'",)),
        (text(["a", "b", "a"]), {"type": "string", "repeats": "warn"}, "repeats", (0, 2), ("'a'",)),
        (text(["yes", "perhaps"]), {"type": "boolean"}, "type", (1,), ("'perhaps'",)),
        (text(["2024-01-31", "soon"]), {"type": "datetime"}, "type", (1,), ("'soon'",)),
        (
            pd.to_datetime(["2019-12-31", "2020-01-02"]),
            {"type": "datetime", "earliest": "2020-01-01"},
            "outside",
            (0,),
            ("2019-12-31 00:00:00",),
        ),
    ],
)
def test_each_rule_names_row_and_value(
    values: object, rules: dict[str, Any], rule: str, rows: tuple[int, ...], shown: tuple[str, ...]
) -> None:
    (breach,) = broken(values, **rules)
    assert (breach.rule, breach.examples, breach.values, breach.rows) == (rule, rows, shown, len(rows))


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ([1, 2, 3], {"type": "integer", "minimum": 1, "maximum": 3, "missing": "error", "repeats": "error"}),
        ([1.0, np.nan], {"type": "integer", "minimum": 1, "maximum": 1}),
        (text(["a", None]), {"type": "string", "categories": ("a",)}),
        ([True, False], {"type": "boolean"}),
        (pd.to_datetime(["2020-01-02", None]), {"type": "datetime", "earliest": "2020-01-01"}),
        ([5, 5], {"type": "integer", "maximum": 1, "outside": "allowed", "repeats": "allowed"}),
        ([], {"type": "float", "missing": "error"}),
    ],
)
def test_rows_that_keep_the_rules_break_nothing(values: object, rules: dict[str, Any]) -> None:
    assert broken(values, **rules) == []


def test_a_value_that_cannot_be_read_breaks_one_rule_only() -> None:
    (breach,) = broken(text(["oops", "5"]), type="float", minimum=0, maximum=10, outside="error")
    assert breach.rule == "type"


def test_a_relation_is_told_once_with_both_values() -> None:
    rules = contract(
        ColumnRules(name="start", type="integer"),
        ColumnRules(name="end", type="integer"),
        relations=(Relation(left="start", operator="<=", right="end", breach="error"),),
    )
    frame = pd.DataFrame({"start": [1, 5, 2], "end": [2, 3, None]}, index=[10, 11, 12])
    (breach,) = find_breaches(frame, rules)
    assert breach.sentence == "'start <= end' does not hold in 1 row: 5.0 and 3.0 (row 11)"


def test_an_absent_input_is_an_error_and_an_absent_key_is_not() -> None:
    rules = contract(ColumnRules(name="x", type="float"), ColumnRules(name="id", type="string", part="key"))
    (breach,) = find_breaches(pd.DataFrame({"other": [1]}), rules)
    assert (breach.column, breach.rule, breach.level) == ("x", "absent", "error")


def test_masked_values_are_never_shown() -> None:
    (breach,) = broken(text(["m", "secret"]), type="string", categories=("m",), masked=True)
    assert "secret" not in breach.model_dump_json()
    assert breach.allowed == ""


def test_column_names_that_look_like_patterns_are_taken_literally() -> None:
    frame = pd.DataFrame({"a.*": [1, 50], "abc": [1, 50]})
    rules = contract(ColumnRules(name="a.*", type="integer", maximum=10))
    assert [breach.column for breach in find_breaches(frame, rules)] == ["a.*"]


def kept(frame: pd.DataFrame, **rules: Any) -> Any:
    return evidence_of(frame, contract=contract(ColumnRules(name="x", type="float", **rules)))


def test_an_error_blocks_training_and_names_the_rows() -> None:
    frame = a_table()
    frame.loc[[3, 7], "x"] = 99.0
    finding = ask(DAT030(), kept(frame, maximum=10.0, outside="error"), stage="train")
    assert (finding.blocks, finding.columns, finding.example_rows) == (True, ("x",), (3, 7))
    assert "'x' lies outside of at most 10 in 2 rows: 99 (row 3, 7)" in finding.found


def test_a_warning_is_advice_and_blocks_nothing() -> None:
    finding = ask(DAT030(), kept(a_table().assign(x=99.0), maximum=10.0), stage="production")
    assert (finding.outcome, finding.blocks) == ("advice", False)


def test_rows_that_keep_the_contract_pass_and_without_one_there_is_nothing_to_keep() -> None:
    assert ask(DAT030(), kept(a_table(), maximum=10.0), stage="train").outcome == "passed"
    assert ask(DAT030(), evidence_of(a_table()), stage="train").outcome == "not_applicable"
