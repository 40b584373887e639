"""A table: where it comes from, how it was read, and what its columns look like."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ml_engineer.vocabulary.records import Fraction, Record, StoredRecord
from ml_engineer.vocabulary.written_numbers import WrittenNumbers

__all__ = [
    "ColumnProfile",
    "ColumnReading",
    "DataProfile",
    "DataSource",
    "FileFormat",
    "Fingerprint",
    "ReadReport",
    "StorageType",
]

FileFormat = Literal["csv", "parquet", "excel", "json", "jsonl", "libsvm", "sqlite", "duckdb", "sql"]
StorageType = Literal["integer", "float", "boolean", "datetime", "string"]
"""What a column holds after reading, and the pandas dtype it has from then on: integers (int64, or float64 where
cells are missing), floats (float64), booleans (bool; text where cells are missing), time stamps (datetime64, naive,
in UTC if the file named a zone), text (str)."""


class DataSource(Record):
    """What the person named, enough to read the same table again."""

    path: str = Field(
        default="",
        description="Absolute path of a file, a folder, a glob pattern or a database file; may be empty with sql.",
    )
    table: str | None = Field(default=None, description="Sheet of a workbook, or table of a database file.")
    sql: str | None = Field(
        default=None, description="One read-only SELECT, run by DuckDB; files are named in it as 'file.csv'."
    )
    sql_seconds: float | None = Field(
        default=None, gt=0, description="Seconds after which sql, or a view, is stopped; by default 120."
    )
    sql_memory_gb: float | None = Field(
        default=None, gt=0, description="Gigabytes that sql, or a view, may take; by default half of what is free."
    )
    query_path: str | None = Field(
        default=None, description="Absolute path of the file with rows per query that goes with a libsvm file."
    )
    column_names: tuple[str, ...] | None = Field(
        default=None, description="Names for the columns of a file without header."
    )
    event_column: str | None = Field(
        default=None, description="Column that tells whether the event happened, which goes into a survival target."
    )
    event_value: str | None = Field(default=None, description="Value of it that means it happened, if the person said.")
    label_columns: tuple[str, ...] | None = Field(
        default=None, description="Columns of 0 and 1, one a label, which go into a multilabel target."
    )
    label_separator: str | None = Field(
        default=None, description="What stands between the labels of a multilabel target; empty for lists in brackets."
    )
    labels: tuple[str, ...] | None = Field(
        default=None, description="The labels that a multilabel target keeps; others are too rare to be learned."
    )
    sample_fraction: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the rows that is read, drawn by chance, of a table that is larger than the memory.",
    )


class Fingerprint(Record):
    """What identifies a table, whatever the order of its rows."""

    content_sha256: str = Field(
        description="SHA-256 over the sorted row hashes and the schema: the same after reordering rows."
    )
    rows: int = Field(ge=0, description="Number of rows.")
    columns: int = Field(ge=0, description="Number of columns.")
    files: dict[str, str] = Field(default_factory=dict, description="SHA-256 of each file's bytes, by absolute path.")


class ColumnReading(Record):
    """How one column was read; replayed on every later file."""

    name: str = Field(description="Column name as used from here on (unique, not empty).")
    original_name: str = Field(description="Name as it stood in the file.")
    storage: StorageType = Field(description="What the column holds after reading.")
    missing_words: tuple[str, ...] = Field(
        default=(), description="Words that were read as missing, e.g. '?', 'NA', '-', ''."
    )
    number_format: str | None = Field(
        default=None,
        description="If numbers were stored as text: what was removed or changed, e.g. 'thousands comma', 'decimal comma', 'unit kmpl'.",
    )
    datetime_format: str | None = Field(
        default=None, description="strptime format of the time stamps, or 'ISO8601' / 'mixed'."
    )
    timezone: str | None = Field(
        default=None, description="Time zone that stamps were converted to, if they carried one."
    )
    order: tuple[str, ...] = Field(
        default=(),
        description="All categories from lowest to highest, where the file says that they have an order (Parquet, pandas).",
    )
    notes: tuple[str, ...] = Field(default=(), description="Anything else that was done or noticed, one sentence each.")


class ReadReport(Record):
    """How a table was read: everything that was worked out rather than told."""

    format: FileFormat = Field(description="Format of the file.")
    encoding: str | None = Field(default=None, description="Text encoding, for text formats.")
    delimiter: str | None = Field(default=None, description="Field delimiter, for delimited text.")
    quote: str | None = Field(default=None, description="Quote character, for delimited text.")
    decimal: str | None = Field(default=None, description="Decimal mark, for delimited text.")
    line_ending: str | None = Field(default=None, description="'\\n', '\\r\\n' or '\\r', for delimited text.")
    header: bool | None = Field(default=None, description="Whether the first line held column names.")
    compression: str | None = Field(default=None, description="'gzip' or 'zip' if the file was packed.")
    files: tuple[str, ...] = Field(default=(), description="Absolute paths of the files that were read, in order.")
    file_rows: tuple[int, ...] = Field(
        default=(),
        description="Rows of each file, in the same order; empty where a row belongs to no file, as with sql.",
    )
    rows: int = Field(ge=0, description="Rows read.")
    columns: tuple[ColumnReading, ...] = Field(description="How each column was read, in order.")
    warnings: tuple[str, ...] = Field(
        default=(), description="What the reader wants a person to know, one sentence each."
    )


class ColumnProfile(Record):
    """What one column looks like on the rows that were looked at."""

    name: str = Field(description="Column name.")
    position: int = Field(ge=0, description="Place in the table, from 0.")
    storage: StorageType = Field(description="What the column holds.")
    rows: int = Field(ge=0, description="Rows looked at.")
    missing_rows: int = Field(ge=0, description="Rows without a value.")
    distinct_values: int = Field(ge=0, description="Different values, missing not counted.")
    examples: tuple[str, ...] = Field(
        default=(), description="A few values as text, shortened; masked where they look personal."
    )
    categories: tuple[str, ...] | None = Field(
        default=None, description="All values as text, most frequent first, if there are at most 50."
    )
    minimum: float | None = Field(default=None, description="Smallest number, for numeric columns.")
    maximum: float | None = Field(default=None, description="Largest number, for numeric columns.")
    mean: float | None = Field(default=None, description="Mean, for numeric columns.")
    median: float | None = Field(default=None, description="Median, for numeric columns.")
    earliest: str | None = Field(default=None, description="First time stamp (ISO 8601), for datetime columns.")
    latest: str | None = Field(default=None, description="Last time stamp (ISO 8601), for datetime columns.")
    mean_length: float | None = Field(default=None, description="Mean number of characters, for string columns.")
    numbers: WrittenNumbers | None = Field(
        default=None, description="What numbers the cells hold, for string columns that hold some."
    )

    @property
    def missing_fraction(self) -> float:
        """Share of rows without a value."""
        return self.missing_rows / self.rows if self.rows else 0.0


class DataProfile(StoredRecord):
    """The table as it was read, and its columns on development rows."""

    kind: ClassVar[str] = "profile"

    source: DataSource = Field(description="Where the table comes from.")
    test_source: DataSource | None = Field(default=None, description="The person's own test file, if any.")
    fingerprint: Fingerprint = Field(description="What identifies the table.")
    report: ReadReport = Field(description="How it was read.")
    rows: int = Field(ge=0, description="Rows of the whole table.")
    development_rows: int = Field(ge=0, description="Rows that the column profiles rest on.")
    duplicate_rows: int = Field(ge=0, description="Development rows that repeat an earlier one in every column.")
    missing_fraction: Fraction = Field(description="Share of empty cells among development rows.")
    columns: tuple[ColumnProfile, ...] = Field(description="One profile a column, in order.")

    def column(self, name: str) -> ColumnProfile:
        """The profile of the column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
