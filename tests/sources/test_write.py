"""Writing a table: what is read back is what was written, and nothing is ever half there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.sources import read_table, write_table
from ml_engineer.vocabulary.data import DataSource

ENDINGS = ["csv", "tsv", "parquet", "xlsx", "json", "jsonl", "csv.gz", "jsonl.gz"]


def small() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1, 2, 3],
            "p": [0.1, np.nan, 1 / 3],
            "text": pd.Series(["=1+1", 'a,"b"\nc', None], dtype="str"),
            "when": pd.to_datetime(["2020-01-01 10:00:00", None, "2020-01-03 12:30:15"]).astype("datetime64[us]"),
            "ok": [True, False, True],
        }
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    write_table(small(), path)
    found = read_table(DataSource(path=str(path))).frame
    pd.testing.assert_frame_equal(found, small(), rtol=1e-14)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_text_that_looks_like_a_formula_is_text_in_a_workbook(tmp_path: Path) -> None:
    cells = ["=HYPERLINK(1)", "+1", "-1", "@x", "ok\x00"]
    write_table(pd.DataFrame({"=name": cells}), tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert [cell.data_type for (cell,) in sheet.iter_rows()] == ["s"] * 6
    assert [cell.value for (cell,) in sheet.iter_rows()][:5] == ["=name", *cells[:4]]


def test_equal_tables_give_equal_packed_bytes(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write_table(small(), tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


@pytest.mark.parametrize("name", ["out.xls", "out", "out.parquet.gz", "out.pkl"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.tsv, \.json, \.jsonl, \.parquet, \.xlsx"):
        write_table(small(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_table_too_large_for_a_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not fit"):
        write_table(pd.DataFrame(np.zeros((1, 20_000))), tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    write_table(small(), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(InputError, match="No space left"):
        write_table(small(), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="Cannot write"):
        write_table(small(), tmp_path / "file" / "out.csv")
