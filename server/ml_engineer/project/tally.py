"""Counting what was tried: each training run once, whatever became of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, save_record
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import Tally, TallyRun
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["count_run", "load_tally", "tally_run"]


def load_tally(layout: ProjectLayout) -> Tally:
    """Every run of the project: those that were counted, and those whose folder shows that they took place.

    Raises
    ------
    ProjectStateError
        If the record cannot be read.
    """
    counted = find_record(layout, Tally) or Tally()
    known = {run.run_id for run in counted.runs}
    uncounted = tuple(run for run in _runs_on_disk(layout) if run.run_id not in known)
    return counted.model_copy(update={"runs": tuple(sorted((*counted.runs, *uncounted), key=lambda run: run.at))})


def count_run(layout: ProjectLayout, run: TallyRun) -> Tally:
    """Add a run, or say what became of one that was added when it began; the tally as it is now."""
    before = load_tally(layout)
    others = tuple(known for known in before.runs if known.run_id != run.run_id)
    tally = before.model_copy(update={"runs": tuple(sorted((*others, run), key=lambda each: each.at))})
    save_record(layout, tally)
    return tally


def tally_run(record: TrainingRun, *, deal_id: str) -> TallyRun:
    """A finished run in numbers."""
    became = [candidate.status for candidate in record.leaderboard.candidates]
    finished, failed = became.count("finished"), became.count("failed")
    return TallyRun(
        run_id=record.run_id,
        at=record.started_at,
        deal_id=deal_id,
        development_sha256=record.development_sha256,
        metric=record.leaderboard.metric,
        finished=finished,
        failed=failed,
        unfinished=len(became) - finished - failed,
    )


def _runs_on_disk(layout: ProjectLayout) -> list[TallyRun]:
    """Runs whose folder holds their record."""
    split = find_record(layout, SplitPlan)
    found = []
    for path in sorted(layout.run_dir("x").parent.glob("*/record.json")):
        record = _run_record(path)
        if record is not None:
            same_rows = split is not None and split.development_sha256 == record.development_sha256
            found.append(tally_run(record, deal_id=split.deal_id if split is not None and same_rows else ""))
    return found


def _run_record(path: Path) -> TrainingRun | None:
    try:
        return TrainingRun.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
