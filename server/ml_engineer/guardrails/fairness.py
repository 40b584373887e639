"""FAI: whether groups of people are named, seen by the model, and differ in the outcome itself. Never "fair"."""

from __future__ import annotations

import re
from typing import ClassVar, Final

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
from ml_engineer.guardrails.wording import quoted, quoted_list, words
from ml_engineer.statistics.group_cells import FEWEST_ROWS
from ml_engineer.vocabulary.guardrails import Family, Guardrail, Stage

__all__ = ["FAI001", "FAI004", "FAI005", "FairnessCheck"]

_PROTECTED = re.compile(
    r"^(sex|gender|race|ethnicity|ethnic (group|origin)|religion|nationality|citizenship|native country|country of birth|"
    r"disability|disabled|marital status|personal status( and sex)?|sexual orientation|skin (colou?r|tone)|foreign worker|"
    r"age|age (in )?years|(customer|patient|applicant|client|employee|passenger) (age|sex|gender)|senior citizen|pregnant)$"
)
_UNNAMED: Final = re.compile(r"column_\d+")
"""What readers call a column without a name."""


class FairnessCheck(Check):
    """What the checks of this family share."""

    family: ClassVar[Family] = "fairness"
    guardrail: ClassVar[Guardrail] = "fairness"


class FAI001(FairnessCheck):
    """Somebody has said which columns name protected groups, or that there are none."""

    title = "Sensitive columns named"
    needs_target = False
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
        unnamed = [column.name for column in evidence.problem.columns if _UNNAMED.fullmatch(column.name)]
        why = f", and {len(unnamed):,} columns have no name of their own" if unnamed else ""
        name_them = "Find out what the columns are, and frame again with column_names. " if unnamed else ""
        return observed(
            [Observation("question", f"not assessed: no column names a protected attribute{why}")],
            remedy=f"{name_them}Ask whether rows are about people. If so, name the columns with sensitive_columns, or bring such a column; "
            "if not, let a person say so with waive_finding(code='FAI001', reason=..., name=...)",
        )


class FAI004(FairnessCheck):
    """A sensitive column among the features: whether that is lawful and wanted is for people to say."""

    title = "Sensitive columns used as features"
    needs_target = False
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
    of_one_answer = True
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
