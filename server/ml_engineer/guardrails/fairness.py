"""FAI: whether the model treats groups of people differently, as far as the data can tell. Never "fair"."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from ml_engineer.guardrails.check import (
    ALL_STAGES,
    BEFORE_USE,
    Answer,
    Check,
    Observation,
    does_not_apply,
    observed,
    passed,
)
from ml_engineer.guardrails.evidence import Evidence
from ml_engineer.guardrails.group_gaps import FEWEST_ROWS, Gap, Measured, gaps, judge
from ml_engineer.guardrails.probe import Probe
from ml_engineer.guardrails.wording import listed, quoted, quoted_list, rows_text, words
from ml_engineer.statistics.predictive_power import Target
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["FAI001", "FAI002", "FAI003", "FAI004", "FAI005"]

_PROTECTED = re.compile(
    r"^(sex|gender|race|ethnicity|ethnic (group|origin)|religion|nationality|citizenship|native country|country of birth|"
    r"disability|disabled|marital status|personal status( and sex)?|sexual orientation|skin (colou?r|tone)|foreign worker|"
    r"age|age (in )?years|(customer|patient|applicant|client|employee|passenger) (age|sex|gender)|senior citizen|pregnant)$"
)


class FairnessCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "fairness"
    guardrail: ClassVar[Guardrail] = "fairness"


class FAI001(FairnessCheck):
    """Somebody has said which columns name protected groups, or that there are none."""

    title = "Sensitive columns named"
    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    blocks_at: ClassVar[frozenset[Stage]] = BEFORE_USE

    def find(self, evidence: Evidence) -> Answer:
        """Read the problem; if it names none, look at the columns' names."""
        named = evidence.problem.sensitive_columns
        if named:
            return passed(f"named as sensitive: {quoted_list(named)}")
        likely = [
            column.name
            for column in evidence.problem.columns
            if column.decided_by != "person" and _PROTECTED.search(words(column.name))
        ]
        if likely:
            text = (
                f"not assessed: {quoted_list(likely)} sounds like a protected attribute and is not named as sensitive"
            )
            return observed(
                [Observation("forbids", text, tuple(likely))],
                remedy="Frame again with sensitive_columns naming what names protected groups, then train and evaluate",
            )
        text = "not assessed: no column names a protected attribute"
        return observed(
            [Observation("question", text)],
            remedy="Ask whether rows are about people. If so, name the columns with sensitive_columns, or bring such a column; "
            "if not, let a person say so with waive_finding(code='FAI001', reason=..., name=...)",
        )


class FAI002(FairnessCheck):
    """Errors fall on one group more than on the others.

    Compared on out-of-fold predictions, each group against the rest, with intervals that hold for all groups of the
    column at once. For two classes it is recall (who is missed), or the false positive rate if the person's costs say
    that false alarms are worse; for several classes accuracy; for numbers the mean absolute error. Selection rates are
    told, not judged: the four-fifths rule fails mostly by chance in small groups.
    """

    title = "Errors per sensitive group"
    asked_at: ClassVar[frozenset[Stage]] = BEFORE_USE
    blocks_at: ClassVar[frozenset[Stage]] = frozenset({"production"})
    needs = ("training", "predictions")

    def applies_to(self, evidence: Evidence) -> str:
        """Only where sensitive columns are named."""
        if not evidence.groups:
            return "not assessed: no sensitive column is named"
        return super().applies_to(evidence)

    def find(self, evidence: Evidence) -> Answer:
        """Compare each group of each sensitive column with the rest."""
        kept, measured = _measured(evidence)
        tolerance = evidence.problem.fairness_tolerance
        seen, within = [], []
        for name, labels in evidence.groups.items():
            found = list(gaps(measured, labels[kept], tolerance=tolerance, independent=_independent(evidence)))
            if not found:
                seen.append(Observation("issue", f"not assessed: {quoted(name)} has one group only", (name,)))
                continue
            verdict, gap = judge(found, tolerance=tolerance)
            text = _verdict_text(verdict, gap, name, measured=measured, found=found, tolerance=tolerance)
            if verdict == "within the tolerance you set":
                within.append((name, text))
            else:
                seen.append(Observation("forbids" if verdict == "disparity shown" else "issue", text, (name,)))
        if not seen:
            return passed(listed([text for _, text in within], join="; "))
        told = [Observation("advice", text, (name,)) for name, text in within]
        return observed(
            [*seen, *told],
            remedy="Disparity: look at what the group's rows lack (columns, rows, label quality), and let a person decide "
            "whether it is acceptable. Not enough data: collect rows of the group, or set another fairness_tolerance in "
            "problem.yaml",
        )


def _measured(evidence: Evidence) -> tuple[np.ndarray, Measured]:
    """Positions of the rows that have a prediction, and what is compared on them."""
    predictions = evidence.predictions
    assert predictions is not None
    scored = predictions[predictions["fold"] >= 0].set_index("row")["predicted"]
    kept = np.flatnonzero(evidence.frame.index.isin(scored.index))
    predicted = scored.loc[evidence.frame.index[kept]].to_numpy()
    everyone = np.ones(len(kept), dtype=bool)
    problem = evidence.problem
    if problem.task_type == "regression":
        errors = np.abs(predicted - evidence.frame[problem.target].to_numpy(dtype=float)[kept])
        scale = float(errors.mean()) or 1.0
        return kept, Measured("mean absolute error, relative to all rows", errors / scale, everyone, is_share=False)
    actual = evidence.target.values[kept]
    if problem.task_type == "multiclass":
        return kept, Measured("accuracy", (predicted == actual).astype(float), everyone, is_share=True)
    positive = problem.classes.index(problem.positive_class) if problem.positive_class in problem.classes else 1
    called = (predicted == positive).astype(float)
    if problem.costs is not None and problem.costs.false_positive > problem.costs.false_negative:
        return kept, Measured("false positive rate", called, actual != positive, is_share=True)
    return kept, Measured("recall", called, actual == positive, is_share=True)


def _independent(evidence: Evidence) -> float:
    """Share of rows that count as independent of each other: one per declared group."""
    columns = list(evidence.problem.split.group_columns)
    if not columns or not set(columns) <= set(evidence.frame.columns):
        return 1.0
    return evidence.frame.groupby(columns, dropna=False).ngroups / len(evidence.frame)


def _verdict_text(verdict: str, gap: Gap, name: str, *, measured: Measured, found: list[Gap], tolerance: float) -> str:
    figures = (
        f"{measured.name} {gap.value:.2f} for {quoted(name)} = {quoted(gap.group)} ({rows_text(gap.rows)}) against "
        f"{gap.elsewhere:.2f} elsewhere, difference {gap.difference:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}], "
        f"tolerance {tolerance:g}"
    )
    head = verdict
    if verdict == "not enough data":
        head = f"not enough data: {gap.rows:,} now, {gap.needed:,} needed"
    small = [f"{quoted(each.group)} ({each.rows})" for each in found if each.rows < FEWEST_ROWS]
    tail = f"; too few rows to judge {listed(small, limit=4)}" if small and verdict != "not enough data" else ""
    return f"{head}: {figures}{tail}"


class FAI003(FairnessCheck):
    """Columns that stand in for a sensitive one: leaving the sensitive column out does not hide it."""

    title = "Proxies of sensitive columns"
    cost = "models"
    too_well: ClassVar[float] = 0.75

    def find(self, evidence: Evidence) -> Answer:
        """Predict each sensitive column from each input."""
        if not evidence.groups:
            return does_not_apply("not assessed: no sensitive column is named")
        seen = []
        for name, labels in evidence.groups.items():
            codes, classes = np.unique(labels.astype(str), return_inverse=True)[1], len(np.unique(labels.astype(str)))
            others = [str(other) for other in evidence.inputs.columns if str(other) != name]
            if classes < 2 or not others:
                continue
            probe = Probe(evidence.inputs[others], Target(codes, classes), evidence.folds, seed=evidence.seed)
            proxies = sorted(
                ((power, other) for other, power in probe.alone.items() if power > self.too_well), reverse=True
            )
            if proxies:
                used = name in evidence.inputs.columns
                best = listed([f"{quoted(other)} ({power:.2f})" for power, other in proxies], limit=3)
                seen.append(
                    Observation(
                        "advice" if used else "issue",
                        f"{best} tells {quoted(name)} apart (ROC AUC)"
                        + ("" if used else f", so that leaving {quoted(name)} out does not hide it from the model"),
                        (name,),
                    )
                )
        if not seen:
            return passed(
                f"no used column alone tells {quoted_list(evidence.groups)} apart (ROC AUC above {self.too_well})"
            )
        return observed(seen, remedy="Read the errors per group (FAI002), and ask whether the stand-in is needed")


class FAI004(FairnessCheck):
    """A sensitive column among the features: whether that is lawful and wanted is for people to say."""

    title = "Sensitive columns used as features"
    asked_at: ClassVar[frozenset[Stage]] = ALL_STAGES

    def find(self, evidence: Evidence) -> Answer:
        """Intersect sensitive and used columns."""
        named = evidence.problem.sensitive_columns
        if not named:
            return does_not_apply("not assessed: no sensitive column is named")
        used = [name for name in named if name in evidence.inputs.columns]
        if not used:
            return passed(f"{quoted_list(named)}: not seen by the model")
        seen = [Observation("question", f"the model sees {quoted(name)}", (name,)) for name in used]
        return observed(
            seen,
            remedy="Ask whether its use is lawful and wanted here; if not, frame again with exclude_columns naming it (it stays "
            "in the table for the comparison of groups)",
        )


class FAI005(FairnessCheck):
    """The outcome itself differs between groups in the data: a model learns that, whether it is just or not."""

    title = "Outcome per sensitive group"
    surprise: ClassVar[float] = 3.5
    worth_telling: ClassVar[float] = 0.1

    def find(self, evidence: Evidence) -> Answer:
        """Compare the target's mean per group with the rest."""
        if not evidence.groups:
            return does_not_apply("not assessed: no sensitive column is named")
        target = evidence.target
        values = target.values if not target.classes else (target.values == target.classes - 1).astype(float)
        if evidence.problem.positive_class in evidence.problem.classes:
            values = (target.values == evidence.problem.classes.index(evidence.problem.positive_class)).astype(float)
        if target.classes > 2:
            return does_not_apply("with several classes there is no one outcome to compare")
        what = "share of positives" if target.classes else "mean percentile of the target"
        seen = []
        for name, labels in evidence.groups.items():
            notable = [
                gap for group in np.unique(labels.astype(str)) if (gap := self._gap(values, labels.astype(str), group))
            ]
            if notable:
                inside, elsewhere, group = max(notable, key=lambda each: abs(each[0] - each[1]))
                text = f"{what} {inside:.2f} for {quoted(name)} = {quoted(group)}, {elsewhere:.2f} elsewhere"
                seen.append(Observation("advice", text, (name,)))
        if not seen:
            return passed(f"the outcome differs little between the groups of {quoted_list(evidence.groups)}")
        return observed(
            seen,
            remedy="Ask whether the label records what happened, or what somebody decided; the model will repeat it",
        )

    def _gap(self, values: np.ndarray, labels: np.ndarray, group: str) -> tuple[float, float, str] | None:
        """Mean in the group and in the rest, if they differ beyond chance and enough to tell."""
        inside = labels == group
        if min(inside.sum(), (~inside).sum()) < FEWEST_ROWS:
            return None
        here, elsewhere = float(values[inside].mean()), float(values[~inside].mean())
        error = float(np.sqrt(values.var() * (1 / inside.sum() + 1 / (~inside).sum())))
        notable = abs(here - elsewhere) > max(self.worth_telling, self.surprise * error)
        return (here, elsewhere, group) if notable else None
