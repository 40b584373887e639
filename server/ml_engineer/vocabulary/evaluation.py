"""What a look at the held-out rows gave."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ml_engineer.vocabulary.estimates import Estimate, Metric, MetricEstimate
from ml_engineer.vocabulary.fairness import FairnessAssessment, MitigationTrial
from ml_engineer.vocabulary.forecasting import StepScore
from ml_engineer.vocabulary.records import Record, StoredRecord
from ml_engineer.vocabulary.structure import StructureEvidence

__all__ = [
    "ChampionComparison",
    "ConfusionMatrix",
    "EvaluationReport",
    "GroupResult",
    "HonestScore",
    "Importance",
    "LabelResult",
    "Plot",
    "WordInfluence",
    "WorstRow",
]


class ConfusionMatrix(Record):
    """Counts of actual (rows) against predicted (columns) classes."""

    labels: tuple[str, ...] = Field(description="Class labels, in row and column order.")
    counts: tuple[tuple[int, ...], ...] = Field(description="Counts, one inner list per actual class.")


class GroupResult(Record):
    """One metric for the rows of one value of one sensitive column."""

    column: str = Field(description="Sensitive column.")
    group: str = Field(description="Its value, or its range for numbers.")
    rows: int = Field(ge=0, description="Held-out rows in the group.")
    metric: str = Field(description="What was measured: a metric, or 'selection_rate'.")
    estimate: Estimate | None = Field(description="The group's value; null if there are too few rows.")
    note: str = Field(default="", description="Why there is no value, or what to bear in mind.")


class LabelResult(Record):
    """One label of several that a row may have, on held-out rows."""

    label: str = Field(description="The label.")
    rows: int = Field(ge=0, description="Held-out rows that have it.")
    chosen_rows: int = Field(ge=0, description="Held-out rows that it was chosen for.")
    share: float = Field(
        ge=0, le=1, description="Share of rows that have it: the average precision of knowing nothing."
    )
    average_precision: Estimate | None = Field(
        description="How pure the rows ranked first for it are; null if undefined."
    )
    roc_auc: Estimate | None = Field(
        description="How well rows with it are ranked before rows without; null if undefined."
    )
    precision: Estimate | None = Field(description="Of rows it was chosen for, the share that have it; null if none.")
    recall: Estimate | None = Field(description="Of rows that have it, the share it was chosen for; null if none.")


class Importance(Record):
    """How much the score falls when a feature is shuffled, on out-of-fold rows."""

    feature: str = Field(description="Column of the raw data.")
    drop: Estimate = Field(description="Loss of primary metric; positive means that the model needs the feature.")


class WordInfluence(Record):
    """What a word in a text does to the prediction, on out-of-fold rows."""

    column: str = Field(description="Column of text.")
    word: str = Field(description="The word, in small letters.")
    label: str = Field(default="", description="Class whose probability is meant; empty for numbers.")
    change: Estimate = Field(
        description="Prediction with the word minus prediction without it, mean over texts that hold it."
    )


class WorstRow(Record):
    """A development row that the model got badly wrong, out of fold."""

    row: int = Field(ge=0, description="Row number in the source, from 0.")
    actual: str = Field(description="Actual value or class.")
    predicted: str = Field(description="Predicted value or class.")
    error: float = Field(
        description="Absolute error, one minus the probability given to the actual class, or (rankings) gain lost."
    )


class Plot(Record):
    """A picture on disk."""

    name: str = Field(description="What it shows.")
    path: str = Field(description="SVG file, relative to the project.")


class HonestScore(Record):
    """What a score is worth after so much was tried: the best one, and the same without the luck of the choice."""

    best: Estimate = Field(description="The champion's cross-validated score, as the choice was made by it.")
    corrected: Estimate | None = Field(
        default=None, description="What to expect of it, corrected for having been chosen; null if it is not known."
    )
    note: str = Field(default="", description="Why there is no corrected score, or what it leaves out.")
    compared: int = Field(default=0, ge=0, description="Candidates that the correction knows the predictions of.")
    tried: int = Field(ge=0, description="Candidates tried on these development rows, in all runs.")
    runs: int = Field(ge=0, description="Training runs on these development rows.")
    looks_before: int = Field(ge=0, description="Models that the held-out rows had judged before this one.")
    look_budget: int = Field(ge=1, description="Looks after which a score on these rows certifies nothing more.")


class ChampionComparison(Record):
    """The model beside an earlier one, on the same held-out rows."""

    model_sha256: str = Field(description="Hash of the earlier model.")
    promoted: bool = Field(description="Whether it is the promoted champion; otherwise the one looked at last.")
    metric: Metric = Field(description="What both were judged by.")
    gain: Estimate = Field(description="This model against the earlier one, paired by row; positive is better.")
    verdict: Literal["better", "no_evidence", "worse"] = Field(description="By the interval of the gain.")


class EvaluationReport(StoredRecord):
    """One look at the held-out rows, with what out-of-fold predictions add."""

    kind: ClassVar[str] = "evaluation"

    run_id: str = Field(description="The training run that was evaluated.")
    deal_id: str = Field(description="The deal whose held-out rows were opened.")
    model_sha256: str = Field(description="Hash of the model that was evaluated.")
    evaluated_at: str = Field(description="Time, ISO 8601 UTC.")
    look: int = Field(ge=1, description="How many looks these rows have had, this one included.")
    repeated: bool = Field(
        default=False, description="Whether the stored answer was given again, which is no new look."
    )
    held_out_rows: int = Field(ge=0, description="Rows that were scored.")
    primary_metric: Metric = Field(description="The number that decides.")
    metrics: tuple[MetricEstimate, ...] = Field(description="Held-out metrics; the primary one first.")
    cross_validated: Estimate = Field(description="The champion's cross-validated primary metric, for comparison.")
    honest: HonestScore | None = Field(default=None, description="What the choice among many costs.")
    against_champion: ChampionComparison | None = Field(
        default=None, description="Against the promoted champion or the model looked at last; null if there is none."
    )
    verdict: Literal["better_than_baseline", "no_evidence", "worse_than_baseline"] = Field(
        description="By the interval of the paired difference in the primary metric."
    )
    confusion: ConfusionMatrix | None = Field(default=None, description="For classification.")
    labels: tuple[LabelResult, ...] = Field(
        default=(), description="Each label for itself, the most frequent first; multilabel."
    )
    decision_threshold: float | None = Field(default=None, description="Threshold in force; binary and multilabel.")
    interval_coverage: Estimate | None = Field(
        default=None,
        description="Share of held-out rows inside their 90 % prediction interval, or at or below a predicted quantile; regression.",
    )
    groups: tuple[GroupResult, ...] = Field(default=(), description="Metrics per sensitive group.")
    fairness: FairnessAssessment | None = Field(
        default=None, description="Groups compared on held-out rows; null if no sensitive column is named."
    )
    mitigations: tuple[MitigationTrial, ...] = Field(
        default=(), description="Where out-of-fold predictions show a disparity: ways to lessen it, with their price."
    )
    importances: tuple[Importance, ...] = Field(default=(), description="From out-of-fold rows, most needed first.")
    words: tuple[WordInfluence, ...] = Field(
        default=(),
        description="Words of running text that move the prediction, strongest first; from out-of-fold rows.",
    )
    worst_rows: tuple[WorstRow, ...] = Field(default=(), description="From out-of-fold rows, worst first.")
    structure: StructureEvidence | None = Field(
        default=None, description="What the held-out rows show of themselves; clustering and anomaly detection."
    )
    steps: tuple[StepScore, ...] = Field(
        default=(), description="The primary metric by step of the horizon; forecasting."
    )
    plots: tuple[Plot, ...] = Field(default=(), description="Pictures on disk.")
    warnings: tuple[str, ...] = Field(default=(), description="What a person should know, one sentence each.")

    @property
    def primary(self) -> MetricEstimate:
        """The primary metric's result."""
        return self.metrics[0]
