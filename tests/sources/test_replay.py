"""A later file read as an earlier one: the same cell gives the same value, whatever else is in the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_engineer.sources import align_columns
from sources.reading import Read, values

FIRST = (
    "id;price;day;city;flag;code\n1;1.234,5;01/02/2020;Oslo;true;007\n2;2,5;13/02/2020;?;false;008\n"
    "3;3,25;14/02/2020;Rome;true;009\n"
)


def test_reading_the_same_file_again_gives_the_same_frame(read: Read, penguins: Path) -> None:
    for text in (FIRST, penguins.read_text(encoding="utf-8")):
        first = read(text)
        pd.testing.assert_frame_equal(read(text, like=first.report).frame, first.frame)


def test_one_row_is_read_as_the_first_file_was(read: Read) -> None:
    first = read(FIRST)
    later = read("id;price;day;city;flag;code\n9;1.234;05/03/2020;?;true;010\n", like=first.report)
    assert values(later) == {
        "id": [9],
        "price": [1234.0],
        "day": [pd.Timestamp("2020-03-05")],
        "city": [None],
        "flag": [True],
        "code": ["010"],
    }


def test_the_delimiter_is_worked_out_afresh(read: Read) -> None:
    first = read(FIRST)
    later = read('code,id,price\n"010",9,"2,5"\n"011",8,"3,5"\n', like=first.report)
    assert values(later) == {"code": ["010", "011"], "id": [9, 8], "price": [2.5, 3.5]}


def test_cells_that_do_not_fit_are_missing_and_counted(read: Read) -> None:
    first = read(FIRST)
    later = read("id;price;day\nx;2,5;2020-01-01\n2;abc;15/02/2020\n3;?;16/02/2020\n", like=first.report)
    assert values(later) == {
        "id": [None, 2.0, 3.0],
        "price": [2.5, None, None],
        "day": [None, pd.Timestamp("2020-02-15"), pd.Timestamp("2020-02-16")],
    }
    told = next(warning for warning in later.report.warnings if "did not fit" in warning)
    assert "'id' (1, e.g. 'x')" in told
    assert "'price' (1, e.g. 'abc')" in told


def test_text_stays_text_though_a_later_file_holds_only_numbers(read: Read) -> None:
    first = read("room,n\nA1,1\n12,2\n")
    later = read("room,n\n12,1\n13,2\n", like=first.report)
    assert values(later)["room"] == ["12", "13"]


@pytest.mark.parametrize("name", ["later.json", "later.jsonl"])
def test_typed_cells_of_another_format_mean_the_same(read: Read, name: str) -> None:
    first = read("room,n,x,ok\nA1,1,1.5,true\n12,2,2.5,false\n")
    rows = [{"room": 12, "n": 3.0, "x": 4, "ok": True}, {"room": "A1", "n": 4, "x": 4.5, "ok": False}]
    text = json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows))
    later = read(text, name, like=first.report)
    assert values(later) == {"room": ["12", "A1"], "n": [3, 4], "x": [4.0, 4.5], "ok": [True, False]}
    assert [str(kind) for kind in later.frame.dtypes] == [str(kind) for kind in first.frame.dtypes]


def test_typed_parquet_columns_are_brought_to_the_first_types(read: Read, tmp_path: Path) -> None:
    first = read("room,n,ok,day\nA1,1,true,2020-01-01\n12,2,false,2020-01-02\n")
    frame = pd.DataFrame(
        {"room": [12.0, 13.5], "n": [True, False], "ok": [1, 2], "day": pd.to_datetime(["2020-01-03", "2020-01-04"])}
    )
    path = tmp_path / "later.parquet"
    frame.to_parquet(path)
    later = read(path.read_bytes(), "later.parquet", like=first.report)
    assert values(later) == {
        "room": ["12", "13.5"],
        "n": [1, 0],
        "ok": [1.0, None],
        "day": [pd.Timestamp("2020-01-03"), pd.Timestamp("2020-01-04")],
    }
    assert any("'ok' (1, e.g. '2')" in warning for warning in later.report.warnings)


def test_a_headerless_file_is_recognised_by_the_first_reading(read: Read) -> None:
    first = read("39, State-gov, 10\n50, Private, 20\n38, Private, 30\n")
    assert list(first.frame) == ["column_1", "column_2", "column_3"]
    later = read("25, Local-gov, 40\n", like=first.report)
    assert values(later) == {"column_1": [25], "column_2": ["Local-gov"], "column_3": [40]}


def test_names_given_to_the_first_file_name_the_later_one(read: Read) -> None:
    first = read("39,x\n50,y\n", column_names=("age", "letter"))
    assert values(read("25,z\n", like=first.report)) == {"age": [25], "letter": ["z"]}


def test_a_single_line_below_a_known_header_is_data(read: Read) -> None:
    first = read("a,b\nx,y\nz,w\n")
    assert values(read("a,b\nq,r\n", like=first.report)) == {"a": ["q"], "b": ["r"]}


def test_alignment_orders_known_columns_and_names_the_others(read: Read) -> None:
    first = read("a,b,c\n1,2,3\n4,5,6\n")
    later = read("key,c,a\nk,3,1\nl,6,4\n", like=first.report)
    aligned = align_columns(later.frame, first.report, required=["a", "b", "c"])
    assert list(aligned.frame) == ["a", "c", "key"]
    assert aligned.missing == ("b",)
    assert aligned.extra == ("key",)


def test_numbers_survive_to_the_last_bit(read: Read) -> None:
    numbers = np.random.default_rng(0).normal(size=200) * 10.0 ** np.random.default_rng(1).integers(-12, 12, 200)
    first = read("x\n" + "".join(f"{number!r}\n" for number in numbers.tolist()))
    assert first.frame["x"].tolist() == numbers.tolist()
