"""What a person told or changed before, so that framing a problem again does not forget it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ml_engineer.errors import DefinitionError, ProjectStateError
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.problem_yaml import is_untouched
from ml_engineer.project.records import find_record
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition

__all__ = ["Earlier", "recall"]

_EDITABLE: Final = ("primary_metric", "positive_class")
_ARGUMENT_OF: Final = {"primary_metric": "metric", "positive_class": "positive_class"}


@dataclass(frozen=True)
class Earlier:
    """A project's problem as it stood.

    Parameters
    ----------
    problem : ProblemDefinition or None
        The problem, if there was a valid one with the same target.
    arguments : dict of str to JSON value
        Arguments of frame_problem that the person gave before, their edits of the file included.
    columns : dict of str to ProblemColumn
        Columns that the person decided in the file.
    edited_text : str or None
        The file as the person left it, if it is not as it was written.
    """

    problem: ProblemDefinition | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, ProblemColumn] = field(default_factory=dict)
    edited_text: str | None = None


def recall(layout: ProjectLayout, *, target: str) -> Earlier:
    """What is known of an earlier framing of the same target in this project; nothing if there was none.

    A file that cannot be read as a problem is no reason to refuse: it is about to be written anew, and its text is
    handed back to be kept.
    """
    try:
        text = layout.problem_yaml.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Earlier()
    try:
        framed = find_record(layout, ProblemDefinition)
        edited = None if framed is not None and is_untouched(text, framed) else text
        problem = load_problem(layout)
    except (DefinitionError, ProjectStateError):
        return Earlier(edited_text=text)
    if problem.target != target:
        return Earlier(edited_text=edited)
    arguments = dict(problem.arguments)
    if framed is not None:
        arguments |= _edits(problem, framed)
    explained = _named_in(problem.arguments)
    by_hand = {
        column.name: column
        for column in problem.columns
        if column.decided_by == "person"
        and (column.name not in explained or framed is None or column not in framed.columns)
    }
    return Earlier(problem, arguments, by_hand, edited)


def _named_in(arguments: Mapping[str, Any]) -> set[str]:
    """Columns that arguments decided: with the arguments they are decided again, and otherwise not."""
    names = ("after_the_fact", "known_at_prediction", "exclude_columns", "sensitive_columns", "roles")
    return {column for name in names for column in arguments.get(name) or ()}


def _edits(problem: ProblemDefinition, framed: ProblemDefinition) -> dict[str, Any]:
    """Edits of the file, as the arguments that would have said the same."""
    edits: dict[str, Any] = {
        _ARGUMENT_OF[key]: getattr(problem, key)
        for key in _EDITABLE
        if getattr(problem, key) != getattr(framed, key) and getattr(problem, key) is not None
    }
    if problem.business_goal != framed.business_goal:
        edits["goal"] = problem.business_goal
    if problem.prediction_moment != framed.prediction_moment:
        edits["prediction_moment"] = problem.prediction_moment
    if problem.target_score != framed.target_score:
        edits["target_score"] = problem.target_score
    if problem.costs != framed.costs:
        edits["false_positive_cost"] = problem.costs.false_positive if problem.costs else None
        edits["false_negative_cost"] = problem.costs.false_negative if problem.costs else None
    return edits
