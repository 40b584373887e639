"""SPL, continued: whether time was minded where it matters."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from ml_engineer.guardrails.check import ALL_STAGES, Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.target_changes import change_over_time
from ml_engineer.guardrails.wording import quoted
from ml_engineer.vocabulary.guardrails import Stage

__all__ = ["SPL003", "SPL004", "SPL005", "time_columns"]


class SPL003(SplitCheck):
    """In a split by time, a later fold must not hold earlier rows."""

    title = "Folds in order of time"
    needs_target = False
    blocks_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def applies_to(self, evidence: Evidence) -> str:
        """Only for splits by time."""
        definition = evidence.problem.split
        if definition.strategy != "time" or definition.time_column not in evidence.frame.columns:
            return "rows are not dealt by time"
        return super().applies_to(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Compare the first and last time of neighbouring folds."""
        name = str(evidence.problem.split.time_column)
        times = evidence.frame[name].groupby(evidence.folds).agg(["min", "max"]).sort_index()
        overlap = times["max"].shift() > times["min"]
        if not overlap.any():
            return passed(f"each of {len(times)} folds is later than the one before, by {quoted(name)}")
        seen = Observation("forbids", f"{int(overlap.sum())} folds begin before the one before ends", (name,))
        return observed([seen], remedy="Frame again with split='time' and the same time_column")


class SPL004(SplitCheck):
    """A time column, and rows dealt as if time did not matter."""

    title = "Time that was not used"
    of_one_answer = True
    fewest_times: ClassVar[int] = 10

    def find(self, evidence: Evidence) -> Answer:
        """Look for time columns; say how much the target changes along them."""
        if evidence.problem.split.strategy in ("time", "own_test_file"):
            return does_not_apply(f"rows are dealt by {evidence.problem.split.strategy.replace('_', ' ')}")
        columns = [name for name in time_columns(evidence) if evidence.frame[name].nunique() >= self.fewest_times]
        if not columns:
            return passed("the table has no time column")
        name = columns[0]
        change = change_over_time(evidence, name)
        asked = any(question.id == "time" for question in evidence.problem.questions)
        seen = Observation(
            "question" if asked or change.notable else "advice",
            f"rows carry times in {quoted(name)} and are dealt without regard to it; {change.text}",
            (name,),
        )
        return observed(
            [seen],
            remedy="Ask whether predictions are made for rows later than those learned from; if so, frame again with "
            "time_column naming it; if not, with time_column=''",
        )


class SPL005(SplitCheck):
    """A target that changes over time: what was learned early may not hold late.

    The first and the last third of the time are compared, and the moment is looked for at which the target changes most.
    """

    title = "Target that changes over time"
    of_one_answer = True
    fewest_rows: ClassVar[int] = 150

    def find(self, evidence: Evidence) -> Answer:
        """Compare development rows along time."""
        columns = time_columns(evidence)
        if not columns:
            return does_not_apply("the table has no time column")
        if len(evidence.frame) < self.fewest_rows:
            return does_not_apply(f"{len(evidence.frame)} rows are too few to see a change")
        change = change_over_time(evidence, columns[0])
        if not change.notable:
            return passed(change.text)
        if evidence.problem.split.strategy == "time":
            seen = Observation("advice", change.text, (columns[0],))
            remedy = "Ask what changed, and whether it goes on; the held-out rows are the latest and show what it costs the model"
        else:
            seen = Observation("question", change.text, (columns[0],))
            remedy = "Ask what changed; a split by time (time_column) shows what the change costs the model"
        return observed([seen], remedy=remedy)


def time_columns(evidence: Evidence) -> list[str]:
    """Columns of times that are known when the prediction is made, the declared one first."""
    declared = evidence.problem.split.time_column
    found = [
        column.name
        for column in evidence.problem.columns
        if column.name in evidence.frame.columns
        and column.availability == "at_prediction"
        and pd.api.types.is_datetime64_any_dtype(evidence.frame[column.name].dtype)
    ]
    first = [declared] if declared is not None and declared in evidence.frame.columns else []
    return [*first, *(name for name in found if name != declared)]
