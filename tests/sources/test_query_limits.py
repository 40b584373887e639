"""A query that never ends, or never stops growing, is stopped with the limit that it met and how to raise it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import read_preview, read_table
from ml_engineer.vocabulary.data import DataSource

COUNTING = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t)"
ENDLESS = {
    "a recursion that is only counted": f"{COUNTING} SELECT count(*) FROM t",
    "a recursion that turns in circles": "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT 3 - x FROM t) "
    "SELECT max(x) FROM t WHERE x > 5",
    "a cross join without a row": "SELECT * FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range < 0",
}
GROWING = {
    "a cross join that gives rows": "SELECT * FROM range(1000000) a, range(1000000) b",
    "a recursion that gives rows": f"{COUNTING} SELECT x, repeat('x', 1000) AS y FROM t",
    "one list of everything": "SELECT list(range) FROM range(10000000000)",
    "a sort of too much": "SELECT * FROM range(1000000000) ORDER BY hash(range)",
}


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("shop,amount\nA,1\nB,2\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("sql", ENDLESS.values(), ids=ENDLESS)
def test_sql_that_never_ends_is_stopped_by_time(sales: Path, sql: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"did not end within 0.5 seconds.*pass sql_seconds, e.g. 5"):
        read_table(DataSource(path=str(sales), sql=sql, sql_seconds=0.5, sql_memory_gb=4))
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("sql", GROWING.values(), ids=GROWING)
def test_sql_that_takes_too_much_memory_is_stopped_by_that_and_puts_nothing_on_disk(
    sales: Path, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sales.parent)
    with pytest.raises(SourceError, match=r"more than the 0.1 GB of memory.*pass sql_memory_gb"):
        read_table(DataSource(path=str(sales), sql=sql, sql_memory_gb=0.1))
    assert [path.name for path in sales.parent.iterdir()] == ["sales.csv"]


def test_a_preview_of_endless_rows_ends_with_the_rows_it_wants(sales: Path) -> None:
    sql = "SELECT a.range AS x FROM range(1000000) a, range(1000000) b"
    assert len(read_preview(DataSource(path=str(sales), sql=sql), rows=10).frame) == 10


def test_sql_within_its_limits_is_not_touched(sales: Path) -> None:
    source = DataSource(path=str(sales), sql="SELECT sum(amount) AS s FROM sales", sql_seconds=30, sql_memory_gb=0.1)
    assert read_table(source).frame["s"].tolist() == [3.0]


def test_a_view_that_never_ends_is_stopped_in_either_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.execute(f"CREATE VIEW endless AS {COUNTING} SELECT count(*) AS n FROM t")
        connection.execute(f"CREATE VIEW growing AS {COUNTING} SELECT x, hex(zeroblob(1500)) AS y FROM t")
        connection.commit()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(f"CREATE VIEW endless AS {COUNTING} SELECT count(*) AS n FROM t")
        connection.execute("CREATE VIEW growing AS SELECT a.range FROM range(1000000) a, range(1000000) b")
    for name in ("a.sqlite", "a.duckdb"):
        source = DataSource(path=str(tmp_path / name), table="endless", sql_seconds=0.5, sql_memory_gb=0.1)
        with pytest.raises(SourceError, match=r"The view 'endless' (did not end within 0.5 seconds|needs more)"):
            read_table(source)
        source = DataSource(path=str(tmp_path / name), table="growing", sql_memory_gb=0.1)
        with pytest.raises(SourceError, match=r"The view 'growing' needs more than the 0.1 GB"):
            read_table(source)


def test_the_limit_is_an_argument_of_the_verb_and_nothing_is_left_behind(
    sales: Path, tmp_path: Path, call: Callable[..., Any]
) -> None:
    with pytest.raises(SourceError, match=r"did not end within 0.5 seconds"):
        call(
            "frame_problem",
            data=str(sales),
            target="n",
            sql=f"{COUNTING} SELECT count(*) AS n FROM t",
            sql_seconds=0.5,
            project_dir=str(tmp_path / "ml"),
        )
    assert not (tmp_path / "ml" / "problem.yaml").exists()
