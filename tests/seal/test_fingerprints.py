"""A table is known by its content, however it was saved."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from ml_engineer.seal.fingerprints import fingerprint_table, frame_sha256


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_fingerprint_survives_reordering_and_saving_in_another_format(
    ending: str, customers: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / f"saved.{ending}"
    mixed = customers.sample(frac=1, random_state=3)[customers.columns[::-1]]
    write = {"csv": mixed.to_csv, "parquet": mixed.to_parquet, "xlsx": mixed.to_excel}[ending]
    write(path, index=False)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}[ending]
    assert frame_sha256(read(path)) == frame_sha256(customers)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(visits=frame["visits"].where(frame.index != 17, 99)),
        lambda frame: frame.drop(index=17),
        lambda frame: pd.concat([frame, frame.loc[[17]]]),
        lambda frame: frame.rename(columns={"visits": "calls"}),
        lambda frame: frame.rename(columns={"income": "balance", "balance": "income"}),
        lambda frame: frame.drop(columns="town"),
    ],
)
def test_fingerprint_notices_every_change(change: object, customers: pd.DataFrame) -> None:
    assert callable(change)
    assert frame_sha256(change(customers)) != frame_sha256(customers)


def test_fingerprint_of_a_table_counts_rows_and_columns(customers: pd.DataFrame) -> None:
    found = fingerprint_table(customers, files={"/data/a.csv": "ab"})
    assert (found.rows, found.columns, found.files) == (400, 6, {"/data/a.csv": "ab"})
    assert found.content_sha256 == frame_sha256(customers)


def test_fractions_survive_fifteen_written_digits(customers: pd.DataFrame) -> None:
    text = customers.to_csv(index=False, float_format="%.15g")
    assert frame_sha256(pd.read_csv(io.StringIO(text))) == frame_sha256(customers)
