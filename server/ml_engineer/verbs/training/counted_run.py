"""A training run from its first moment to what it leaves behind, whatever kind of task it is for."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ml_engineer import tracking
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.tally import count_run, tally_run
from ml_engineer.verbs.passports.known_answers import keep_known_answers
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.verbs.training.champion_files import forget_dead_runs
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import TallyRun
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["counted_run", "leave_proofs"]


@contextmanager
def counted_run(
    layout: ProjectLayout, problem: ProblemDefinition, split: SplitPlan, *, started_at: datetime
) -> Iterator[tuple[str, tracking.TrackedRun]]:
    """Count and track a run; gives its id and what it is tracked by.

    A run that does not end leaves no folder, and stays counted: what is killed was a try too.
    """
    forget_dead_runs(layout)
    run_id = f"run_{started_at:%Y%m%dT%H%M%S}_{secrets.token_hex(2)}"
    begun = TallyRun(
        run_id=run_id,
        at=started_at.isoformat(timespec="seconds"),
        deal_id=split.deal_id,
        development_sha256=split.development_sha256,
        metric=problem.primary_metric,
        ended=False,
    )
    count_run(layout, begun)
    with tracking.start_run(
        layout,
        experiment=problem.title,
        run_id=run_id,
        data_sha256=split.development_sha256,
        data_name="development",
    ) as tracked:
        try:
            yield run_id, tracked
        except BaseException:  # a cancelled or killed run too: its half-written folder would look like a champion's
            shutil.rmtree(layout.run_dir(run_id), ignore_errors=True)
            raise


def leave_proofs(layout: ProjectLayout, record: TrainingRun, split: SplitPlan) -> None:
    """Count the run as ended, keep what its champion answers, and begin the champion's passport."""
    count_run(layout, tally_run(record, deal_id=split.deal_id))
    keep_known_answers(layout)
    update_passport(layout, written_by="train")
