"""What columns hold: numbers in every notation, dates, truth values, codes, and what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sources.reading import Read, column, values

NAN = float("nan")


def one(read: Read, cells: list[str], delimiter: str = ",") -> tuple[list[object], str, str | None]:
    """Values, storage and number format of one column beside a column of letters."""
    lines = [f'"{cell}"{delimiter}{chr(97 + place % 26)}' for place, cell in enumerate(cells)]
    table = read(f"x{delimiter}other\n" + "\n".join(lines) + "\n")
    reading = column(table, "x")
    return values(table)["x"], reading.storage, reading.number_format


@pytest.mark.parametrize(
    ("cells", "numbers", "label"),
    [
        (["1,234", "12,345,678", "999"], [1234, 12345678, 999], "thousands comma"),
        (["1,234.50", "12.25", "9,999.75"], [1234.5, 12.25, 9999.75], "thousands comma"),
        (["1.234,56", "12,5", "-3,25"], [1234.56, 12.5, -3.25], "thousands dot; decimal comma"),
        (["1,5", "2,25", "10"], [1.5, 2.25, 10.0], "decimal comma"),
        (["1 234,5", "12 345,0", "7,5"], [1234.5, 12345.0, 7.5], "thousands space; decimal comma"),
        (["1'234.5", "12'345.0", "7.5"], [1234.5, 12345.0, 7.5], "thousands apostrophe"),
        (["23.4 kmpl", "18 kmpl", "20.1 kmpl"], [23.4, 18.0, 20.1], "unit kmpl"),
        (["12%", "15%", "7.5%"], [12.0, 15.0, 7.5], "unit %"),
        (["$1,200", "-$900", "$2,500,000"], [1200, -900, 2500000], "thousands comma; currency $"),
        (["12,50 €", "1.200,00 €", "8,99 €"], [12.5, 1200.0, 8.99], "thousands dot; decimal comma; unit €"),
        (["1e5", "2.5E-3", "+7"], [1e5, 2.5e-3, 7.0], None),
        (["0 ", "3", " 12", "0"], [0, 3, 12, 0], None),  # blanks around a zero make no code of it
    ],
)
def test_numbers_are_read_in_the_notation_of_their_column(
    read: Read, cells: list[str], numbers: list[float], label: str | None
) -> None:
    found, storage, form = one(read, cells)
    assert (found, form) == (numbers, label)
    assert storage in {"integer", "float"}


@pytest.mark.parametrize(
    "cells",
    [
        ["01234", "94110", "10001"],  # postcodes
        ["1234567890123456", "2234567890123456", "3234567890123456"],  # longer than a number holds
        ["A11", "A12", "A14"],
        ["192.168.1.1", "10.0.0.1", "127.0.0.1"],
        ["123 456 789", "234 567 890", "345 678 901"],  # telephone
        ["2", "C85", "E46"],
        ["12:30", "13:45", "09:15"],
        ["0x1F", "0x2A", "0x3B"],
        ["Yes", "No", "Yes"],
        ["3/4", "1/2", "5/8"],
    ],
)
def test_codes_and_names_stay_the_text_they_are(read: Read, cells: list[str]) -> None:
    found, storage, _ = one(read, cells)
    assert (found, storage) == (cells, "string")


def test_a_mark_that_could_part_thousands_or_decimals_is_told_by_the_other_columns(read: Read) -> None:
    table = read("a;b\n1,55;1,234\n2,5;5,678\n")
    assert values(table)["b"] == [1.234, 5.678]
    table = read('a,b\n1.55,"1,234"\n2.5,"5,678"\n')
    assert values(table)["b"] == [1234, 5678]


def test_a_mark_that_nothing_explains_is_read_the_usual_way_and_told(read: Read) -> None:
    table = read('n,v\na,"1,234"\nb,"5,678"\n')
    assert values(table)["v"] == [1234, 5678]
    assert any("another fits as well" in warning for warning in table.report.warnings)


def test_dots_part_thousands_where_other_columns_have_decimal_commas(read: Read) -> None:
    assert values(read("a;b\n1,55;1.234\n2,5;5.678\n"))["b"] == [1234, 5678]


def test_a_column_is_numbers_from_95_percent_on(read: Read) -> None:
    table = read("v,w\n" + "".join(f"{row},{row if row > 9 else 'x'}\n" for row in range(99)) + "abc,1\n")
    assert column(table, "v").storage == "integer"
    assert np.isnan(table.frame["v"].iloc[-1])
    assert any("'v' (1, e.g. 'abc')" in warning for warning in table.report.warnings)
    assert column(table, "w").storage == "string"
    assert "are numbers" in column(table, "w").notes[0]


@pytest.mark.parametrize("word", ["?", "NA", "N/A", "null", "None", "-", ".", "nan", "unknown", " "])
def test_words_for_missing_among_numbers_are_missing_and_reported(read: Read, word: str) -> None:
    table = read(f"x,y\n1,a\n{word},b\n3,c\n")
    assert values(table)["x"] == [1.0, None, 3.0]
    assert column(table, "x").missing_words == (word.strip(),)
    assert table.frame["x"].dtype == "float64"


def test_in_text_only_words_that_can_mean_nothing_else_are_missing(read: Read) -> None:
    rows = ["NA,None,-"] + [f"b{row % 3},{'None' if row % 2 else 'Brick'},x" for row in range(50)]
    table = read("alley,veneer,note\n" + "\n".join(rows) + "\n")
    assert table.frame["alley"].isna().sum() == 1
    assert set(table.frame["veneer"]) == {"None", "Brick"}  # far too frequent to mean missing
    assert table.frame["note"].isna().sum() == 1


def test_a_frequent_word_read_as_missing_in_text_is_told(read: Read) -> None:
    table = read("alley,x\n" + "NA,1\n" * 20 + "Paved,2\nGravel,3\n")
    assert any("'NA' in 'alley' (20 of 22)" in warning for warning in table.report.warnings)


def test_infinities_are_missing_and_told(read: Read) -> None:
    table = read("x,y\n1,inf\n2,-Infinity\n3,5.5\n")
    assert values(table)["y"] == [None, None, 5.5]
    assert any("Infinite" in warning for warning in table.report.warnings)


def test_a_column_without_any_value_is_float_and_told(read: Read) -> None:
    table = read("x,y\n1,NA\n2,\n")
    assert table.frame["y"].dtype == "float64"
    assert table.frame["y"].isna().all()
    assert any("without any value" in warning for warning in table.report.warnings)


def test_truth_values_are_bool_and_text_where_some_are_missing(read: Read) -> None:
    table = read("a,b,c\ntrue,True,1\nfalse,,2\nTRUE,False,3\n")
    assert table.frame["a"].tolist() == [True, False, True]
    assert table.frame["a"].dtype == "bool"
    assert values(table)["b"] == ["True", None, "False"]
    assert column(table, "b").storage == "boolean"


@pytest.mark.parametrize(
    ("cells", "moment", "form"),
    [
        (["2020-03-01", "2020-03-02"], "2020-03-01", "ISO8601"),
        (["1949-01", "1949-02"], "1949-01-01", "ISO8601"),
        (["2020-03-01T10:30:00", "2020-03-02T11:00:00"], "2020-03-01 10:30", "ISO8601"),
        (["2020/03/01", "2020/03/02"], "2020-03-01", "%Y/%m/%d"),
        (["13/01/2020", "01/02/2020"], "2020-01-13", "%d/%m/%Y"),
        (["01/13/2020", "02/01/2020"], "2020-01-13", "%m/%d/%Y"),
        (["13.1.2020 08:05", "1.2.2020 09:00"], "2020-01-13 08:05", "%d.%m.%Y %H:%M"),
        (["01-Jan-2020", "02-Feb-2020"], "2020-01-01", "%d-%b-%Y"),
        (["January 5, 2020", "February 6, 2020"], "2020-01-05", "%B %d, %Y"),
        (["1/13/2020 10:30 PM", "12/31/2020 1:05 AM"], "2020-01-13 22:30", "%m/%d/%Y %I:%M %p"),
        (["13/01/20", "14/02/20"], "2020-01-13", "%d/%m/%y"),
    ],
)
def test_dates_are_read_in_the_format_of_their_column(read: Read, cells: list[str], moment: str, form: str) -> None:
    table = read("n,when\n" + "".join(f'{row},"{cell}"\n' for row, cell in enumerate(cells)))
    assert table.frame["when"].iloc[0] == pd.Timestamp(moment)
    assert str(table.frame["when"].dtype) == "datetime64[us]"
    assert column(table, "when").datetime_format == form


def test_day_and_month_are_told_apart_by_order_in_time(read: Read) -> None:
    table = read("n,when\n1,01/02/2020\n2,02/02/2020\n3,01/03/2020\n")  # ascending only with the day first
    assert column(table, "when").datetime_format == "%d/%m/%Y"
    assert "order of the rows" in column(table, "when").notes[0]


def test_day_and_month_that_nothing_tells_apart_are_told(read: Read) -> None:
    table = read("n,when\n1,01/02/2020\n2,05/03/2020\n3,02/01/2020\n")
    assert column(table, "when").datetime_format == "%m/%d/%Y"
    assert any("month first" in warning for warning in table.report.warnings)


def test_a_date_that_does_not_exist_is_missing(read: Read) -> None:
    cells = [f"2020-01-{day:02d}" for day in range(1, 31)] + ["2020-02-31"]
    table = read("n,when\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
    assert table.frame["when"].isna().tolist() == [False] * 30 + [True]


def test_zones_are_converted_to_utc_and_mixtures_told(read: Read) -> None:
    table = read("n,when\n1,2020-01-01T10:00:00Z\n2,2020-01-01T10:00:00+02:00\n3,2020-01-02 10:00:00\n")
    assert [str(moment) for moment in table.frame["when"]] == [
        "2020-01-01 10:00:00",
        "2020-01-01 08:00:00",
        "2020-01-02 10:00:00",
    ]
    assert column(table, "when").timezone == "UTC"
    assert "no zone" in column(table, "when").notes[0]
    assert any("'when' stamps without a zone taken for UTC" in warning for warning in table.report.warnings)


def test_repeated_and_empty_names_become_unique(read: Read) -> None:
    table = read("a,a,,b,a_2\n1,2,3,4,5\n6,7,8,9,10\n")
    assert list(table.frame) == ["a", "a_3", "column_3", "b", "a_2"]
    assert [reading.original_name for reading in table.report.columns] == ["a", "a", "", "b", "a_2"]


def test_names_of_any_characters_are_kept(read: Read) -> None:
    names = ['q"uote', "line\nbreak", "{brace}", "😀", "class", "Ignore all previous instructions", "'; DROP TABLE x"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    table = read(header + "\n1,2,3,4,5,6,7\n8,9,10,11,12,13,14\n")
    assert list(table.frame) == names


def test_text_from_the_file_is_quoted_on_one_line_in_warnings(read: Read) -> None:
    table = read('"a\nb",x\n' + "".join(f"{row},1\n" for row in range(50)) + '"line\nbreak ' + "y" * 200 + '",1\n')
    told = [warning for warning in table.report.warnings if "did not fit" in warning]
    assert len(told) == 1
    assert "\n" not in told[0]
    assert len(told[0]) < 250


def test_every_column_has_one_of_the_settled_types_and_an_own_array(read: Read) -> None:
    table = read("i,f,b,t,s,m\n1,1.5,true,2020-01-01,x,1\n2,2.5,false,2020-01-02,y,\n")
    assert [str(kind) for kind in table.frame.dtypes] == [
        "int64",
        "float64",
        "bool",
        "datetime64[us]",
        "str",
        "float64",
    ]
    table.frame.loc[0, "i"] = 7  # the memory belongs to the frame
    assert table.frame["i"].tolist() == [7, 2]
    assert table.frame.index.equals(pd.RangeIndex(2))
