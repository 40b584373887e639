"""SPL011: what another way of dealing the rows would have told."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.check import Answer, Observation, does_not_apply, observed, passed
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.split import SplitCheck
from ml_engineer.guardrails.split_by_time import time_columns
from ml_engineer.guardrails.wording import quoted, quoted_list

__all__ = ["SPL011"]

Bools = npt.NDArray[np.bool_]


class SPL011(SplitCheck):
    """The same quick model, scored on rows dealt at random and dealt by group or time.

    Where rows are dealt by group or time, it shows what random cross-validation would have told. Where they are dealt at random
    and the table has keys, times or several files, it shows what stands to be lost, and asks if that is much.
    """

    title = "Random against grouped or timed rows"
    of_single_rows = True
    of_one_answer = True
    cost = "models"
    notable: ClassVar[float] = 0.1
    """Of the way from chance to certainty."""
    fewest_rows: ClassVar[int] = 150
    fewest_groups: ClassVar[int] = 10
    fewest_rows_per_file: ClassVar[int] = 50
    """Of the second largest file."""

    def find(self, evidence: Evidence) -> Answer:
        """Score both ways."""
        if evidence.inputs.shape[1] == 0 or len(evidence.frame) < self.fewest_rows:
            return does_not_apply("too few rows or columns to compare ways of dealing")
        if evidence.problem.split.strategy == "grouped":
            return self._grouped(evidence)
        if evidence.problem.split.strategy == "time":
            gap = self._by_time(evidence, str(evidence.problem.split.time_column))
            return passed(gap[0]) if gap else does_not_apply("early and late rows cannot be scored apart")
        gaps = (self._by_key(evidence), self._by_clock(evidence), self._by_file(evidence))
        found = [gap for gap in gaps if gap is not None]
        if not found:
            return does_not_apply(
                "rows are dealt at random, and the table has neither keys, nor times, nor several files"
            )
        limit = self.notable * (1 - evidence.target.chance)
        seen = [Observation("question", text, (name,) if name else ()) for text, gap, name in found if gap > limit]
        if not seen:
            return passed("; ".join(text for text, _, _ in found))
        return observed(
            seen,
            remedy="Ask whether predictions are made for new things, later times or other files; if so, frame again with "
            "group_columns or time_column naming the column, and believe the lower number",
        )

    @staticmethod
    def _grouped(evidence: Evidence) -> Answer:
        random = np.random.default_rng(evidence.seed).permutation(np.arange(len(evidence.frame)) % 3)
        flattered, honest = evidence.probe.together_on(random), evidence.probe.together()
        return passed(
            f"random cross-validation would have told you a {evidence.target.measure} of {flattered:.3f} by a quick model; with "
            f"groups of {quoted_list(evidence.problem.split.group_columns)} kept together it is {honest:.3f}"
        )

    def _by_key(self, evidence: Evidence) -> tuple[str, float, str] | None:
        """Stored folds against folds that keep the rows of the first visible key together."""
        for name in evidence.keys:
            codes, values = pd.factorize(evidence.frame[name])
            missing = codes < 0
            if len(values) < self.fewest_groups or (~missing).sum() < 1.2 * len(values):
                continue
            codes = np.where(missing, len(values) + np.cumsum(missing) - 1, codes)
            dealt = np.random.default_rng(evidence.seed).permutation(int(codes.max()) + 1) % 3
            stored, honest = evidence.probe.together(), evidence.probe.together_on(dealt[codes])
            text = (
                f"the stored folds tell a {evidence.target.measure} of {stored:.3f} by a quick model; with rows of one "
                f"{quoted(name)} kept together it is {honest:.3f}"
            )
            return text, stored - honest, name
        return None

    def _by_clock(self, evidence: Evidence) -> tuple[str, float, str] | None:
        columns = time_columns(evidence)
        gap = self._by_time(evidence, columns[0]) if columns else None
        return None if gap is None else (*gap, columns[0])

    def _by_file(self, evidence: Evidence) -> tuple[str, float, str] | None:
        """Stored folds against folds that each keep the rows of some files together."""
        files = evidence.source_files
        if files is None or np.sort(files.rows())[-2] < self.fewest_rows_per_file:
            return None
        largest_first = np.argsort(np.argsort(-files.rows(), kind="stable"), kind="stable")
        stored, honest = evidence.probe.together(), evidence.probe.together_on(largest_first[files.codes] % 3)
        text = (
            f"the stored folds tell a {evidence.target.measure} of {stored:.3f} by a quick model; on files that it did not learn "
            f"from it is {honest:.3f}"
        )
        return text, stored - honest, ""

    @staticmethod
    def _by_time(evidence: Evidence, name: str) -> tuple[str, float] | None:
        """Learning from earlier rows against learning from as many rows of any time, both judged on late rows."""
        order = evidence.frame[name].rank(method="first", pct=True).to_numpy(dtype=float)
        late, early = order > 0.75, order <= 0.6
        lots, others = np.random.default_rng(evidence.seed).random((2, len(order)))
        judged = late & (lots < 0.5)
        # As many rows to learn from, so that only their time differs.
        anyone = ~judged & (others < early.sum() / max(int((~judged).sum()), 1))
        honest = evidence.probe.learned_from(early, judged)
        flattered = evidence.probe.learned_from(anyone, judged)
        if honest is None or flattered is None:
            return None
        text = (
            f"learning from rows of any time would have told you a {evidence.target.measure} of {flattered:.3f} by a quick model on "
            f"the latest rows by {quoted(name)}; learning from earlier rows alone it is {honest:.3f}"
        )
        return text, flattered - honest
