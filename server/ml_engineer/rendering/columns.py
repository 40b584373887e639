"""What generated code is told about each column that the model may see."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from pydantic import BaseModel

from ml_engineer.rendering.quoting import identifiers, shorten
from ml_engineer.vocabulary.contract import DataContract
from ml_engineer.vocabulary.data import ColumnProfile, DataProfile, StorageType
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["ContractColumn", "RequestField", "contract_columns", "request_fields"]

_TYPE_NAMES: dict[StorageType, str] = {
    "integer": "Whole",
    "float": "Number",
    "boolean": "Flag",
    "datetime": "Moment",
    "string": "Text",
}
_KIND_IN_WORDS: dict[StorageType, str] = {
    "integer": "Whole number",
    "float": "Number",
    "boolean": "True or false",
    "datetime": "Time stamp (ISO 8601; UTC if it names no zone)",
    "string": "Text",
}
# What pydantic's model class defines or inherits: a field of that name would hide it.
_RESERVED = frozenset(dir(BaseModel)) | frozenset(dir(type(BaseModel)))
_MOST_CATEGORIES_SHOWN = 12


@dataclass(frozen=True)
class ContractColumn:
    """One column as development rows had it; the fields are those of the generated ``Column``."""

    name: str
    storage: StorageType
    role: str
    nullable: bool
    sensitive: bool
    minimum: float | None
    maximum: float | None
    earliest: str | None
    latest: str | None
    categories: list[str] | None
    missing_words: list[str]
    typical: str | float | bool | None

    def arguments(self) -> list[tuple[str, object]]:
        """Arguments of the generated ``Column`` that differ from its defaults."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return [(name, value) for name, value in values if value is not None and value is not False and value != []]


@dataclass(frozen=True)
class RequestField:
    """One field of the generated request model."""

    identifier: str
    name: str
    type_name: str
    nullable: bool
    description: str
    example: str | float | bool | None


def contract_columns(problem: ProblemDefinition, profile: DataProfile) -> list[ContractColumn]:
    """The columns that the model may see, in table order.

    Raises
    ------
    KeyError
        If the profile lacks one of them.
    """
    # By name once: a table may have ten thousand columns.
    readings = {reading.name: reading for reading in profile.report.columns}
    profiles = {column.name: column for column in profile.columns}
    columns = []
    for column in problem.features:
        seen = profiles[column.name]
        reading = readings.get(column.name)
        numeric = seen.storage in {"integer", "float"}
        columns.append(
            ContractColumn(
                name=column.name,
                storage=seen.storage,
                role=column.role,
                nullable=seen.missing_rows > 0,
                sensitive=column.sensitive,
                minimum=seen.minimum if numeric else None,
                maximum=seen.maximum if numeric else None,
                earliest=seen.earliest if seen.storage == "datetime" else None,
                latest=seen.latest if seen.storage == "datetime" else None,
                categories=_categories(seen),
                missing_words=list(reading.missing_words) if reading else [],
                typical=_typical(seen),
            )
        )
    return columns


def _categories(column: ColumnProfile) -> list[str] | None:
    return list(column.categories) if column.storage == "string" and column.categories is not None else None


def _typical(column: ColumnProfile) -> str | float | bool | None:
    """The median or the most frequent value, None if the column was never filled."""
    if column.distinct_values == 0:
        return None
    if column.storage == "boolean":
        return True
    if column.storage == "datetime":
        return column.earliest
    if column.storage == "string":
        return column.categories[0] if column.categories else next(iter(column.examples), "text")
    if column.median is None:
        return None
    return round(column.median) if column.storage == "integer" else column.median


def request_fields(columns: list[ContractColumn], contract: DataContract | None = None) -> list[RequestField]:
    """The request model's fields: safe names, the columns' own names as aliases, what is usual as description.

    Whether a value may be null is what the contract says; without one, whether training had missing values.
    """
    rules = {} if contract is None else {rule.name: rule for rule in contract.columns}
    columns = [
        replace(column, nullable=rules[column.name].missing != "error") if column.name in rules else column
        for column in columns
    ]
    names = identifiers((column.name for column in columns), reserved=_RESERVED)
    return [
        RequestField(
            identifier=names[column.name],
            name=column.name,
            type_name=_TYPE_NAMES[column.storage],
            nullable=column.nullable,
            description=_description(column),
            example=column.typical,
        )
        for column in columns
    ]


def _description(column: ContractColumn) -> str:
    """What the column holds, and what it held on development rows."""
    parts = [_KIND_IN_WORDS[column.storage]]
    if column.minimum is not None and column.maximum is not None:
        parts.append(f"from {column.minimum:g} to {column.maximum:g} in training")
    elif column.earliest is not None and column.latest is not None:
        parts.append(f"from {column.earliest} to {column.latest} in training")
    elif column.categories:
        shown = [shorten(category, 40) for category in column.categories[:_MOST_CATEGORIES_SHOWN]]
        more = len(column.categories) - len(shown)
        parts.append(f"in training one of: {', '.join(shown)}" + (f" and {more} more" if more else ""))
    if column.nullable:
        parts.append("may be null")
    return "; ".join(parts) + "."
