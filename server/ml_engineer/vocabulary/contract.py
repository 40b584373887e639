"""What the data must look like: one rule book for training, prediction, the service, its tests and the monitor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.data import StorageType
from ml_engineer.vocabulary.records import Record

__all__ = ["Breach", "BreachRule", "ColumnPart", "ColumnRules", "DataContract", "Level", "Operator", "Relation"]

Level = Literal["error", "warn", "allowed"]
"""What a breach means: an error refuses (training, a file to predict, a request), a warning is counted and told."""
ColumnPart = Literal["input", "target", "key"]
"""Whether the model sees the column, learns it, or rows are told apart by it."""
Operator = Literal["<", "<=", "=="]
BreachRule = Literal["absent", "type", "missing", "outside", "unseen", "repeats", "relation"]


class ColumnRules(Record):
    """The rules of one column; a rule that does not fit its type is left out."""

    name: str = Field(description="Column name, exactly as in the data.")
    part: ColumnPart = Field(
        default="input", description="Whether the model sees it, learns it, or tells rows apart by it."
    )
    type: StorageType = Field(description="What a value must be readable as; anything else is an error.")
    missing: Level = Field(default="allowed", description="What a missing value is.")
    minimum: float | None = Field(default=None, description="Smallest number that is expected.")
    maximum: float | None = Field(default=None, description="Largest number that is expected.")
    earliest: str | None = Field(default=None, description="First time stamp that is expected (ISO 8601, UTC).")
    latest: str | None = Field(default=None, description="Last time stamp that is expected (ISO 8601, UTC).")
    outside: Level = Field(default="warn", description="What a value outside of these limits is.")
    categories: tuple[str, ...] | None = Field(default=None, description="Every text that is expected.")
    unseen: Level = Field(default="warn", description="What a text that is not among the categories is.")
    repeats: Level = Field(default="allowed", description="What a value that occurs twice is.")
    masked: bool = Field(
        default=False, description="Whether values are personal or sensitive and never shown in messages."
    )


class Relation(Record):
    """An order between two columns that holds in every row where both are known."""

    left: str = Field(description="First column.")
    operator: Operator = Field(description="How it compares.")
    right: str = Field(description="Second column.")
    breach: Level = Field(default="warn", description="What a row is in which it does not hold.")

    @property
    def text(self) -> str:
        """The relation as it is read aloud."""
        return f"{self.left} {self.operator} {self.right}"


class DataContract(Record):
    """All rules; `data/contract.yaml` holds them for people."""

    version: int = Field(
        default=1,
        ge=1,
        description="Goes up by one whenever framing writes other rules; raise it when you change some.",
    )
    columns: tuple[ColumnRules, ...] = Field(description="One entry a column.")
    relations: tuple[Relation, ...] = Field(default=(), description="Orders between two columns.")

    def part(self, *parts: ColumnPart) -> DataContract:
        """The contract of some parts only; relations stay where both of their columns do."""
        columns = tuple(column for column in self.columns if column.part in parts)
        names = {column.name for column in columns}
        relations = tuple(one for one in self.relations if {one.left, one.right} <= names)
        return self.model_copy(update={"columns": columns, "relations": relations})


class Breach(Record):
    """One rule that some rows break."""

    column: str = Field(description="Column, or the relation.")
    rule: BreachRule = Field(description="Which rule.")
    level: Level = Field(description="What it means: 'error' or 'warn'.")
    rows: int = Field(ge=0, description="Rows that break it.")
    examples: tuple[int, ...] = Field(default=(), description="The first few of them, by row number.")
    values: tuple[str, ...] = Field(default=(), description="What they hold; masked where it is personal or sensitive.")
    allowed: str = Field(default="", description="What would be allowed.")

    @property
    def sentence(self) -> str:
        """The breach in words, without its full stop."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        broken = {
            "absent": "is not there",
            "type": f"cannot be read as {self.allowed} in {rows}",
            "missing": f"is missing in {rows}, where a value is needed",
            "outside": f"lies outside of {self.allowed} in {rows}",
            "unseen": f"holds a text that is not among its categories in {rows}",
            "repeats": f"repeats a value in {rows}, where each must be its own",
            "relation": f"does not hold in {rows}",
        }[self.rule]
        shown = f": {', '.join(self.values)}" if self.values else ""
        where = f" (row {', '.join(str(row) for row in self.examples)})" if self.examples else ""
        return f"{self.column!r} {broken}{shown}{where}"
