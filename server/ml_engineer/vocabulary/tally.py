"""How much was tried in a project, over all its training runs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.records import Record, StoredRecord

__all__ = ["Tally", "TallyRun"]


class TallyRun(Record):
    """What one call of `train` tried."""

    run_id: str = Field(description="Name of the run.")
    at: str = Field(description="When it began, ISO 8601 UTC.")
    deal_id: str = Field(description="The deal whose development rows it learned from.")
    development_sha256: str = Field(description="Fingerprint of these rows.")
    metric: Metric = Field(description="What candidates were ordered by.")
    finished: int = Field(default=0, ge=0, description="Candidates that were given all folds.")
    failed: int = Field(default=0, ge=0, description="Candidates that failed.")
    unfinished: int = Field(
        default=0, ge=0, description="Candidates that were not given all folds: dropped early, or out of time."
    )
    ended: bool = Field(default=True, description="False while the run is at work, and for a run that was killed.")

    @property
    def candidates(self) -> int:
        """Candidates that were tried, whatever became of them."""
        return self.finished + self.failed + self.unfinished


class Tally(StoredRecord):
    """Every run of a project; runs are added, never removed."""

    kind: ClassVar[str] = "tally"

    runs: tuple[TallyRun, ...] = Field(default=(), description="Oldest first.")

    @property
    def candidates(self) -> int:
        """Candidates tried in all runs."""
        return sum(run.candidates for run in self.runs)

    def of_rows(self, development_sha256: str) -> Tally:
        """The runs that learned from these development rows."""
        mine = tuple(run for run in self.runs if run.development_sha256 == development_sha256)
        return self.model_copy(update={"runs": mine})
