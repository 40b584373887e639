"""Delimited text: the dialect is worked out and reported, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import read_preview, read_table
from ml_engineer.vocabulary.data import DataSource
from sources.reading import Read, values


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_the_delimiter_is_the_one_that_gives_every_line_the_same_fields(read: Read, delimiter: str) -> None:
    rows = [("name", "age", "score"), ("Ann", "31", "2.5"), ("Bob", "42", "3.5"), ("Cy", "53", "1.25")]
    table = read("".join(delimiter.join(row) + "\n" for row in rows))
    assert table.report.delimiter == delimiter
    assert values(table) == {"name": ["Ann", "Bob", "Cy"], "age": [31, 42, 53], "score": [2.5, 3.5, 1.25]}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read_and_reported(read: Read, ending: str) -> None:
    table = read(ending.join(["a,b", "1,x y", "2,z", ""]))
    assert table.report.line_ending == ending
    assert values(table) == {"a": [1, 2], "b": ["x y", "z"]}


def test_line_breaks_and_doubled_quotes_within_quotes_belong_to_the_cell(read: Read) -> None:
    table = read('a,b\r\n1,"two\r\nlines"\r\n2,"say ""hi"""\r\n')
    assert values(table)["b"] == ["two\r\nlines", 'say "hi"']


def test_quoted_line_breaks_survive_in_a_file_much_longer_than_the_sample(read: Read) -> None:
    cell = "first\nsecond, third"
    table = read("n,text\n" + "".join(f'{row},"{cell}"\n' for row in range(40_000)))
    assert table.frame.shape == (40_000, 2)
    assert set(table.frame["text"]) == {cell}
    assert table.frame["n"].tolist() == list(range(40_000))


def test_quotes_that_begin_below_the_sample_are_still_seen(read: Read) -> None:
    table = read("n,text\n" + "".join(f"{row},plain text\n" for row in range(40_000)) + '40000,"a\nb, c"\n')
    assert table.frame["text"].iloc[-1] == "a\nb, c"


def test_single_quotes_and_backslash_escapes_are_recognised(read: Read) -> None:
    assert values(read("a,b\n'x,1',2\n'y,2',3\n'it',4\n"))["a"] == ["x,1", "y,2", "it"]
    assert values(read('a,b\n"x \\"q\\", y",2\n"y",3\n"z",4\n'))["a"] == ['x "q", y', "y", "z"]


def test_spaces_that_pad_the_delimiter_belong_to_no_cell(read: Read) -> None:
    table = read('25, Private, "a, b"\n38, ?, "c"\n28, Local, "d"\n', column_names=("age", "work", "note"))
    assert values(table) == {"age": [25, 38, 28], "work": ["Private", None, "Local"], "note": ["a, b", "c", "d"]}


def test_columns_lined_up_with_runs_of_spaces_are_read(read: Read) -> None:
    table = read("  a    b     c\n  1   2.5    x\n 10   3.5   yy\n", "table.txt")
    assert values(table) == {"a": [1, 10], "b": [2.5, 3.5], "c": ["x", "yy"]}


def test_a_file_without_header_gets_names_and_says_so(read: Read) -> None:
    table = read("1,2,x\n3,4,y\n5,6,z\n")
    assert table.report.header is False
    assert list(table.frame) == ["column_1", "column_2", "column_3"]
    assert any("no column names" in warning for warning in table.report.warnings)


def test_names_given_for_a_file_without_header_are_used(read: Read) -> None:
    table = read("1,x\n3,y\n", column_names=("count", "letter"))
    assert values(table) == {"count": [1, 3], "letter": ["x", "y"]}


def test_the_wrong_number_of_given_names_is_refused_with_the_right_one(read: Read) -> None:
    with pytest.raises(SourceError, match=r"2 names, but .* has 3 columns.*Pass 3 names"):
        read("1,2,x\n3,4,y\n", column_names=("a", "b"))


def test_a_header_of_years_over_a_table_of_numbers_is_a_header(read: Read) -> None:
    table = read("country,2019,2020,2021\nA,1,2,3\nB,3,4,9\n")
    assert list(table.frame) == ["country", "2019", "2020", "2021"]


def test_a_header_behind_a_hash_is_found(read: Read) -> None:
    assert values(read('#"a";"b"\n1;2\n3;4\n')) == {"a": [1, 3], "b": [2, 4]}


def test_comment_lines_above_and_between_the_rows_are_left_out(read: Read) -> None:
    assert values(read("# made by x\n# on y\na,b\n1,2\n# inner\n3,4\n")) == {"a": [1, 3], "b": [2, 4]}


def test_cells_that_begin_with_a_hash_are_data(read: Read) -> None:
    table = read("tag,n\n#foo,1\nbar,2\nbaz,3\nqux,4\n#quux,5\n")
    assert values(table) == {"tag": ["#foo", "bar", "baz", "qux", "#quux"], "n": [1, 2, 3, 4, 5]}


def test_title_lines_above_the_table_are_left_out_and_told(read: Read) -> None:
    table = read("Report 2020\n\na,b,c\n1,2,3\n4,5,6\n")
    assert list(table.frame) == ["a", "b", "c"]
    assert any("Report 2020" in warning for warning in table.report.warnings)


def test_a_delimiter_at_the_end_of_each_line_makes_no_column(read: Read) -> None:
    assert values(read("a,b\n1,2,\n3,4,\n")) == {"a": [1, 3], "b": [2, 4]}


def test_row_names_without_a_name_of_their_own_are_a_column(read: Read) -> None:
    assert values(read('"a" "b"\n"r1" 1 2\n"r2" 3 4\n')) == {"column_1": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("encoding", "text", "name"),
    [
        ("utf-8-sig", "José", "utf-8 with byte order mark"),
        ("utf-16", "José", "utf-16-le with byte order mark"),
        ("utf-16-be", "José", "utf-16-be"),
        ("latin-1", "José, Müller, Søren", "cp1252"),
        ("cp1250", "Łódź leży w środkowej części Polski", "cp1250"),
        ("cp1254", "İstanbul, Beyoğlu, çağdaş, çocuk, şeker", "cp1254"),
        ("cp1251", "Москва, Привет мир, Санкт-Петербург", "cp1251"),
        ("shift_jis", "東京都 山田太郎 大阪府の人口は", "shift_jis"),
    ],
)
def test_the_encoding_is_worked_out_and_reported(read: Read, encoding: str, text: str, name: str) -> None:
    table = read(f'name,x\n"{text}",1\nplain,2\n'.encode(encoding))
    assert table.report.encoding == name
    assert values(table) == {"name": [text, "plain"], "x": [1, 2]}


def test_a_legacy_letter_far_below_the_sample_changes_the_encoding_not_the_text(read: Read) -> None:
    table = read(b"name,x\n" + b"abc,1\n" * 60_000 + "Chloé,2\n".encode("latin-1"))
    assert table.frame["name"].iloc[-1] == "Chloé"
    assert table.report.encoding == "cp1252"


def test_one_damaged_byte_in_utf8_is_told_and_spoils_only_its_own_letter(read: Read) -> None:
    table = read("name,x\nZoë,1\n".encode() + b"abc,1\n" * 60_000 + b"bad\xe9,2\n")
    assert table.frame["name"].iloc[0] == "Zoë"
    assert table.frame["name"].iloc[-1] == "bad\ufffd"
    assert any("damaged" in warning for warning in table.report.warnings)


@pytest.mark.parametrize(("line", "number"), [("3,4,5", 5_002), ("3", 5_002), ('"3', 5_002)])
def test_a_line_with_other_fields_is_named(read: Read, line: str, number: int) -> None:
    text = "a,b\n" + "1,2\n" * 5_000 + f"{line}\n" + "1,2\n" * 5_000
    with pytest.raises(SourceError, match=rf"Line {number:,} of .*|does not end"):
        read(text)


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(read: Read) -> None:
    text = "n,text\n" + "".join(f"{row},word\n" for row in range(30_000)) + '30000,"open\n'
    text += "".join(f"{row},word\n" for row in range(30_000))
    with pytest.raises(SourceError, match="does not end"):
        read(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,b,c\n", "column names but no rows"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file"),
        (b"\x80\x04\x95\x00", "a pickle"),
        (b"PAR1xxxxPAR1", "damaged Parquet"),
        (b"PK\x03\x04garbage", "damaged zip"),
        (b"\x1f\x8b\x08\x00garbage", "damaged gzip"),
        (bytes(range(256)) * 20, "binary data"),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is(read: Read, content: bytes, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read(content)


def test_a_packed_file_that_was_cut_short_is_refused(read: Read) -> None:
    whole = gzip.compress("".join(f"{row * 7919 % 10007},{row}\n" for row in range(20_000)).encode())
    with pytest.raises(SourceError, match="damaged gzip"):
        read(whole[: len(whole) // 2], "table.csv.gz")


def test_gzip_and_zip_are_read_as_what_they_pack(read: Read) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.csv", "a,b\n1,2\n3,4\n")
    for content, name, kind in (
        (gzip.compress(b"a,b\n1,2\n3,4\n"), "table.csv.gz", "gzip"),
        (packed.getvalue(), "table.zip", "zip"),
    ):
        table = read(content, name)
        assert table.report.compression == kind
        assert values(table) == {"a": [1, 3], "b": [2, 4]}


def test_a_zip_with_two_tables_is_refused_by_name(read: Read) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.csv", "a\n1\n")
        archive.writestr("two.csv", "a\n1\n")
    with pytest.raises(SourceError, match=r"exactly one file.*'one.csv', 'two.csv'"):
        read(packed.getvalue(), "table.zip")


def test_one_row_one_column_and_one_cell_are_tables(read: Read) -> None:
    assert values(read("a,b\n1,x\n")) == {"a": [1], "b": ["x"]}
    assert values(read("word\nhello, world\nfoo\nbar, baz, qux\n")) == {
        "word": ["hello, world", "foo", "bar, baz, qux"]
    }
    assert values(read("5\n")) == {"column_1": [5]}


def test_ten_thousand_columns_are_read(read: Read) -> None:
    width = 10_000
    lines = [",".join(f"c{place}" for place in range(width))]
    lines += [",".join(str(place + row) for place in range(width)) for row in range(3)]
    table = read("\n".join(lines) + "\n")
    assert table.frame.shape == (3, width)
    assert table.frame["c9999"].tolist() == [9999, 10000, 10001]


def test_a_preview_reads_only_the_head(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n" + b"1,x\n" * 100_000)
        stream.seek(3_000_000_000)  # a hole: reading on from here would take long and end in an error
        stream.write(b"\n")
    table = read_preview(DataSource(path=str(path)), rows=50)
    assert table.frame.shape == (50, 2)
    assert table.files == {}


def test_hashes_of_the_bytes_are_given_by_absolute_path(read: Read, tmp_path: Path) -> None:
    table = read("a\n1\n2\n")
    assert table.files == {str(tmp_path / "table.csv"): hashlib.sha256(b"a\n1\n2\n").hexdigest()}


def test_the_shipped_example_is_read(penguins: Path) -> None:
    table = read_table(DataSource(path=str(penguins)))
    assert table.frame.shape == (344, 17)
    assert str(table.frame["Date Egg"].dtype) == "datetime64[us]"
    assert table.frame["Sex"].isna().sum() == 11
    assert table.frame["Culmen Length (mm)"].dtype == "float64"
