"""What was seen when the project's own code was tried in a process of its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.records import Record, Seconds

__all__ = ["CandidateFault", "CodeTrial", "MovedColumn", "Touched"]


class MovedColumn(Record):
    """A feature whose value for a row changed although the row did not."""

    column: str = Field(description="Name of the feature; empty if the set of features changed.")
    when: str = Field(
        description="What was changed around the row: 'other rows were left out', 'the order was reversed', ..."
    )
    rows: int = Field(ge=0, description="Rows whose value changed.")
    example_rows: tuple[int, ...] = Field(default=(), description="A few of them, by row number in the source.")
    line: int | None = Field(default=None, description="Line of features.py that names the column, where one does.")


class Touched(Record):
    """Something outside its rows that the code reached for."""

    what: Literal["read", "wrote", "connected", "started"] = Field(description="What it did, or tried to do.")
    where: str = Field(description="Path, address or program.")
    guarded: bool = Field(
        default=False, description="Whether rows lie there: the project's data, the source, the vault."
    )
    file: str = Field(default="", description="File of the project whose code did it.")
    line: int | None = Field(default=None, description="Line of that file.")


class CandidateFault(Record):
    """What is wrong with a pipeline of candidates.py."""

    name: str = Field(description="Name of the candidate.")
    fault: str = Field(description="What was seen.")
    forbids: bool = Field(default=True, description="Whether its scores cannot be believed.")


class CodeTrial(Record):
    """The project's code on a sample of development rows."""

    rows: int = Field(ge=0, description="Rows that it was tried on.")
    seconds: Seconds = Field(description="Wall time of the trial.")
    failure: str = Field(default="", description="Why the code could not be tried to the end; empty if it could.")
    ways: tuple[str, ...] = Field(default=(), description="Ways in which rows were put before the feature code.")
    moved: tuple[MovedColumn, ...] = Field(default=(), description="Features that did not stay the same.")
    touched: tuple[Touched, ...] = Field(default=(), description="What it reached for outside its rows.")
    candidates: tuple[str, ...] = Field(default=(), description="Candidates that were fitted.")
    faults: tuple[CandidateFault, ...] = Field(default=(), description="What is wrong with candidates.")
