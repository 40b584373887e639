"""The problem as a document: what is predicted, from what, when, and how success is judged."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.fairness import FairnessUse
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.records import Fraction, Record, StoredRecord

__all__ = [
    "FORMS",
    "JUDGED_BY_NAME",
    "WITHOUT_TARGET",
    "Availability",
    "BaselineSummary",
    "ColumnRole",
    "Costs",
    "OutcomeForm",
    "ProblemColumn",
    "ProblemDefinition",
    "Question",
    "SignalTest",
    "SplitDefinition",
    "SplitStrategy",
    "TaskType",
]

TaskType = Literal[
    "binary",
    "multiclass",
    "regression",
    "multilabel",
    "ordinal",
    "ranking",
    "forecasting",
    "text_classification",
    "anomaly_detection",
    "clustering",
    "survival",
]
OutcomeForm = Literal["binary", "multiclass", "multilabel", "regression"]
"""How an outcome looks, whatever the task is called: one of two labels, one of several, a set of labels, or a number."""
FORMS: frozenset[OutcomeForm] = frozenset({"binary", "multiclass", "multilabel", "regression"})

WITHOUT_TARGET: frozenset[TaskType] = frozenset({"anomaly_detection", "clustering"})
"""Task types that look at rows as they are: there is nothing to predict, and no target is learned from."""

JUDGED_BY_NAME: frozenset[TaskType] = frozenset({"ranking", "ordinal", "survival", *WITHOUT_TARGET})
"""Tasks with metrics and answers of their own; all others are judged as their outcomes look."""

ColumnRole = Literal[
    "target",
    "numeric",
    "categorical",
    "ordinal",
    "text",
    "datetime",
    "identifier",
    "group",
    "constant",
    "weight",
    "ignored",
]
Availability = Literal["at_prediction", "after_the_fact", "unsure"]
"""Whether a column's value is known when the prediction is made."""
SplitStrategy = Literal["stratified", "random", "grouped", "time", "own_test_file"]


class ProblemColumn(Record):
    """One column and its part in the problem."""

    name: str = Field(description="Column name, exactly as in the data.")
    role: ColumnRole = Field(description="Its part in the problem.")
    used: bool = Field(description="Whether the model may see it.")
    sensitive: bool = Field(default=False, description="Whether it names a protected attribute or a close stand-in.")
    availability: Availability = Field(
        default="at_prediction", description="Whether its value is known at the prediction moment."
    )
    reason: str = Field(description="Why this role, availability and use were chosen.")
    decided_by: Literal["inferred", "person"] = Field(default="inferred", description="Who decided.")


class Costs(Record):
    """What errors cost, in any one unit. For binary tasks; a correct answer costs nothing."""

    false_positive: float = Field(ge=0, description="Cost of calling a negative row positive.")
    false_negative: float = Field(ge=0, description="Cost of calling a positive row negative.")


class SplitDefinition(Record):
    """How rows are dealt into held-out, development and folds."""

    strategy: SplitStrategy = Field(description="Rule by which held-out rows are dealt.")
    group_columns: tuple[str, ...] = Field(
        default=(), description="Columns that together name a group, whose rows stay on one side."
    )
    time_column: str | None = Field(
        default=None, description="Column that orders rows in time; later rows are held out."
    )
    held_out_fraction: Fraction = Field(description="Share of rows to seal.")
    folds: int = Field(ge=2, description="Number of cross-validation folds over development rows.")
    repeats: int = Field(
        default=1,
        ge=1,
        le=10,
        description="How often development rows are cut into folds, each time otherwise; candidates are compared on all. More than once where rows are few.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the deal and of the folds.")
    reason: str = Field(description="Why this strategy.")


class BaselineSummary(Record):
    """The naive rule every model is compared with."""

    rule: str = Field(description="The rule in words, e.g. 'always predicts the class shares'.")
    metric: Metric = Field(description="The primary metric.")
    score: Estimate = Field(description="Its cross-validated score on development rows.")


class SignalTest(Record):
    """Is there anything to learn? A quick model against the baseline, on development rows."""

    verdict: Literal["learnable", "not_above_baseline", "unsure"] = Field(
        description="'learnable' if the whole interval of the gain is better than the baseline."
    )
    gain: Estimate = Field(
        description="Improvement of a quick model over the baseline in the primary metric; positive is better."
    )
    explanation: str = Field(description="The verdict in a sentence.")


class Question(Record):
    """A question only the person can answer, asked because the answer changes validity."""

    id: Literal["target", "prediction_moment", "groups", "time", "costs", "horizon", "known_in_advance"] = Field(
        description="What is asked about."
    )
    text: str = Field(description="The question.")
    assumption: str = Field(description="What is assumed until it is answered.")
    argument: str = Field(description="How to answer: the argument of frame_problem to pass.")


class ProblemDefinition(StoredRecord):
    """The ML problem definition: PROBLEM.md for people, problem.yaml for machines."""

    kind: ClassVar[str] = "problem"

    title: str = Field(description="Short name of the problem.")
    business_goal: str = Field(description="What the prediction is for, in the person's words or as assumed.")
    goal_given: bool = Field(description="Whether the person stated the goal.")
    task_type: TaskType = Field(description="Kind of learning task.")
    task_reason: str = Field(description="Why this task type.")
    target: str = Field(
        default="",
        description="Name of the column to predict. Empty for clustering; for anomaly detection empty, or the column of "
        "known anomalies, which is never learned from and only judges.",
    )
    classes: tuple[str, ...] = Field(
        default=(),
        description="Class labels as text, in sorted order, or from lowest to highest if they are levels; the labels that a row may have, if it may have several; empty for regression.",
    )
    positive_class: str | None = Field(default=None, description="The class that 'positive' means, for binary tasks.")
    clusters: int | None = Field(
        default=None, ge=2, le=50, description="Number of groups that the person asked for; clustering."
    )
    expected_fraction: float | None = Field(
        default=None, gt=0, lt=0.5, description="Share of rows that are to be flagged; anomaly detection."
    )
    unit: str | None = Field(default=None, description="Unit of a regression target, if known.")
    counts: bool = Field(
        default=False, description="Whether a number counts things: it is then never predicted below zero."
    )
    quantile: Fraction | None = Field(
        default=None,
        description="Share of outcomes that should lie at or below the prediction, where a quantile is predicted; empty for an expected value.",
    )
    event_column: str | None = Field(
        default=None,
        description="Survival: the column that told whether the event happened. It is in the target now: a negative time is that of a row that was followed so long without the event.",
    )
    label_columns: tuple[str, ...] = Field(
        default=(),
        description="Multilabel: the columns of 0 and 1 that the target was put together from; empty if it was one column.",
    )
    label_rows: tuple[int, ...] = Field(
        default=(),
        description="Multilabel: development rows that have each of the labels in `classes`, when it was framed.",
    )
    horizons: tuple[float, ...] = Field(
        default=(),
        description="Survival: times at which predictions tell the chance of no event yet; by default the quarters of the event times.",
    )
    primary_metric: Metric = Field(description="The number that decides.")
    metric_reason: str = Field(description="Why this metric.")
    target_score: float | None = Field(
        default=None, description="Score that would be good enough, if the person named one."
    )
    prediction_moment: str = Field(description="When, in the life of a row, the prediction is made.")
    prediction_moment_given: bool = Field(description="Whether the person stated the prediction moment.")
    columns: tuple[ProblemColumn, ...] = Field(description="Every column of the table with its part.")
    split: SplitDefinition = Field(description="How rows are dealt.")
    forecast: ForecastPlan | None = Field(
        default=None, description="Grid of time, horizon and covariates; forecasting alone."
    )
    costs: Costs | None = Field(default=None, description="What errors cost, if the person said.")
    fairness_tolerance: Fraction = Field(
        default=0.1,
        description="Largest difference between two groups of people that is tolerated: in rates as such, in errors of numbers relative to the mean absolute error of all rows.",
    )
    fairness_use: FairnessUse | None = Field(
        default=None,
        description="What a positive answer means to the person it is about: 'allocation' of something wanted (who is missed counts), an 'alarm' that harms (who is wrongly called counts), 'scores' that are read as they are (calibration counts); empty leaves it to the costs.",
    )
    look_budget: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="How many models the held-out rows may judge. From 5 on there is a warning; one beyond the budget may not be deployed, for its score may owe too much to choice.",
    )
    baseline: BaselineSummary = Field(description="The naive baseline.")
    signal: SignalTest = Field(description="Is there anything to learn?")
    worth_building: bool = Field(description="False if nothing above the baseline was found.")
    risks: tuple[str, ...] = Field(
        default=(), description="What could make the model wrong or harmful, one sentence each."
    )
    assumptions: tuple[str, ...] = Field(
        default=(), description="What was assumed without being told, one sentence each."
    )
    questions: tuple[Question, ...] = Field(default=(), max_length=4, description="Open questions, at most four.")
    deal_id: str = Field(description="The deal of rows that this problem lives on.")
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="What the person told frame_problem; kept when it is called again, unless told anew or removed here.",
    )

    @property
    def learns_target(self) -> bool:
        """Whether there is a column that models learn to predict."""
        return self.task_type not in WITHOUT_TARGET

    @property
    def form(self) -> OutcomeForm:
        """How an outcome looks: what rooms that care for outcomes, and not for what they are called, go by."""
        if not self.classes:
            return "regression"
        if self.task_type == "multilabel":
            return "multilabel"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def judged_as(self) -> TaskType:
        """The kind of task whose metrics and answers apply, in the project's own code too."""
        return self.task_type if self.task_type in JUDGED_BY_NAME else self.form

    @property
    def named(self) -> TaskType | None:
        """What the task is judged as, where that is not how its outcomes look."""
        return None if self.judged_as == self.form else self.judged_as

    @property
    def features(self) -> tuple[ProblemColumn, ...]:
        """The columns that the model may see, in table order."""
        return tuple(column for column in self.columns if column.used)

    @property
    def weight_column(self) -> str | None:
        """The column that a person called the weight of its row; one that only looks like it counts for nothing."""
        told = (column.name for column in self.columns if column.role == "weight" and column.decided_by == "person")
        return next(told, None)

    @property
    def sensitive_columns(self) -> tuple[str, ...]:
        """Names of the columns marked sensitive."""
        return tuple(column.name for column in self.columns if column.sensitive)

    def column(self, name: str) -> ProblemColumn:
        """The column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
