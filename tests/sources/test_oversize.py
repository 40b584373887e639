"""Tables larger than the memory: a sample of a Parquet file, the same each time; a clear refusal of text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import read_table
from ml_engineer.vocabulary.data import DataSource

ROWS = 50_000


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with two files of ten numbers a row: 8 MB in memory."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{place}": rng.normal(size=ROWS) for place in range(10)}).assign(place=np.arange(ROWS))
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(2):
        frame.assign(place=frame["place"] + number * ROWS).to_parquet(folder / f"{number}.parquet")
    return folder


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten million bytes are free."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000_000))


@pytest.mark.usefixtures("small_memory")
def test_a_sample_is_drawn_from_all_files_and_the_same_is_read_again(parts: Path) -> None:
    source = DataSource(path=str(parts))
    table = read_table(source, may_sample=True)
    # 11 columns of 8 bytes, three times in memory, of which seven million bytes may be taken.
    assert table.sample_fraction == pytest.approx(7e6 / (3 * 2 * ROWS * 11 * 8), rel=0.03)
    drawn = table.frame["place"]
    assert len(drawn) == pytest.approx(table.sample_fraction * 2 * ROWS, rel=0.05)
    assert drawn.is_monotonic_increasing
    assert drawn.is_unique
    assert (drawn < ROWS).mean() == pytest.approx(0.5, abs=0.02)
    assert table.report.warnings[0].startswith(f"About {table.sample_fraction:.1%} of the 100,000 rows were read")
    again = read_table(source.model_copy(update={"sample_fraction": table.sample_fraction}))
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_the_sample_has_nothing_to_do_with_columns_that_were_drawn_by_a_usual_seed(tmp_path: Path) -> None:
    drawn = {f"seed {seed}": np.random.default_rng(seed).random(ROWS) for seed in (0, 1, 42)}
    pd.DataFrame(drawn).to_parquet(tmp_path / "table.parquet")
    sample = read_table(DataSource(path=str(tmp_path / "table.parquet"), sample_fraction=0.1)).frame
    assert sample.mean().to_numpy() == pytest.approx(0.5, abs=0.02)


@pytest.mark.usefixtures("small_memory")
def test_all_rows_are_read_where_a_sample_is_not_wanted(parts: Path) -> None:
    table = read_table(DataSource(path=str(parts)))
    assert len(table.frame) == 2 * ROWS
    assert table.sample_fraction is None


def test_what_fits_is_read_whole(parts: Path) -> None:
    table = read_table(DataSource(path=str(parts)), may_sample=True)
    assert len(table.frame) == 2 * ROWS
    assert table.sample_fraction is None


def test_text_larger_than_the_memory_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1.5,2.5\n" * 1000, encoding="utf-8")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5_000))
    with pytest.raises(SourceError, match="larger than the memory") as caught:
        read_table(DataSource(path=str(path)), may_sample=True)
    assert "Write it as Parquet" in str(caught.value)
