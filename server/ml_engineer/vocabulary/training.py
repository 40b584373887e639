"""One training run: what was tried, what it scored, and which model won."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.records import Record, Seconds, StoredRecord
from ml_engineer.vocabulary.spread import FeatureSpread
from ml_engineer.vocabulary.structure import StructureEvidence
from ml_engineer.vocabulary.survival import SurvivalCurve

__all__ = [
    "EXPLAINED_BY",
    "BeyondSample",
    "CandidateResult",
    "Champion",
    "Environment",
    "Family",
    "Leaderboard",
    "PredictionInterval",
    "TextModel",
    "TrainingRun",
]

Family = Literal[
    "baseline",
    "linear",
    "kernel",
    "neighbours",
    "forest",
    "boosting",
    "network",
    "smoothing",
    "user",
    "ensemble",
    "centres",
    "density",
    "hierarchy",
]
"""Kinds of model."""

EXPLAINED_BY: dict[Family, str] = {
    "baseline": "in full: the same answer for every row",
    "linear": "in full: a row's parts, a weight each, add up",
    "kernel": "from outside: what changes when a feature does",
    "neighbours": "by example: the rows most like it",
    "forest": "in parts: many trees, exact contributions by SHAP",
    "boosting": "in parts: many trees, exact contributions by SHAP",
    "network": "from outside: what changes when a feature does",
    "smoothing": "in full: level, trend and season of each series, which move slowly",
    "user": "depends on the pipeline in candidates.py",
    "ensemble": "part by part, as each of its models is",
    "centres": "in full: the distances to the centres",
    "density": "from outside: what changes when a feature does",
    "hierarchy": "by example: the rows most like it",
}
"""How far a prediction of such a model can be explained."""


class CandidateResult(Record):
    """One candidate model on the planned folds."""

    name: str = Field(description="Name of the candidate.")
    family: Family = Field(description="Kind of model; 'user' comes from candidates.py.")
    status: Literal["finished", "dropped", "failed", "out_of_time"] = Field(
        description="What became of it; 'dropped' after a cheap first try."
    )
    fold_scores: tuple[float, ...] = Field(
        default=(), description="Primary metric on each finished fold, in fold order."
    )
    score: Estimate | None = Field(default=None, description="Primary metric over all out-of-fold predictions.")
    score_std: float | None = Field(default=None, ge=0, description="Standard deviation of the fold scores.")
    fit_seconds: Seconds = Field(default=0.0, description="Time spent on fitting, all folds together.")
    predict_milliseconds_per_row: float | None = Field(
        default=None, ge=0, description="Prediction time per row, in batches; preparing the row is not counted."
    )
    model_megabytes: float | None = Field(
        default=None, ge=0, description="Size of the model of one fold when stored, without what prepares its rows."
    )
    explained_by: str = Field(default="", description="How far its predictions can be explained.")
    parameters: dict[str, str] = Field(
        default_factory=dict, description="Parameters that differ from their defaults, as text."
    )
    reason: str = Field(default="", description="Why it failed, was dropped or ran out of time; empty if it finished.")
    decisions: tuple[str, ...] = Field(default=(), description="What the search decided about it, in order.")
    mitigates: str = Field(
        default="",
        description="Sensitive column whose groups its rows were weighted for; it is priced, and was not to be chosen.",
    )


class Leaderboard(Record):
    """Every candidate that was tried, best first; failures last, never left out."""

    metric: Metric = Field(description="The metric candidates are ordered by.")
    candidates: tuple[CandidateResult, ...] = Field(description="Best first.")


class PredictionInterval(Record):
    """How wide a prediction interval is around a prediction; conformal, from out-of-fold errors."""

    level: float = Field(gt=0, lt=1, description="Share of outcomes that it is to hold.")
    at: tuple[float, ...] = Field(min_length=1, description="Predictions at which the widths are known, rising.")
    below: tuple[float, ...] = Field(description="Width below each, in the target's unit; straight lines in between.")
    above: tuple[float, ...] = Field(description="Width above each.")
    least: float | None = Field(
        default=None, description="What no interval reaches below: 0 for a target that is never negative."
    )
    spread: FeatureSpread | None = Field(
        default=None,
        description="How many times these widths an interval is for a row's features; none where they were not worth it.",
    )
    coverage: Estimate | None = Field(
        default=None,
        description="Share of development rows that lie in the interval which the other folds alone would give them.",
    )
    mean_width: float = Field(ge=0, description="Mean width over the out-of-fold predictions, in the target's unit.")
    constant_width: float = Field(
        ge=0, description="Width that one width for all rows would need, for comparison, in the target's unit."
    )


class Champion(Record):
    """The model that won, and the files that prove it."""

    name: str = Field(description="Name of the winning candidate.")
    family: Family = Field(description="Kind of model.")
    score: Estimate = Field(description="Cross-validated score of exactly what champion.py builds.")
    model_path: str = Field(description="Model file, relative to the project.")
    model_sha256: str = Field(description="Hash of the model file.")
    model_megabytes: float | None = Field(default=None, ge=0, description="Size of the model file.")
    model_format: Literal["skops", "pickle", "json"] = Field(
        description="'skops' and 'json' are safe to load after their hash is checked; 'pickle' runs code when loaded."
    )
    code_path: str = Field(description="champion.py, relative to the project.")
    code_sha256: str = Field(description="Hash of champion.py.")
    features_sha256: str = Field(description="Hash of features.py, whose output the model takes.")
    decision_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Probability from which the positive class is predicted, or a label is chosen; binary and multilabel tasks.",
    )
    threshold_reason: str = Field(default="", description="How the threshold was chosen.")
    learned_rows: int | None = Field(
        default=None,
        ge=1,
        description="Development rows that it learned from, drawn by chance, where the time had no room for all of them.",
    )
    calibration: Literal["none", "temperature", "sigmoid", "isotonic"] = Field(
        default="none", description="What its probabilities are mended by, as its last step; classification tasks."
    )
    flag_threshold: float | None = Field(
        default=None, description="Anomaly score from which a row is flagged; anomaly detection."
    )
    interval: PredictionInterval | None = Field(
        default=None, description="How wide a prediction interval is; regression tasks with rows enough."
    )
    survival: SurvivalCurve | None = Field(
        default=None, description="What its scores mean in time, found on out-of-fold scores; survival tasks."
    )


class Environment(Record):
    """What the run was made with."""

    python: str = Field(description="Python version.")
    platform: str = Field(description="Operating system and machine.")
    cores: int = Field(ge=1, description="Processor cores available.")
    packages: dict[str, str] = Field(description="Version of each package that matters to the result.")


class TextModel(Record):
    """A static embedding model of running text, as a training was given it."""

    path: str = Field(description="The project's copy, relative to the project.")
    sha256: str = Field(description="Hash of the files that decide what a text's vector is.")


class FoundationModel(Record):
    """Weights of a tabular foundation model, as a training was given them."""

    path: str = Field(description="The project's copy, relative to the project.")
    sha256: str = Field(description="Hash of the file.")


class BeyondSample(Record):
    """What the champion learned from rows beyond the sample of a table that is larger than the memory."""

    sample_fraction: float = Field(gt=0, le=1, description="Share of the rows that is in the sample.")
    source_rows: int = Field(ge=0, description="Rows of the whole table.")
    sampled_rows: int = Field(ge=0, description="Development rows of the sample: the search rests on them.")
    further_rows: int = Field(
        default=0, ge=0, description="Development rows beyond the sample that the champion learned from too."
    )
    held_rows: int = Field(
        default=0,
        ge=0,
        description="Rows beyond the sample that were met and lie on the held-out side: never learned from.",
    )
    parts: tuple[str, ...] = Field(default=(), description="Models of the champion that learned from further rows.")
    grown_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the rounds of the sample's model that there was time to grow; a higher learning rate makes up for "
        "those that are missing, as far as it may.",
    )
    checked_rows: int = Field(
        default=0, ge=0, description="Further development rows set apart, by which both models were compared."
    )
    sample_score: float | None = Field(
        default=None, description="Primary metric there of the champion fitted on the sample alone."
    )
    further_score: float | None = Field(default=None, description="The same of the champion that learned from all.")
    gain: Estimate | None = Field(default=None, description="What it gains there, paired; positive is better.")
    seconds: Seconds = Field(default=0.0, description="Wall time that it took.")
    reason: str = Field(default="", description="Why there are no further rows in it; empty if there are.")

    @property
    def told(self) -> str:
        """All of it for a person, in one paragraph."""
        start = (
            f"The search and the score rest on a sample, about {self.sample_fraction:.1%} of the {self.source_rows:,} rows, "
            "because the whole table is larger than the memory"
        )
        if not self.further_rows:
            return f"{start}; the champion was fitted on sampled rows alone, {self.reason}."
        told = (
            f"{start}; {', '.join(self.parts)} then learned from {self.sampled_rows + self.further_rows:,} development rows, "
            f"{self.further_rows:,} of them beyond the sample, out of core in {self.seconds:.0f} s"
        )
        if self.grown_share < 1:
            told += f", with {self.grown_share:.0%} of the rounds and longer steps, because there was no time for more"
        if self.gain is not None and self.sample_score is not None and self.further_score is not None:
            told += (
                f". On {self.checked_rows:,} further rows that neither learned from: {self.further_score:.5g} instead of "
                f"{self.sample_score:.5g} (gain {self.gain})"
            )
        return f"{told}."


class TrainingRun(StoredRecord):
    """One call of `train`."""

    kind: ClassVar[str] = "training"

    run_id: str = Field(description="Name of the run.")
    mlflow_run_id: str = Field(description="Run in the project's MLflow store.")
    started_at: str = Field(description="Time, ISO 8601 UTC.")
    seconds: Seconds = Field(description="Wall time of the run.")
    budget_seconds: Seconds = Field(description="Time it was allowed.")
    budget_evaluations: int | None = Field(
        default=None, description="Fits it was allowed instead, so that the same model comes twice."
    )
    seed: int = Field(description="Random state.")
    development_sha256: str = Field(description="Fingerprint of the development rows.")
    leaderboard: Leaderboard = Field(description="What was tried.")
    baseline: CandidateResult = Field(description="The naive baseline on the same folds.")
    champion: Champion = Field(description="What won.")
    folds: tuple[int, ...] = Field(
        default=(), description="Numbers of the stored folds that candidates were compared on; empty means all."
    )
    decisions: tuple[str, ...] = Field(default=(), description="What the search decided as a whole, in order.")
    stopped_early: bool = Field(
        default=False, description="Whether somebody asked for the best so far before the budget was out."
    )
    gain: Estimate = Field(
        description="Champion against baseline in the primary metric, paired on the same rows; positive is better."
    )
    out_of_fold_path: str = Field(description="Out-of-fold predictions of the champion, relative to the project.")
    feature_columns: tuple[str, ...] = Field(description="Columns that features.py gave.")
    environment: Environment = Field(description="What it was made with.")
    asked: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="Arguments of the call without the project's folder: what a replay asks again.",
    )
    code: dict[str, str] = Field(
        default_factory=dict,
        description="Hash of each text that the run rests on, by file name; kept under experiments/code.",
    )
    text_model: TextModel | None = Field(
        default=None,
        description="The text model that candidates could use; none if none was given, or no column is text.",
    )
    foundation_model: FoundationModel | None = Field(
        default=None, description="The foundation model that was a candidate; none if none was given."
    )
    beyond_sample: BeyondSample | None = Field(
        default=None, description="What was learned beyond the sample; none unless the table is larger than the memory."
    )
    structure: StructureEvidence | None = Field(
        default=None, description="What the development rows show of themselves; clustering and anomaly detection."
    )
    warnings: tuple[str, ...] = Field(default=(), description="What a person should know, one sentence each.")
