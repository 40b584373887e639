"""FAI: how the model's errors fall on groups of people, judged on out-of-fold predictions. Never "fair"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ml_engineer.guardrails.check import (
    BEFORE_USE,
    Answer,
    Observation,
    Severity,
    does_not_apply,
    observed,
    passed,
)
from ml_engineer.guardrails.evidence import Evidence, Part
from ml_engineer.guardrails.fairness import FairnessCheck
from ml_engineer.guardrails.wording import listed, percent, quoted, rows_text
from ml_engineer.vocabulary.fairness import FairnessVerdict, FourFifths, GroupComparison
from ml_engineer.vocabulary.guardrails import Stage
from ml_engineer.vocabulary.problem import TaskType

__all__ = ["FAI002", "FAI006", "FAI007", "FAI008", "FAI009", "ComparingCheck", "in_words"]

_NAMES = {
    "selection_rate": "selection rate",
    "recall": "recall",
    "false_positive_rate": "false positive rate",
    "precision": "precision",
    "calibration": "observed minus predicted share",
    "accuracy": "accuracy",
    "mae": "mean absolute error",
    "mean_error": "mean error",
}
_REMEDY = (
    "Disparity: look at what the group's rows lack (columns, rows, label quality), read the prices of mitigation (FAI010), "
    "and let a person decide. Not enough data: collect rows of the group, or set another fairness_tolerance in problem.yaml"
)


def in_words(comparison: GroupComparison, *, tolerance: float) -> str:
    """Verdict and figures of a comparison, without its full stop."""
    columns = " & ".join(quoted(name) for name in comparison.columns)
    if comparison.difference is None:
        return f"{comparison.reason} ({columns})"
    cells = {cell.group: cell for cell in comparison.cells}
    high, low = cells[comparison.highest or ""], cells[comparison.lowest or ""]
    assert high.estimate is not None
    assert low.estimate is not None
    relative = ", relative to all rows" if comparison.measure in ("mae", "mean_error") else ""
    difference = comparison.difference
    return (
        f"{comparison.reason}: {_NAMES[comparison.measure]} {high.estimate.value:.3g} for {columns} = "
        f"{quoted(high.group)} ({rows_text(high.counted)}) against {low.estimate.value:.3g} for {quoted(low.group)} "
        f"({rows_text(low.counted)}), difference {difference.value:.2f} [{difference.low:.2f}, {difference.high:.2f}]"
        f"{relative}, tolerance {tolerance:g}; {comparison.expected_by_chance:.2f} would come by chance alone"
    )


class ComparingCheck(FairnessCheck):
    """What the checks share that compare groups on out-of-fold predictions."""

    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    needs: ClassVar[tuple[Part, ...]] = ("training", "predictions")
    not_for: ClassVar[frozenset[TaskType]] = frozenset({"ranking", "survival", "multilabel"})
    """Scores of an order have no unit, and a row with several answers has several errors: neither has one of its own."""
    severities: ClassVar[dict[FairnessVerdict, Severity]] = {
        "disparity shown": "issue",
        "not enough data": "advice",
        "not assessed": "advice",
    }

    def applies_to(self, evidence: Evidence) -> str:
        """Only where sensitive columns are named."""
        if not evidence.groups:
            return "not assessed: no sensitive column is named"
        return super().applies_to(evidence)

    def weigh(self, comparisons: Sequence[GroupComparison], evidence: Evidence, *, remedy: str = _REMEDY) -> Answer:
        """An observation a comparison that is not within the tolerance; those within are told beside."""
        tolerance = evidence.problem.fairness_tolerance
        seen, within = [], []
        for comparison in comparisons:
            text = self.describe(comparison, tolerance)
            severity = self.severities.get(comparison.verdict)
            if severity is None:
                within.append(Observation("advice", text, comparison.columns))
            else:
                seen.append(Observation(severity, text, comparison.columns))
        if not seen:
            return passed(listed([one.text for one in within], limit=3, join="; "))
        return observed([*seen, *within], remedy=remedy)

    def describe(self, comparison: GroupComparison, tolerance: float) -> str:
        """One comparison in words."""
        return in_words(comparison, tolerance=tolerance)


def _of(evidence: Evidence) -> tuple[GroupComparison, ...]:
    assert evidence.fairness is not None
    return evidence.fairness.comparisons


class FAI002(ComparingCheck):
    """Errors fall on one group more than on another.

    The largest difference between two groups is judged on out-of-fold predictions, with an interval that allows for
    having looked for the extremes. Which measure decides follows from the use: who is missed (recall), who is wrongly
    called (false positive rate), or whether scores mean the same (calibration); accuracy for several classes, the mean
    absolute error for numbers. Groups of fewer than 30 rows are pooled and named, never dropped.
    """

    title = "Errors per sensitive group"
    blocks_at: ClassVar[frozenset[Stage]] = frozenset({"production"})
    severities: ClassVar[dict[FairnessVerdict, Severity]] = {
        "disparity shown": "forbids",
        "not enough data": "issue",
        "not assessed": "issue",
    }

    def find(self, evidence: Evidence) -> Answer:
        """Compare the groups of each sensitive column under the deciding measure."""
        mine = [one for one in _of(evidence) if one.decides and len(one.columns) == 1]
        assert evidence.fairness is not None
        answer = self.weigh(mine, evidence)
        if answer.observations:
            return observed(answer.observations, remedy=f"{_REMEDY}. Measured so: {evidence.fairness.use_reason}")
        return passed(f"{answer.found} ({evidence.fairness.use_reason})")


class FAI006(ComparingCheck):
    """What stands beside the deciding measure: selection rates, precision, or the mean error of numbers.

    These can differ although errors do not, because outcomes differ between groups; no model can have all of them
    equal then (Chouldechova 2017; Kleinberg, Mullainathan and Raghavan 2016). The four-fifths rule is told as
    information only, with the share of tables of this size without any disparity that would fail it.
    """

    title = "Selection, precision or mean error per group"

    def find(self, evidence: Evidence) -> Answer:
        """Compare the groups of each sensitive column under the measures beside."""
        mine = [one for one in _of(evidence) if not one.decides and one.measure != "calibration"]
        if not mine:
            return does_not_apply("one measure says it all for this task")
        return self.weigh(
            mine,
            evidence,
            remedy="Ask whether the difference follows from the outcome itself (FAI005) and is acceptable; with different "
            "outcomes it cannot vanish together with the differences in errors",
        )

    def describe(self, comparison: GroupComparison, tolerance: float) -> str:
        """One comparison in words, with the four-fifths rule as information."""
        text = super().describe(comparison, tolerance)
        return text if comparison.four_fifths is None else f"{text} ({_four_fifths(comparison.four_fifths)})"


def _four_fifths(rule: FourFifths) -> str:
    side = "below" if rule.below else "not below"
    return (
        f"for information: lowest over highest {rule.ratio:.2f}, {side} four fifths, which chance alone does to "
        f"{percent(rule.false_alarm_rate)} of tables with these group sizes and no disparity"
    )


class FAI007(ComparingCheck):
    """Errors fall on those who belong to two groups at once, which single columns can hide.

    Every pair of sensitive columns is crossed. Small cells are pooled into their first column's group; the report shows
    each cell's rate beside the one that a beta-binomial model draws towards the rest.
    """

    title = "Errors per intersection of two sensitive columns"

    def find(self, evidence: Evidence) -> Answer:
        """Compare the intersections under the deciding measure."""
        mine = [one for one in _of(evidence) if len(one.columns) == 2]
        if not mine:
            return does_not_apply("only one sensitive column is named, so that nothing can be crossed")
        return self.weigh(mine, evidence)


class FAI008(ComparingCheck):
    """A probability does not mean the same in every group.

    Compared is the observed share of positives minus the mean predicted probability: where it differs, one threshold is
    a different one for each group.
    """

    title = "Calibration within each group"
    forms = frozenset({"binary"})

    def find(self, evidence: Evidence) -> Answer:
        """Compare the groups of each sensitive column by calibration, unless it decides already."""
        mine = [one for one in _of(evidence) if one.measure == "calibration" and not one.decides]
        if not mine:
            reason = "it is the deciding measure, see FAI002" if _of(evidence)[0].measure == "calibration" else ""
            return does_not_apply(reason or "not assessed: the champion gives no probabilities")
        return self.weigh(
            mine,
            evidence,
            remedy="Look for what the model cannot see of the group (columns, label quality); where probabilities are read "
            "as they are, calibrate within groups if that is lawful here",
        )


class FAI009(ComparingCheck):
    """Groups with too few rows to be judged by themselves: about them nothing is known."""

    title = "Groups too small to judge"
    worrying_share: ClassVar[float] = 0.05

    def find(self, evidence: Evidence) -> Answer:
        """List the cells that were pooled or left out of the verdict."""
        seen = []
        for one in _of(evidence):
            if not one.decides or len(one.columns) > 1:
                continue
            small = [cell for cell in one.cells if not cell.judged and "(pooled" not in cell.group]
            if not small:
                continue
            rows = sum(cell.rows for cell in small)
            share = rows / sum(cell.rows for cell in one.cells if "(pooled" not in cell.group)
            named = listed([f"{quoted(cell.group)} ({cell.note})" for cell in small], limit=3)
            number = "1 group" if len(small) == 1 else f"{len(small):,} groups"
            text = f"{number} of {quoted(one.columns[0])} with {percent(share)} of the rows: {named}"
            seen.append(Observation("issue" if share >= self.worrying_share else "advice", text, one.columns))
        if not seen:
            return passed("every group of every sensitive column has the rows that a verdict needs")
        return observed(
            seen,
            remedy="Collect rows of these groups before claiming anything about them, or name coarser groups that mean "
            "something to the people concerned",
        )
