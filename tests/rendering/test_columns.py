"""What generated code is told of each column."""

from __future__ import annotations

from pathlib import Path

from generated.framed import penguins, visits
from ml_engineer.rendering.columns import contract_columns, request_fields


def test_columns_are_those_the_model_may_see_in_table_order(tmp_path: Path) -> None:
    framed = penguins(tmp_path)
    names = [column.name for column in contract_columns(framed.problem, framed.profile)]
    assert names == [column.name for column in framed.problem.columns if column.used]
    assert "Species" not in names


def test_only_columns_with_gaps_in_development_are_nullable(tmp_path: Path) -> None:
    framed = penguins(tmp_path)
    for column in contract_columns(framed.problem, framed.profile):
        assert column.nullable == bool(framed.frame[column.name].isna().any())


def test_descriptions_tell_ranges_and_categories(tmp_path: Path) -> None:
    framed = visits(tmp_path)
    fields = {field.name: field for field in request_fields(contract_columns(framed.problem, framed.profile))}
    assert fields["items"].description == "Whole number; from 1 to 29 in training."
    assert set(fields["channel"].description.removesuffix(".").split(": ")[1].split(", ")) == {"web", "shop", "phone"}
    assert fields["member"].type_name == "Flag"
    assert fields["when"].description.startswith("Time stamp")
