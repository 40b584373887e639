"""DAT015: labels that the rest of their row contradicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ml_engineer.guardrails.check import Answer, Observation, observed, passed
from ml_engineer.guardrails.data_columns import ColumnCheck
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.wording import percent, quoted, rows_text
from ml_engineer.statistics.intervals import wilson

__all__ = ["DAT015"]

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Sure:
    """How often a quick model errs where it is surest, and a little less sure.

    Parameters
    ----------
    errors, rows : int
        Among the surest quarter of the rows predicted to be of one class.
    next_errors, next_rows : int
        Among the next quarter.
    contradicted : numpy.ndarray of shape (errors,)
        Positions of the errors, surest first.
    """

    errors: int
    rows: int
    next_errors: int
    next_rows: int
    contradicted: Ints


class DAT015(ColumnCheck):
    """Labels that the rest of their row contradicts: mistakes of whoever labelled, or cases that nothing in the table explains.

    Where classes overlap, a model errs less the surer it is. Where labels were mixed up, its errors stop falling: it is as
    often wrong when it is surest as when it is fairly sure. Targets that are numbers are held against out-of-fold predictions, and
    rows far off where nearly all others are close are shown.
    """

    title = "Labels that contradict their row"
    of_single_rows = True
    of_one_answer = True
    needs_target = True
    cost = "models"
    fewest_rows: ClassVar[int] = 200
    fewest_errors: ClassVar[int] = 5
    least_share: ClassVar[float] = 0.01
    """Lower end of the interval of errors among the surest rows."""
    level_off: ClassVar[float] = 1.3
    """Errors among fairly sure rows, over those among the surest, below which they no longer fall."""
    some_skill: ClassVar[float] = 0.5
    """Errors among the surest rows, over those of saying the class always, above which there is no skill to speak of."""
    far_off: ClassVar[float] = 0.6
    close: ClassVar[float] = 0.2
    """Of the range of ranks: what a gross error misses by, and what three rows in four must keep to."""

    def find(self, evidence: Evidence) -> Answer:
        """Look at the errors of the quick model where it is surest."""
        probe = evidence.probe
        if probe.rows < self.fewest_rows:
            return passed(f"{rows_text(probe.rows)} are too few to tell a wrong label from a hard case")
        seen = self._mixed_up(evidence) if evidence.target.classes else self._gross(evidence)
        if isinstance(seen, str):
            return passed(seen)
        return observed(
            [seen],
            remedy="Show the example rows to whoever knows the labels. If they are wrong, correct the source and frame again; if they "
            "are right, ask what the table lacks that explains them",
        )

    def _mixed_up(self, evidence: Evidence) -> Observation | str:
        sure = self._sure(evidence)
        if sure.rows < self.fewest_rows / 8:
            return "the quick model is not sure enough of any class to tell wrong labels from hard cases"
        share, next_share = sure.errors / sure.rows, sure.next_errors / max(sure.next_rows, 1)
        text = (
            f"the quick model's label differs in {sure.errors:,} of the {sure.rows:,} rows that it is surest of ({percent(share)}), and "
            f"in {percent(next_share)} of the next quarter"
        )
        if (
            sure.errors < self.fewest_errors
            or wilson(sure.errors, sure.rows).low < self.least_share
            or next_share > self.level_off * share
        ):
            return text
        rows = evidence.frame.index[evidence.probe.positions[sure.contradicted]]
        return Observation("question", text, (evidence.problem.target,), tuple(int(row) for row in rows[:5]))

    def _sure(self, evidence: Evidence) -> _Sure:
        predictions, actual = evidence.probe.predictions, evidence.probe.target.values
        known = ~np.isnan(predictions[:, 0])
        said = np.where(known, np.nan_to_num(predictions).argmax(axis=1), -1)
        counts, wrong = np.zeros(4, dtype=int), []
        for code in range(evidence.target.classes):
            mine = np.flatnonzero(said == code)
            mine = mine[np.argsort(-predictions[mine, code], kind="stable")]
            quarter = len(mine) // 4
            missed = actual[mine] != code
            usual = float((actual != code).mean())
            if quarter < 10 or missed[:quarter].mean() > self.some_skill * usual:
                continue
            counts += [missed[:quarter].sum(), quarter, missed[quarter : 2 * quarter].sum(), quarter]
            wrong.append(mine[:quarter][missed[:quarter]])
        places = np.concatenate(wrong) if wrong else np.zeros(0, dtype=np.intp)
        places = places[np.argsort(-predictions[places, said[places]], kind="stable")]
        return _Sure(int(counts[0]), int(counts[1]), int(counts[2]), int(counts[3]), places)

    def _gross(self, evidence: Evidence) -> Observation | str:
        misses = np.abs(evidence.probe.predictions[:, 0] - evidence.probe.target.values)
        misses = np.nan_to_num(misses)
        far = np.flatnonzero(misses > self.far_off)
        typical = float(np.quantile(misses, 0.75))
        target = quoted(evidence.problem.target)
        text = f"{rows_text(len(far))} of {len(misses):,} miss their out-of-fold prediction by more than {percent(self.far_off)} of all ranks of {target}"
        if len(far) < max(self.fewest_errors, self.least_share * len(misses) / 2) or typical > self.close:
            return text
        worst = evidence.frame.index[evidence.probe.positions[far[np.argsort(-misses[far])]]]
        text += f", while three in four miss it by less than {percent(typical)}"
        return Observation("question", text, (evidence.problem.target,), tuple(int(row) for row in worst[:5]))
