"""What a check is, what it may answer, and how its answer becomes a finding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from ml_engineer.guardrails.evidence import Evidence, Part
from ml_engineer.guardrails.wording import listed, quoted, quoted_list
from ml_engineer.vocabulary.guardrails import Family, Finding, Guardrail, Outcome, Stage
from ml_engineer.vocabulary.problem import FORMS, OutcomeForm, TaskType

__all__ = [
    "ALL_STAGES",
    "BEFORE_USE",
    "Answer",
    "Check",
    "Observation",
    "Severity",
    "does_not_apply",
    "observed",
    "passed",
]

Severity = Literal["forbids", "issue", "question", "advice"]
"""How bad an observation is. What forbids blocks at the stages where its check blocks and is an issue at the others;
an issue wants work; a question wants a person's answer; advice wants nothing."""

ALL_STAGES: frozenset[Stage] = frozenset({"train", "deploy", "production"})
BEFORE_USE: frozenset[Stage] = frozenset({"deploy", "production"})
"""The stages at which a trained model is about to be used."""

_ABSENT: dict[Part, str] = {
    "features": "features.py is not there yet",
    "training": "nothing was trained yet",
    "champion": "there is no champion on disk yet",
    "evaluation": "nothing was evaluated yet",
    "predictions": "there are no out-of-fold predictions yet",
    "fitted": "the champion could not be asked about the rows that it learned from",
    "refit": "the champion's code was not fitted again",
    "code": "there is no features.py yet, or it is as we wrote it and train does not spend its time on trying that",
    "tracking": "the experiment store was not read",
    "serving": "the serving folder was not read",
    "ledger": "the ledger was not read",
    "claims": "what is claimed was not held against the records",
}
_MOST_LABELS, _MOST_FITTED_LABELS = 20, 3
_MOST_SEVERE_FIRST: tuple[Severity, ...] = ("forbids", "issue", "question", "advice")
_MOST_OBSERVATIONS = 5
_MOST_EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Observation:
    """One thing that a check noticed; a waiver limited to columns removes the observations it covers.

    Parameters
    ----------
    severity : {'forbids', 'issue', 'question', 'advice'}
        How bad it is.
    text : str
        What was found, with numbers, without its full stop.
    columns : tuple of str
        Columns concerned.
    rows : tuple of int
        Example development rows, by row number in the source.
    """

    severity: Severity
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a check answers.

    Parameters
    ----------
    outcome : {'passed', 'not_applicable', 'issue', 'question', 'advice'}
        That of the most severe observation, if there is any.
    found : str
        What was looked at and found, for answers without observations.
    observations : tuple of Observation
        Empty unless something is wrong.
    remedy : str
        What to do about it.
    """

    outcome: Outcome
    found: str
    observations: tuple[Observation, ...] = ()
    remedy: str = ""

    def without(self, columns: frozenset[str]) -> Answer | None:
        """The answer without the observations that concern these columns only; None if nothing is left."""
        left = [seen for seen in self.observations if not (seen.columns and columns.issuperset(seen.columns))]
        return observed(left, remedy=self.remedy) if left else None


def passed(found: str) -> Answer:
    """The check looked and found nothing wrong; `found` says at what it looked."""
    return Answer(outcome="passed", found=found)


def does_not_apply(reason: str) -> Answer:
    """The check has nothing to look at."""
    return Answer(outcome="not_applicable", found=reason)


def observed(observations: Sequence[Observation], *, remedy: str) -> Answer:
    """Something is wrong; the most severe observations come first and give the outcome."""
    ordered = sorted(observations, key=lambda seen: _MOST_SEVERE_FIRST.index(seen.severity))
    text = listed([seen.text for seen in ordered], limit=_MOST_OBSERVATIONS, join="; ")
    worst = ordered[0].severity
    return Answer(
        outcome="issue" if worst == "forbids" else worst, found=text, observations=tuple(ordered), remedy=remedy
    )


class Check(ABC):
    """One rule. The class is called by its code; its docstring says what it looks for and why.

    A check is asked once per report and always answers: silence is never success. Thresholds stand
    in the class body, with their reason.
    """

    title: ClassVar[str]
    """What the check is about, in a few words."""
    family: ClassVar[Family]
    guardrail: ClassVar[Guardrail]
    asked_at: ClassVar[frozenset[Stage]] = ALL_STAGES
    """Stages at which the question makes sense."""
    blocks_at: ClassVar[frozenset[Stage]] = frozenset()
    """Stages at which an observation that forbids stops the work."""
    cost: ClassVar[Literal["light", "models"]] = "light"
    """'models' if the check fits models; such checks work on a sample of rows."""
    needs: ClassVar[tuple[Part, ...]] = ()
    """Parts of the evidence without which there is nothing to look at."""
    forms: ClassVar[frozenset[OutcomeForm]] = FORMS
    """Forms of outcome it is meant for."""
    not_for: ClassVar[frozenset[TaskType]] = frozenset()
    """Task types that it is not meant for, although their outcomes have such a form."""

    needs_target: ClassVar[bool] = True
    """Whether it asks about a target that is learned from; the others are asked where nothing is predicted, too."""
    of_single_rows: ClassVar[bool] = False
    """Whether it asks if rows resemble, repeat or predict each other, which in a forecast they should."""
    of_one_answer: ClassVar[bool] = False
    """Whether it asks about a row's one answer: where a row may have several labels, it is asked of each as if it were alone."""

    @property
    def code(self) -> str:
        """The check's code, e.g. LEA001."""
        return type(self).__name__

    def applies_to(self, evidence: Evidence) -> str:
        """Why the check does not apply; an empty text if it does."""
        if self.needs_target and not evidence.problem.learns_target:
            return "nothing is predicted, so that no target is learned from"
        if evidence.problem.forecast is not None and self.of_single_rows:
            return "moments of a series follow each other: they are neither drawn nor predicted one by one"
        form = "binary" if self.asks_of_labels(evidence) else evidence.problem.form
        if form not in self.forms and evidence.problem.learns_target:
            return f"not meant for {form} tasks"
        if evidence.problem.task_type in self.not_for:
            return f"not meant for {evidence.problem.task_type} tasks"
        return next((_ABSENT[part] for part in self.needs if getattr(evidence, part) is None), "")

    @abstractmethod
    def find(self, evidence: Evidence) -> Answer:
        """Look at the evidence and answer."""

    def answer(self, evidence: Evidence, *, stage: Stage) -> Answer:
        """Find, unless the stage or the evidence gives nothing to look at."""
        if stage not in self.asked_at:
            return does_not_apply(f"not asked before stage '{first_stage(self.asked_at)}'")
        reason = self.applies_to(evidence)
        if reason:
            return does_not_apply(reason)
        if self.asks_of_labels(evidence):
            most = _MOST_LABELS if self.cost == "light" else _MOST_FITTED_LABELS
            apart = evidence.labels_apart[:most]
            return merge_labels(
                [(label, self.answer(one, stage=stage)) for label, one in apart], of=len(evidence.problem.classes)
            )
        return self.find(evidence)

    def asks_of_labels(self, evidence: Evidence) -> bool:
        """Whether a row may have several labels, and the check is asked of each for itself."""
        return evidence.problem.form == "multilabel" and self.of_one_answer

    def finding(self, answer: Answer, *, stage: Stage) -> Finding:
        """The answer as the record that reports hold."""
        columns = dict.fromkeys(name for seen in answer.observations for name in seen.columns)
        rows = dict.fromkeys(row for seen in answer.observations for row in seen.rows)
        return Finding(
            code=self.code,
            title=self.title,
            guardrail=self.guardrail,
            outcome=answer.outcome,
            blocks=stage in self.blocks_at and any(seen.severity == "forbids" for seen in answer.observations),
            found=answer.found,
            remedy=answer.remedy,
            columns=tuple(columns),
            example_rows=tuple(rows)[:_MOST_EXAMPLE_ROWS],
        )


def merge_labels(answers: Sequence[tuple[str, Answer]], *, of: int) -> Answer:
    """What a check answered of several labels, as one answer: what was seen of all of them is told once.

    Parameters
    ----------
    answers : sequence of (str, Answer)
        Of each label that was asked about; at least one.
    of : int
        How many labels there are.
    """
    asked = f"{len(answers)} of {of} labels" if len(answers) < of else f"each of {of} labels"
    applicable = [(label, answer) for label, answer in answers if answer.outcome != "not_applicable"]
    if not applicable:
        return does_not_apply(answers[0][1].found)
    labels_of: dict[Observation, list[str]] = {}
    for label, answer in applicable:
        for seen in answer.observations:
            labels_of.setdefault(seen, []).append(label)
    if not labels_of:
        label, answer = applicable[0]
        return passed(f"asked of {asked}; of {quoted(label)}: {answer.found}")
    told = [
        seen
        if len(labels) == len(answers) > 1
        else replace(seen, text=f"label {quoted_list(labels, limit=3)}: {seen.text}")
        for seen, labels in labels_of.items()
    ]
    return observed(told, remedy=next(answer.remedy for _, answer in applicable if answer.observations))


def first_stage(stages: frozenset[Stage]) -> Stage:
    """The earliest of `stages`."""
    order: tuple[Stage, ...] = ("train", "deploy", "production")
    return next(stage for stage in order if stage in stages)
