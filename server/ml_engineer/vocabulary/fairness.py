"""What a comparison of groups of people found: counts, intervals and one of four verdicts, none of which is 'fair'."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.records import Fraction, Record

__all__ = [
    "FairnessAssessment",
    "FairnessMeasure",
    "FairnessUse",
    "FairnessVerdict",
    "FourFifths",
    "GroupCell",
    "GroupComparison",
    "Mitigation",
    "MitigationTrial",
]

FairnessUse = Literal["allocation", "alarm", "scores"]
"""What a positive answer means to the person it is about: something wanted, something that harms, or a number read as it is."""

FairnessVerdict = Literal["disparity shown", "within the tolerance you set", "not enough data", "not assessed"]

Mitigation = Literal["threshold per group", "reweighting", "constrained training"]

FairnessMeasure = Literal[
    "selection_rate",
    "recall",
    "false_positive_rate",
    "precision",
    "calibration",
    "accuracy",
    "mae",
    "mean_error",
]
"""What is compared; definitions as in fairlearn and scikit-learn. `calibration` is the observed share of positives minus
the mean predicted probability, `mean_error` the mean of predicted minus actual."""


class GroupCell(Record):
    """One group under one measure."""

    group: str = Field(description="Name of the group; values of two columns are joined by ' & '.")
    rows: int = Field(ge=0, description="Rows of the group.")
    counted: int = Field(ge=0, description="Rows in the denominator of the measure, e.g. the group's positives.")
    estimate: Estimate | None = Field(default=None, description="Value with its interval; null if too few rows count.")
    shrunk: Estimate | None = Field(
        default=None, description="For shares: the value drawn towards all groups' by a beta-binomial model."
    )
    judged: bool = Field(description="Whether it takes part in the verdict by itself.")
    note: str = Field(default="", description="Why it is not judged by itself, and where its rows went.")


class FourFifths(Record):
    """The four-fifths rule, as information only."""

    ratio: float = Field(ge=0, description="Lowest over highest selection rate of the judged groups.")
    below: bool = Field(description="Whether the ratio lies below 0.8.")
    false_alarm_rate: Fraction = Field(
        description="Share of tables with these group sizes and no disparity that would fall below 0.8 by chance."
    )


class GroupComparison(Record):
    """One measure over the groups of one sensitive column, or of two together."""

    columns: tuple[str, ...] = Field(description="Sensitive column, or the two whose values are crossed.")
    measure: FairnessMeasure = Field(description="What is compared.")
    decides: bool = Field(description="Whether it is the measure that was chosen for this use.")
    verdict: FairnessVerdict = Field(description="Where the interval of the largest difference lies.")
    reason: str = Field(description="The verdict in words, with what stands behind it.")
    cells: tuple[GroupCell, ...] = Field(default=(), description="Every group, largest first; pooled ones too.")
    highest: str | None = Field(default=None, description="Judged group with the highest value.")
    lowest: str | None = Field(default=None, description="Judged group with the lowest value.")
    difference: Estimate | None = Field(
        default=None,
        description="Highest minus lowest (fairlearn's difference between groups), in the unit of the tolerance.",
    )
    expected_by_chance: float | None = Field(
        default=None, description="Mean largest difference if group names were dealt at random, same unit."
    )
    p_value: Fraction | None = Field(
        default=None,
        description="Share of random deals of the group names with a difference at least as large in standard errors.",
    )
    rows_now: int | None = Field(default=None, description="Rows that count in the group that is short of them.")
    rows_needed: int | None = Field(default=None, description="Rows that would settle it if the difference stays.")
    four_fifths: FourFifths | None = Field(default=None, description="For selection rates.")


class FairnessAssessment(Record):
    """Groups compared on one set of rows."""

    basis: Literal["out-of-fold", "held-out"] = Field(description="Which predictions were compared.")
    use: FairnessUse | None = Field(default=None, description="What the answer is used for; binary tasks.")
    use_reason: str = Field(description="Which measure decides, and why.")
    tolerance: Fraction = Field(description="Largest difference that is tolerated.")
    comparisons: tuple[GroupComparison, ...] = Field(
        default=(), description="By column, then by pairs of columns; the deciding measure first."
    )


class MitigationTrial(Record):
    """One way to lessen a disparity, tried on development rows, with what it costs."""

    kind: Mitigation = Field(description="What was tried.")
    column: str = Field(description="Sensitive column.")
    measure: FairnessMeasure = Field(description="Measure whose difference is to shrink.")
    before: Estimate = Field(description="Largest difference between two groups without it, out of fold.")
    after: Estimate | None = Field(default=None, description="The same with it; null if it could not be tried.")
    verdict: FairnessVerdict | None = Field(default=None, description="Of the difference with it.")
    metric: Metric | None = Field(default=None, description="What its price is measured in.")
    metric_before: float | None = Field(default=None, description="That metric without it.")
    price: Estimate | None = Field(
        default=None, description="That metric with it minus without it, paired on the same rows."
    )
    settings: dict[str, float] = Field(
        default_factory=dict, description="Threshold of each group, or weight of each group's rows."
    )
    note: str = Field(default="", description="What to bear in mind, or why it could not be tried.")
