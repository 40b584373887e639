"""Files whose cells carry types: Parquet, Excel, JSON, libsvm."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import Table, read_preview, read_table
from ml_engineer.vocabulary.data import DataSource
from sources.reading import Read, column, values


def read_parquet(tmp_path: Path, **columns: pa.Array) -> Table:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table(columns), path)
    return read_table(DataSource(path=str(path)))


def test_parquet_types_become_the_settled_ones(tmp_path: Path) -> None:
    table = read_parquet(
        tmp_path,
        small=pa.array([1, 2], pa.int8()),
        gaps=pa.array([1, None], pa.int32()),
        single=pa.array([0.5, float("inf")], pa.float32()),
        money=pa.array([decimal.Decimal("1.25"), None]),
        flag=pa.array([True, None]),
        day=pa.array([dt.date(2020, 1, 2), None]),
        zoned=pa.array([dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC), None], pa.timestamp("ns", "Europe/Berlin")),
        length=pa.array([dt.timedelta(seconds=90), None]),
        level=pa.array(["low", "high"]).dictionary_encode(),
        many=pa.array([[1, 2], None]),
        raw=pa.array([b"abc", b"\xff"]),
        clock=pa.array([dt.time(12, 30), None]),
        nothing=pa.nulls(2),
    )
    assert [str(kind) for kind in table.frame.dtypes] == [
        "int64", "float64", "float64", "float64", "str", "datetime64[us]", "datetime64[us]", "float64", "str", "str",
        "str", "str", "float64",
    ]  # fmt: skip
    assert values(table) == {
        "small": [1, 2],
        "gaps": [1.0, None],
        "single": [0.5, None],
        "money": [1.25, None],
        "flag": ["True", None],
        "day": [pd.Timestamp("2020-01-02"), None],
        "zoned": [pd.Timestamp("2020-01-01 12:00"), None],
        "length": [90.0, None],
        "level": ["low", "high"],
        "many": ["[1, 2]", None],
        "raw": ["abc", "\\xff"],
        "clock": ["12:30:00.000000", None],
        "nothing": [None, None],
    }
    assert column(table, "zoned").timezone == "UTC"
    for name in ("single", "money", "zoned", "length", "level", "many", "raw", "clock", "nothing"):
        assert column(table, name).notes, name


def test_whole_numbers_too_large_for_a_float_stay_exact(tmp_path: Path) -> None:
    table = read_parquet(
        tmp_path,
        exact=pa.array([2**60 + 1, 5]),
        gaps=pa.array([2**60 + 1, None]),
        huge=pa.array([2**63 + 1, 5], pa.uint64()),
    )
    assert values(table) == {
        "exact": [2**60 + 1, 5],
        "gaps": [str(2**60 + 1), None],
        "huge": [str(2**63 + 1), "5"],
    }


def test_numbers_stored_as_text_in_parquet_are_recognised(tmp_path: Path) -> None:
    table = read_parquet(tmp_path, price=pa.array(["1,234", "12,345,678", "?"]), code=pa.array(["01", "02", "03"]))
    assert values(table) == {"price": [1234, 12345678, None], "code": ["01", "02", "03"]}


def test_a_parquet_preview_stops_early(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": np.arange(10_000)}), path, row_group_size=1_000)
    assert len(read_preview(DataSource(path=str(path)), rows=1_500).frame) == 1_500


def write_workbook(path: Path, **sheets: list[list[object]]) -> DataSource:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return DataSource(path=str(path))


def test_a_sheet_is_read_with_its_types(tmp_path: Path) -> None:
    source = write_workbook(
        tmp_path / "book.xlsx",
        Data=[
            ["n", "price", "when", "code", "ok", None],
            [1, 2.5, dt.date(2020, 1, 2), "007", True, None],
            [2, "#N/A", pd.Timestamp("2020-01-03 04:05").to_pydatetime(), "008", False, None],
            [None, None, None, None, None, None],
            [3, 1.1, None, "009", True, None],
        ],
    )
    table = read_table(source)
    assert values(table) == {
        "n": [1, 2, 3],
        "price": [2.5, None, 1.1],
        "when": [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-03 04:05"), None],
        "code": ["007", "008", "009"],
        "ok": [True, False, True],
    }
    assert table.report.format == "excel"


def test_the_sheet_can_be_named_and_others_are_told(tmp_path: Path) -> None:
    source = write_workbook(tmp_path / "book.xlsx", Empty=[], First=[["a"], [1]], Second=[["b"], [2]])
    table = read_table(source)
    assert list(table.frame) == ["a"]
    assert any("'Second'" in warning for warning in table.report.warnings)
    assert list(read_table(source.model_copy(update={"table": "Second"})).frame) == ["b"]
    with pytest.raises(SourceError, match=r"no sheet 'Third'.*'Empty', 'First', 'Second'"):
        read_table(source.model_copy(update={"table": "Third"}))


def test_a_title_above_a_sheet_is_left_out(tmp_path: Path) -> None:
    source = write_workbook(tmp_path / "book.xlsx", S=[["Sales 2020"], [None], ["a", "b", "c"], [1, 2, 3], [4, 5, 6]])
    assert values(read_table(source)) == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    source = write_workbook(path, S=[["a"], [1]])
    path.write_bytes(path.read_bytes().replace(b"sheet1.xml", b"sheet9.xml"))
    with pytest.raises(SourceError, match="damaged"):
        read_table(source)


RECORDS = [{"a": 1, "b": {"c": [1]}, "d": "05", "e": True}, {"a": None, "b": "x", "d": "06", "e": False, "f": 2.5}]


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("\n".join(map(json.dumps, RECORDS)), "table.jsonl", "jsonl"),
        ("\n".join(map(json.dumps, RECORDS)), "table.json", "jsonl"),
        (json.dumps(RECORDS), "table.json", "json"),
        (json.dumps(RECORDS, indent=2), "table.json", "json"),
        (json.dumps({"source": "x", "records": RECORDS}), "table.json", "json"),
        ("\ufeff" + json.dumps(RECORDS), "table.json", "json"),
    ],
)
def test_records_of_every_json_layout_are_read(read: Read, text: str, name: str, kind: str) -> None:
    table = read(text, name)
    found = values(table)
    assert json.loads(found.pop("b")[0]) == {"c": [1]}
    assert found == {"a": [1.0, None], "d": ["05", "06"], "e": [True, False], "f": [None, 2.5]}
    assert table.report.format == kind
    assert column(table, "b").notes == ("Nested values are kept as JSON text",)


@pytest.mark.parametrize(
    "document",
    [
        {"a": [1, 2], "b": ["x", "y"]},
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]},
    ],
)
def test_a_json_object_of_columns_is_read(read: Read, document: dict[str, object]) -> None:
    assert values(read(json.dumps(document), "table.json")) == {"a": [1, 2], "b": ["x", "y"]}


def test_keys_that_differ_only_in_case_are_two_columns(read: Read) -> None:
    assert values(read('{"a":1,"A":2}\n{"a":3,"A":4}\n', "table.jsonl")) == {"a": [1, 3], "A": [2, 4]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a":1}\n{"a":2\n{"a":3}\n', "line 2"),
        ("[1, 2, 3]", "no records"),
        ('[{"a": 1', "not valid JSON"),
        ("[]", "no r"),
    ],
)
def test_json_that_holds_no_records_is_refused(read: Read, text: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read(text, "table.jsonl" if "\n" in text else "table.json")


def test_libsvm_gives_target_query_and_one_column_per_feature(read: Read, tmp_path: Path) -> None:
    (tmp_path / "rank.train.query").write_text("2\n1\n", encoding="utf-8")
    table = read("2 1:0.5 3:2\n0 2:1\n1 3:1.5\n", "rank.train")
    assert table.report.format == "libsvm"
    assert values(table) == {
        "target": [2, 0, 1],
        "query": [0, 0, 1],
        "f1": [0.5, 0.0, 0.0],
        "f2": [0.0, 1.0, 0.0],
        "f3": [2.0, 0.0, 1.5],
    }


def test_a_later_libsvm_file_has_the_features_of_the_first(read: Read) -> None:
    first = read("2 1:0.5 3:2\n0 2:1\n", "train.svm")
    later = read("1 2:7\n", "test.svm", like=first.report)
    assert values(later) == {"target": [1], "f1": [0.0], "f2": [7.0], "f3": [0.0]}


def test_queries_in_the_lines_are_read_and_a_query_file_must_fit(read: Read, tmp_path: Path) -> None:
    assert values(read("1 qid:4 1:0.5\n0 qid:9 1:1\n", "a.svm"))["query"] == [4, 9]
    other = tmp_path / "sizes.txt"
    other.write_text("5\n", encoding="utf-8")
    with pytest.raises(SourceError, match="5 rows together, the data 2"):
        read("1 1:0.5\n0 1:1\n", "b.svm", query_path=str(other))
