"""Database files, and SQL that can read the data and do nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ml_engineer.errors import SourceError
from ml_engineer.sources import read_preview, read_table
from ml_engineer.vocabulary.data import DataSource
from sources.reading import values


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE "my ""orders""" (id INTEGER, amount, day TEXT, note)')
        connection.executemany(
            'INSERT INTO "my ""orders""" VALUES (?, ?, ?, ?)',
            [(1, 2.5, "2020-01-01", "x"), (2, 3, "2020-01-02", 7), (3, None, None, b"z")],
        )
        connection.commit()
    return path


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE orders AS SELECT i AS id, i * 1.5 AS amount FROM range(4) t(i)")
        connection.execute("CREATE TABLE people AS SELECT 1 AS id, 'Ann' AS name")
    return path


def test_the_only_table_of_a_sqlite_file_is_read(sqlite_file: Path) -> None:
    table = read_table(DataSource(path=str(sqlite_file)))
    found = values(table)
    assert found["id"] == [1, 2, 3]
    assert found["amount"] == [2.5, 3.0, None]
    assert [str(day) for day in found["day"][:2]] == ["2020-01-01 00:00:00", "2020-01-02 00:00:00"]
    assert found["note"] == ["x", "7", "z"]
    assert table.report.format == "sqlite"
    assert set(table.files) == {str(sqlite_file)}


def test_reading_leaves_a_sqlite_file_as_it_was(sqlite_file: Path) -> None:
    before = sqlite_file.read_bytes()
    read_table(DataSource(path=str(sqlite_file)))
    assert sqlite_file.read_bytes() == before
    assert sorted(file.name for file in sqlite_file.parent.iterdir()) == ["shop.db"]


def test_one_of_several_tables_must_be_named(duckdb_file: Path) -> None:
    source = DataSource(path=str(duckdb_file))
    with pytest.raises(SourceError, match=r"several tables.*'orders', 'people'.*Pass table"):
        read_table(source)
    assert values(read_table(source.model_copy(update={"table": "people"}))) == {"id": [1], "name": ["Ann"]}
    assert len(read_preview(source.model_copy(update={"table": "orders"}), rows=2).frame) == 2
    with pytest.raises(SourceError, match=r"no table 'nobody'"):
        read_table(source.model_copy(update={"table": "nobody"}))


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 500)
    with pytest.raises(SourceError, match="SQLite"):
        read_table(DataSource(path=str(path)))


def test_a_view_of_a_database_cannot_read_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    path = tmp_path / "trap.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{secret}')")
    with pytest.raises(SourceError, match="DuckDB"):
        read_table(DataSource(path=str(path), table="v"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    (data / "sales.csv").write_text("shop;amount\nA;1,5\nA;2,5\nB;4,0\n", encoding="utf-8")
    (data / "shops.csv").write_text("shop,city\nA,Oslo\nB,Rome\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    return data


def test_sql_sees_a_file_as_it_is_read_everywhere(folder: Path) -> None:
    source = DataSource(
        path=str(folder / "sales.csv"),
        sql="SELECT shop, sum(amount) AS total FROM 'sales.csv' GROUP BY shop ORDER BY shop",
    )
    table = read_table(source)
    assert values(table) == {"shop": ["A", "B"], "total": [4.0, 4.0]}
    assert table.report.format == "sql"
    assert table.report.files == (str(folder / "sales.csv"),)
    assert table.files == {}


def test_sql_may_join_the_files_of_the_folder_that_was_named(folder: Path) -> None:
    sql = "SELECT city, amount FROM 'sales.csv' JOIN 'shops.csv' USING (shop) ORDER BY amount"
    assert values(read_table(DataSource(path=str(folder), sql=sql))) == {
        "city": ["Oslo", "Oslo", "Rome"],
        "amount": [1.5, 2.5, 4.0],
    }


def test_sql_reads_the_tables_of_database_files(sqlite_file: Path, duckdb_file: Path) -> None:
    sql = "SELECT count(*) AS n FROM orders"
    assert values(read_table(DataSource(path=str(duckdb_file), sql=sql))) == {"n": [4]}
    sql = 'SELECT max(id) AS n FROM "my ""orders"""'
    assert values(read_table(DataSource(path=str(sqlite_file), sql=sql))) == {"n": [3]}


def test_a_preview_of_sql_stops_early(duckdb_file: Path) -> None:
    assert len(read_preview(DataSource(path=str(duckdb_file), sql="SELECT * FROM orders"), rows=2).frame) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{secret}'",
        "SELECT * FROM '../secret.csv'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM glob('{parent}/*')",
        "SELECT * FROM sniff_csv('{secret}')",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "SELECT * FROM 'https://example.org/a.csv'",
        "SELECT * FROM query('SELECT * FROM read_csv(''{secret}'')')",
    ],
)
def test_sql_cannot_read_other_files(folder: Path, sql: str) -> None:
    secret = folder.parent / "secret.csv"
    with pytest.raises(SourceError, match=r"locked|does not run"):
        read_table(DataSource(path=str(folder), sql=sql.format(secret=secret, parent=folder.parent)))


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{target}'",
        "SELECT 1; COPY (SELECT 1) TO '{target}'",
        "CREATE TABLE t AS SELECT 1",
        "ATTACH '{target}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "EXPORT DATABASE '{target}'",
        "DELETE FROM 'sales.csv'",
        "EXPLAIN SELECT 1",
        "",
        "  ;  ",
        "SELEC 1",
    ],
)
def test_anything_but_one_select_is_refused_and_nothing_is_written(folder: Path, sql: str) -> None:
    target = folder / "written"
    before = sorted(file.name for file in folder.rglob("*"))
    with pytest.raises(SourceError, match=r"exactly one SELECT|does not run"):
        read_table(DataSource(path=str(folder), sql=sql.format(target=target)))
    assert sorted(file.name for file in folder.rglob("*")) == before


def test_sql_cannot_see_variables_of_the_program(folder: Path) -> None:
    files = folder  # noqa: F841 - a local variable that DuckDB could find by its name
    with pytest.raises(SourceError, match="does not run"):
        read_table(DataSource(path=str(folder), sql="SELECT * FROM files"))


def test_sql_without_rows_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="no rows"):
        read_table(DataSource(path=str(folder), sql="SELECT * FROM 'sales.csv' WHERE amount > 100"))


def test_sql_leaves_a_database_file_as_it_was(duckdb_file: Path) -> None:
    before = duckdb_file.read_bytes()
    sql = "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone"
    with pytest.raises(SourceError):
        read_table(DataSource(path=str(duckdb_file), sql=sql))
    assert duckdb_file.read_bytes() == before
