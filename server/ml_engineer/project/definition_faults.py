"""What is wrong with an edited problem.yaml, and on which line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ml_engineer.errors import DefinitionError
from ml_engineer.vocabulary.problem import ProblemColumn, ProblemDefinition, TaskType

__all__ = ["Place", "contradictions", "explained", "fault_error", "nearest", "shown"]

_MOST_SHOWN = 3
_CLASSES: dict[TaskType, tuple[int, int | None]] = {
    "binary": (2, 2),
    "multiclass": (3, None),
    "regression": (0, 0),
    "ranking": (0, 0),
    "forecasting": (0, 0),
    "survival": (0, 0),
}
"""Fewest and most labels of a task, where not two or more."""

_FEWEST_LEVELS = 3

Place = tuple[str | int, ...]
"""Keys that lead to a place in the file."""


def explained(
    detail: ErrorDetails,
    names: Sequence[str],
    *,
    record: type[BaseModel] = ProblemDefinition,
    column: type[BaseModel] = ProblemColumn,
) -> tuple[Place, str]:
    """Place in the file and sentence for one of pydantic's errors.

    Parameters
    ----------
    detail : ErrorDetails
        The error.
    names : sequence of str
        Names of the columns, in the order of the file.
    record, column : types of record
        What the file holds, and what its entries under ``columns`` are.
    """
    place: Place = detail["loc"]
    if len(place) > 1 and place[0] == "columns" and isinstance(place[1], int) and place[1] < len(names):
        place = ("columns", names[place[1]], *place[2:])
    key = str(place[-1])
    if detail["type"] == "extra_forbidden":
        return place, f"there is no key {key!r} here{nearest(key, _keys_at(place, record, column))}"
    if detail["type"] == "missing":
        return place, f"the key {key!r} is missing"
    value = detail["input"]
    held = f"{key!r} holds {shown(value)}"
    if detail["type"] == "literal_error":
        allowed = [part.strip("'") for part in re.findall(r"'[^']*'", detail["ctx"]["expected"])]
        return place, f"{held}; allowed: {', '.join(allowed)}{nearest(str(value), allowed)}"
    return place, f"{held}; {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _keys_at(place: Place, whole: type[BaseModel], column: type[BaseModel]) -> list[str]:
    record = whole
    for key in place[:-1]:
        if key == "columns":
            record = column
        elif isinstance(key, str) and record is whole:
            annotation = record.model_fields[key].annotation if key in record.model_fields else None
            kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
            record = next((kind for kind in kinds if issubclass(kind, BaseModel)), record)
    return list(record.model_fields)


def nearest(word: str, allowed: Sequence[str]) -> str:
    """A guess at what was meant, to be added to a sentence; empty if nothing is near."""
    close = difflib.get_close_matches(word, allowed, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def shown(value: object) -> str:
    """`value` as it stands in code, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def contradictions(problem: ProblemDefinition) -> Iterator[tuple[Place, str]]:
    """What no single key shows: keys that do not fit one another."""
    names = [column.name for column in problem.columns]
    if problem.target not in names and (problem.target or problem.learns_target):
        yield (
            ("target",),
            f"'target' holds {shown(problem.target)}, which is not a column{nearest(problem.target, names)}",
        )
    for column in problem.columns:
        at = ("columns", column.name)
        if (column.role == "target") != (column.name == problem.target):
            yield (*at, "role"), f"only the target, {shown(problem.target)}, has the role 'target'"
        elif column.role == "target" and column.used:
            yield (*at, "used"), "the target cannot be used as a feature"
        elif column.used and column.availability == "after_the_fact":
            yield (*at, "used"), "a column known only after the fact cannot be used; set 'availability' or 'used'"
        elif column.role == "weight" and column.decided_by == "person" and column.name != problem.weight_column:
            yield (*at, "role"), f"rows have one weight, and {shown(problem.weight_column)} is it already"
    if not problem.features:
        yield ("columns",), "no column is used, so that there is nothing to learn from; set 'used: true' on some"
    yield from _task_contradictions(problem)
    for key in ("group_columns", "time_column"):
        named = getattr(problem.split, key) or ()
        for name in (named,) if isinstance(named, str) else named:
            if name not in names:
                yield ("split", key), f"{key!r} holds {shown(name)}, which is not a column{nearest(name, names)}"


def _task_contradictions(problem: ProblemDefinition) -> Iterator[tuple[Place, str]]:
    from ml_engineer.statistics.metrics import (
        metrics_without_target,
        primary_metrics_for,
    )  # numpy, needed only for files edited by hand

    task = problem.form
    if not problem.learns_target:
        yield from _without_target(problem, metrics_without_target(problem.task_type, labelled=bool(problem.target)))
        return
    least, most = _CLASSES.get(problem.task_type, (2, None))
    if len(problem.classes) < least or (most is not None and len(problem.classes) > most):
        yield (
            ("classes",),
            f"'classes' holds {len(problem.classes)} labels, which does not fit a {problem.task_type} task",
        )
        return
    if problem.task_type == "ordinal" and len(problem.classes) < _FEWEST_LEVELS:
        yield (
            ("task_type",),
            f"'task_type' holds 'ordinal', but {len(problem.classes)} levels have no order to speak of",
        )
    if problem.task_type == "text_classification" and not any(column.role == "text" for column in problem.features):
        yield ("task_type",), "'task_type' holds 'text_classification', but no used column has the role 'text'"
    if task == "binary" and problem.positive_class not in problem.classes:
        yield (
            ("positive_class",),
            f"'positive_class' holds {shown(problem.positive_class)}; allowed: {', '.join(problem.classes)}",
        )
    if problem.task_type in {"ranking", "multilabel"} and problem.weight_column is not None:
        counted = "a ranking counts every query" if problem.task_type == "ranking" else "of several labels a row counts"
        yield ("columns", problem.weight_column, "role"), f"{counted} once; set 'ignored'"
    if problem.task_type == "ranking" and problem.split.strategy not in {"grouped", "own_test_file"}:
        yield ("split", "strategy"), "a ranking is dealt by whole queries; 'strategy' must be 'grouped'"
    if problem.costs is not None and task != "binary":
        yield ("costs",), f"'costs' are for binary tasks; this one is {task}"
    judged = problem.task_type if problem.task_type == "forecasting" else problem.judged_as
    allowed = primary_metrics_for(judged, has_costs=problem.costs is not None)
    if problem.primary_metric not in allowed:
        yield (
            ("primary_metric",),
            f"'primary_metric' holds {problem.primary_metric!r}, which does not fit; allowed: {', '.join(allowed)}",
        )


def _without_target(problem: ProblemDefinition, allowed: Sequence[str]) -> Iterator[tuple[Place, str]]:
    if problem.task_type == "clustering" and problem.target:
        yield ("target",), "'target' is empty for clustering: there is nothing to predict"
    if problem.classes or problem.costs is not None:
        yield ("classes" if problem.classes else "costs",), f"{problem.task_type} has neither classes nor costs"
    if problem.task_type == "anomaly_detection" and problem.expected_fraction is None:
        yield ("expected_fraction",), "'expected_fraction' is empty; give the share of rows to flag, e.g. 0.01"
    if problem.primary_metric not in allowed:
        yield (
            ("primary_metric",),
            f"'primary_metric' holds {problem.primary_metric!r}, which does not fit; allowed: {', '.join(allowed)}",
        )


def fault_error(
    path: Path,
    tree: CommentedMap,
    faults: Sequence[tuple[Place, str]],
    *,
    remedy: str = "Edit that line, or call frame_problem again to write the file anew",
) -> DefinitionError:
    """The error that tells `faults`, each a place in `tree` and a sentence; the first few of them."""
    sentences = [f"line {_line(tree, place)}: {sentence}" for place, sentence in faults]
    more = sentences[1:_MOST_SHOWN]
    left = len(sentences) - 1 - len(more)
    found = "; ".join(f"also {sentence}" for sentence in more) + (f"; and {left} more" if left else "")
    return DefinitionError(
        f"{path}, {sentences[0]}",
        found=found,
        remedy=remedy,
    )


def _line(tree: CommentedMap, place: Place) -> int:
    """Line, from 1, of the deepest part of `place` that the file has."""
    node: object = tree
    line = tree.lc.line or 0
    for key in place:
        if isinstance(node, CommentedMap):
            found = next((own for own in node if str(own) == str(key)), None)
            if found is None:
                break
            line, node = node.lc.key(found)[0], node[found]
        elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
            line, node = node.lc.item(key)[0], node[key]
        else:
            break
    return int(line) + 1
