"""SPL010: whether the rows are drawn as they will come when the model is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.split_by_time import time_columns
from ml_engineer.guardrails.wording import percent, quoted

__all__ = ["SPL010"]


class SPL010(SplitCheck):
    """Rows that were not drawn as they will come: chosen by outcome, cut off at a limit, or too young to have an outcome.

    Three traces are looked for. Classes of exactly the same size were balanced on purpose, and predicted probabilities then
    belong to a world of balanced classes. A round number of rows is often the limit of an export, which cut off the rest. And
    where the newest rows hardly ever have the rarer outcome, it may not have had the time to happen.
    """

    title = "Rows drawn as they will come"
    of_single_rows = True
    of_one_answer = True
    export_limits: ClassVar[dict[int, str]] = {
        65_535: "the row limit of old spreadsheets",
        65_536: "the row limit of old spreadsheets",
        1_048_575: "the row limit of spreadsheets",
        1_048_576: "the row limit of spreadsheets",
    }
    round_numbers: ClassVar[frozenset[int]] = frozenset({10_000, 50_000, 100_000, 500_000, 1_000_000})
    fewest_per_class: ClassVar[int] = 300
    """With fewer, two classes may be of one size by chance."""
    newest: ClassVar[float] = 0.05
    before: ClassVar[float] = 0.25
    remaining: ClassVar[float] = 0.5
    surprise: ClassVar[float] = 4.0

    def find(self, evidence: Evidence) -> Answer:
        """Look at class counts, the number of rows, and the outcome of the newest rows."""
        seen = [*self._balanced(evidence), *self._cut_off(evidence), *self._immature(evidence)]
        if not seen:
            return passed("no trace of rows chosen by outcome, cut off at a limit or too young to have an outcome")
        return observed(
            seen,
            remedy="Ask how the rows were drawn. If classes were balanced, probabilities must be corrected to the true share before "
            "use; if rows are cut off, export all; if outcomes are still to come, leave the youngest rows out with "
            'sql="SELECT ... WHERE ..."',
        )

    def _balanced(self, evidence: Evidence) -> Iterator[Observation]:
        if not evidence.target.classes:
            return
        counts = np.bincount(evidence.target.values.astype(int), minlength=evidence.target.classes)
        if counts.min() >= self.fewest_per_class and np.ptp(counts) <= 1:
            text = f"all {len(counts)} classes have {counts.max():,} development rows each, so they were probably balanced on purpose"
            yield Observation("advice", text)

    def _cut_off(self, evidence: Evidence) -> Iterator[Observation]:
        rows = evidence.profile.rows
        if rows in self.export_limits:
            yield Observation("issue", f"the table has exactly {rows:,} rows, {self.export_limits[rows]}")
        elif rows in self.round_numbers:
            yield Observation("advice", f"the table has exactly {rows:,} rows, as if it were cut off or sampled")

    def _immature(self, evidence: Evidence) -> Iterator[Observation]:
        columns = time_columns(evidence)
        if not columns or evidence.target.classes != 2:
            return
        times = evidence.frame[columns[0]]
        order = np.argsort(times.to_numpy(), kind="stable")[: int(times.notna().sum())]
        values = evidence.target.values[order]
        rare = int(values.mean() < 0.5) if len(values) else 1
        happened = (values == rare).astype(float)
        new, old = int(len(order) * self.newest), int(len(order) * self.before)
        if new < 30 or old <= new:
            return
        late, early = happened[-new:], happened[-old:-new]
        error = np.sqrt(early.mean() * (1 - early.mean()) / new) if len(early) else 0.0
        if late.mean() < self.remaining * early.mean() and early.mean() - late.mean() > self.surprise * error > 0:
            label = evidence.labels[rare]
            yield Observation(
                "question",
                f"{percent(float(late.mean()))} of the newest {new:,} rows by {quoted(columns[0])} are {quoted(label)}, "
                f"{percent(float(early.mean()))} of those before them: the outcome may not have had the time to happen",
                (columns[0],),
                tuple(int(row) for row in evidence.frame.index[order[-3:]]),
            )
