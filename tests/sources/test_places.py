"""Files, folders and patterns: what is found, and what is said when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import read_table
from ml_engineer.sources import table as table_module
from ml_engineer.vocabulary.data import DataSource
from sources.reading import values


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_a_folder_of_files_with_the_same_columns_is_one_table(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "d", b__csv="x,y\n3,c\n", a__csv="x,y\n1,a\n2,b\n", Readme__txt="about", c__csv="y,x\nd,4\n"
    )
    table = read_table(DataSource(path=str(folder)))
    assert sum(table.report.file_rows) == len(table.frame)
    assert len(table.report.file_rows) == len(table.report.files) > 1
    assert values(table) == {"x": [1, 2, 3, 4], "y": ["a", "b", "c", "d"]}
    assert [Path(file).name for file in table.report.files] == ["a.csv", "b.csv", "c.csv"]
    assert len(table.files) == 3


def test_a_pattern_is_one_table_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", a1__csv="x\n1\n", a2__csv="x\n2\n", b1__csv="other\n3\n")
    assert values(read_table(DataSource(path=str(folder / "a*.csv")))) == {"x": [1, 2]}


def test_columns_are_settled_over_all_files_together(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", a__csv="x,y\n1,1.5\n", b__csv="x,y\nA1,2.5\n")
    assert values(read_table(DataSource(path=str(folder)))) == {"x": ["1", "A1"], "y": [1.5, 2.5]}


def test_files_with_other_columns_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", a__csv="x,y\n1,2\n", b__csv="x,z\n1,2\n")
    with pytest.raises(SourceError, match=r"b\.csv.*differs.*lacks 'y' and it adds 'z'"):
        read_table(DataSource(path=str(folder)))


def test_a_folder_of_several_formats_or_of_none_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", a__csv="x\n1\n", b__json='[{"x": 1}]')
    with pytest.raises(SourceError, match="several formats"):
        read_table(DataSource(path=str(folder)))
    with pytest.raises(SourceError, match="holds no table"):
        read_table(DataSource(path=str(write(tmp_path / "e", notes__md="x"))))


def test_a_missing_file_is_named_with_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, train__csv="x\n1\n")
    with pytest.raises(SourceError, match=r"no file .*tain\.csv.*'train\.csv'"):
        read_table(DataSource(path=str(tmp_path / "tain.csv")))
    with pytest.raises(SourceError, match="folder is not there either"):
        read_table(DataSource(path=str(tmp_path / "nowhere" / "x.csv")))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    with pytest.raises(SourceError, match=r"Cannot read|no file"):
        read_table(DataSource(path=str(loop)))


def test_something_that_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="not a regular file"):
        read_table(DataSource(path=str(pipe)))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x\n1\n", encoding="utf-8")
    settle = table_module.settle_columns

    def settle_and_append(*arguments: object) -> object:
        with path.open("a", encoding="utf-8") as stream:
            stream.write("2\n")
        return settle(*arguments)  # type: ignore[arg-type] # handed through

    monkeypatch.setattr(table_module, "settle_columns", settle_and_append)
    with pytest.raises(SourceError, match="changed while it was being read"):
        read_table(DataSource(path=str(path)))
