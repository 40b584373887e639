"""Feature ideas that were judged, and the verdicts: no idea is tried twice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ml_engineer.vocabulary.chained import ChainedEntry
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.records import Seconds

__all__ = ["FeatureIdea", "IdeaVerdict"]

IdeaVerdict = Literal["kept", "helps nobody", "harms"]
"""Whether models learn better with the features of an idea than with those that were accepted before."""


class FeatureIdea(ChainedEntry):
    """One idea about features and its verdict; one line of the hash-chained log of ideas."""

    name: str = Field(description="What the idea is called, or why it was had.")
    verdict: IdeaVerdict = Field(description="'kept' only if it gains over the accepted features and over its twins.")
    reason: str = Field(description="Why, in a sentence or two.")
    run_id: str = Field(description="Name of the trial in the tally.")
    deal_id: str = Field(description="The deal whose development rows it was judged on.")
    development_sha256: str = Field(description="Fingerprint of these rows.")
    features_sha256: str = Field(description="Hash of features.py as it was judged.")
    columns_sha256: str = Field(
        description="Hash of the columns it gave; another text with the same ones is no new idea."
    )
    accepted_sha256: str = Field(description="Hash of the feature code it was held against.")
    changed: tuple[str, ...] = Field(description="Columns that are new or have other values.")
    removed: tuple[str, ...] = Field(description="Columns that are gone.")
    metric: Metric = Field(description="What decides.")
    gain: Estimate = Field(description="Over the accepted features, paired; positive is better.")
    over_twins: Estimate | None = Field(
        default=None, description="Over the same columns with their rows shuffled; null if no column changed."
    )
    number: int = Field(ge=1, description="How many ideas had been tried in the project, this one included.")
    kept_before: int = Field(ge=0, description="How many of them had been kept before.")
    error_allowed: float = Field(
        gt=0, lt=0.5, description="Probability of keeping it if it is worth nothing; falls with the number of ideas."
    )
    models: tuple[str, ...] = Field(description="Candidates that judged it, averaged by what they do on other folds.")
    folds: int = Field(ge=1, description="Folds it was judged on.")
    rows: int = Field(ge=1, description="Rows that were predicted.")
    seconds: Seconds = Field(description="Wall time.")
    seed: int = Field(description="Random state.")
