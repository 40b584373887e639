"""What rows show of themselves, where nothing is predicted: groups, and rows unlike the others."""

from __future__ import annotations

from pydantic import Field

from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.records import Record

__all__ = ["GroupProfile", "StructureEvidence", "StructureMeasure", "TypicalValue", "UnusualRow"]


class StructureMeasure(Record):
    """One number about a grouping or a detector, other than the metrics."""

    name: str = Field(description="What it is called, e.g. 'prediction strength'.")
    meaning: str = Field(description="What it says, in a sentence.")
    estimate: Estimate = Field(description="Its value.")
    expected: float | None = Field(
        default=None, description="What chance alone would give, or what was promised; null where neither is known."
    )


class TypicalValue(Record):
    """What the rows of a group have in common, in one column."""

    column: str = Field(description="Column of the raw data.")
    text: str = Field(description="In words, e.g. 'mean 3.2, elsewhere 5.1'.")
    inside: Estimate = Field(description="Mean, or share of the category, inside the group.")
    everywhere: float = Field(description="The same over all development rows.")
    apart: float = Field(description="Distance of the two in standard deviations of the column.")


class GroupProfile(Record):
    """One group of rows."""

    group: int = Field(ge=0, description="Number of the group, as predict answers it.")
    rows: int = Field(ge=0, description="Rows in it.")
    share: Estimate = Field(description="Share of all rows.")
    silhouette: Estimate | None = Field(
        default=None, description="Mean silhouette of its rows; null if there are too few to tell."
    )
    typical: tuple[TypicalValue, ...] = Field(
        default=(), description="What sets it apart from the other rows, the most first."
    )


class UnusualRow(Record):
    """A development row that models of the other folds found unlike the rest."""

    row: int = Field(ge=0, description="Row number in the source, from 0.")
    score: float = Field(description="Anomaly score; higher is more unusual.")
    columns: tuple[str, ...] = Field(
        description="Columns whose typical value in their place would make the row less unusual, in words, the most first."
    )


class StructureEvidence(Record):
    """What speaks for and against what was found, and what nothing here can tell."""

    measures: tuple[StructureMeasure, ...] = Field(default=(), description="Numbers beside the metrics.")
    groups: tuple[GroupProfile, ...] = Field(default=(), description="The groups; clustering.")
    unusual_rows: tuple[UnusualRow, ...] = Field(
        default=(), description="The most unusual development rows; anomaly detection."
    )
    table: tuple[str, ...] = Field(default=(), description="One line for each number of groups that was tried.")
    cannot_be_known: tuple[str, ...] = Field(
        default=(), description="What cannot be known without labels, one sentence each."
    )
