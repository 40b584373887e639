"""How the error of a model follows the features, as numbers that any program can read."""

from __future__ import annotations

from pydantic import Field

from ml_engineer.vocabulary.records import Record

__all__ = ["FeatureSpread", "SpreadTree"]


class SpreadTree(Record):
    """A small regression tree, node by node; the first is its root."""

    column: tuple[int, ...] = Field(description="Place of the column that a node asks about, the prediction being 0.")
    threshold: tuple[float, ...] = Field(
        description="A row goes left if its cell, as a 32-bit number, is at most this."
    )
    left: tuple[int, ...] = Field(description="Node to the left; -1 for a leaf.")
    right: tuple[int, ...] = Field(description="Node to the right; -1 for a leaf.")
    value: tuple[float, ...] = Field(description="What a leaf adds.")


class FeatureSpread(Record):
    """How many times its usual width an interval is, for a row of features: the square of a sum of small trees."""

    numbers: tuple[str, ...] = Field(description="Columns of numbers that are looked at, after the prediction.")
    categories: dict[str, dict[str, float]] = Field(
        description="Columns of categories that are looked at, after those of numbers: a number for each category."
    )
    start: float = Field(description="What the sum begins with.")
    trees: tuple[SpreadTree, ...] = Field(description="What is added for a row.")
    least: float = Field(gt=0, description="The sum is at least this.")
    most: float = Field(gt=0, description="The sum is at most this.")
