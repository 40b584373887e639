"""The column to predict: is it usable, what kind of task does it make, which class is positive.

Looks at the target alone, on all rows: counts are needed to deal the rows. Nothing here relates it to
another column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.levels import level_order, order_of_words
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.positive_class import choose_positive
from ml_engineer.profiling.task_choice import infer_task, names_grades, said_task
from ml_engineer.statistics.label_sets import labels_in, membership
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.problem import JUDGED_BY_NAME, Question, TaskType

__all__ = ["TargetReading", "read_target"]

_MOST_CLASSES: Final = 500


@dataclass(frozen=True)
class TargetReading:
    """What the target makes of the problem.

    Parameters
    ----------
    task : Task
        How an outcome looks.
    reason : str
        Why.
    classes : tuple of str
        Labels in sorted order, or from lowest to highest if they are levels; those that a row may have, if it may have
        several; empty for regression.
    class_rows : tuple of int
        Rows of each class.
    positive_class : str or None
        For binary tasks.
    positive_reason : str
        Why that one.
    questions : tuple of Question
        At most one, about the target.
    named : TaskType, optional
        What the task is called, where that is not how its outcomes look.
    """

    task: Task
    reason: str
    classes: tuple[str, ...] = ()
    class_rows: tuple[int, ...] = ()
    positive_class: str | None = None
    positive_reason: str = ""
    questions: tuple[Question, ...] = ()
    named: TaskType | None = None

    @property
    def task_type(self) -> TaskType:
        """What the task is called."""
        return self.named or self.task

    @property
    def judged_as(self) -> TaskType:
        """The kind of task whose metrics apply."""
        return self.named if self.named in JUDGED_BY_NAME else self.task

    @property
    def smallest_class_rows(self) -> int | None:
        """Rows of the rarest class; none for regression."""
        return min(self.class_rows) if self.class_rows else None


def read_target(
    column: pd.Series,
    *,
    task_type: TaskType | None = None,
    positive_class: str | None = None,
    levels: Sequence[str] | None = None,
    declared: Sequence[str] = (),
    labels_reason: str = "",
) -> TargetReading:
    """What kind of task the target makes.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        The target without missing values.
    task_type, positive_class, levels : optional
        What the person said; levels are the values of an ordinal target from lowest to highest.
    declared : sequence of str
        Categories of the target from lowest to highest, where the data say that they have an order.
    labels_reason : str
        Why the target holds sets of labels, for a multilabel task.

    Raises
    ------
    InputError
        If there is nothing to learn: one value only, or a different one in each row.
    UnsupportedTaskError
        If the kind of task does not fit the values.
    """
    name = str(column.name)
    if task_type == "multilabel":
        return _label_sets(column, labels_reason, positive_class=positive_class, levels=levels)
    distinct = int(column.nunique())
    if distinct == 1:
        raise InputError(
            f"The target {quoted(name)} has one value only",
            found=f"{quoted(column.iloc[0])} in all {len(column):,} rows",
            remedy="Name another target, or data in which it varies",
        )
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise UnsupportedTaskError(
            f"The target {quoted(name)} holds time stamps",
            remedy="Add a column with the time until then (days as a number) or whether it happens in time, and name that",
        )
    if isinstance(column.dtype, pd.StringDtype) and distinct > max(0.5 * len(column), 20):
        raise InputError(
            f"The target {quoted(name)} is different in nearly every row",
            found=f"{distinct:,} different texts in {len(column):,} rows, e.g. {quoted(column.iloc[0])}",
            remedy="Name a target whose values repeat; an identifier or free text cannot be learned as a class",
        )
    if levels is not None and task_type not in {None, "ordinal"}:
        raise InputError(
            "levels are for ordinal tasks", found=f"task_type={task_type!r}", remedy="Leave levels out, or task_type"
        )
    in_data = _declared(column, declared)
    if levels is not None or task_type == "ordinal":
        order = level_order(column, levels or in_data)
        return _ordered(column, order, "named by the person", ())
    if task_type is None and in_data is not None and positive_class is None:
        return _ordered(column, in_data, "an ordered category in the data", ())
    task, reason, questions = (
        infer_task(column, distinct) if task_type is None else said_task(column, distinct, task_type)
    )
    if positive_class is not None and task != "binary":
        raise InputError(
            "positive_class is for binary tasks", found=f"this one is {task}", remedy="Leave positive_class out"
        )
    if task == "regression":
        return TargetReading(
            task, reason, questions=questions, named=task_type if task_type in {"ranking", "survival"} else None
        )
    if task == "multiclass" and task_type is None and (seen := _seen_order(column)) is not None:
        return _ordered(column, seen, reason, questions)
    named: TaskType | None = task_type if task_type == "text_classification" else None
    return replace(_classes(column, task, reason, positive_class, questions), named=named)


def _declared(column: pd.Series, declared: Sequence[str]) -> tuple[str, ...] | None:
    """The order that the data say, of the categories that are met; nothing where it does not make three levels or more."""
    labels = {str(value) for value in column.unique()}
    order = tuple(label for label in declared if label in labels)
    return order if len(order) == len(labels) >= 3 else None


def _label_sets(
    column: pd.Series, reason: str, *, positive_class: str | None, levels: Sequence[str] | None
) -> TargetReading:
    for argument, value in (("positive_class", positive_class), ("levels", levels)):
        if value is not None:
            raise InputError(
                f"{argument} does not fit a multilabel task", found=f"it is {value!r}", remedy=f"Leave {argument} out"
            )
    labels = labels_in(column)
    rows = tuple(int(number) for number in membership(column, labels).sum(axis=0))
    return TargetReading("multilabel", reason, labels, rows)


def _seen_order(column: pd.Series) -> tuple[str, ...] | None:
    """The order of levels, where words of a known scale or a name that speaks of grades show it."""
    labels = [str(value) for value in column.drop_duplicates().sort_values()]
    if isinstance(column.dtype, pd.StringDtype):
        return order_of_words(labels)
    return tuple(labels) if names_grades(str(column.name)) else None


def _ordered(column: pd.Series, order: tuple[str, ...], reason: str, questions: tuple[Question, ...]) -> TargetReading:
    counts = column.astype(str).value_counts()
    listed = " < ".join(quoted(level, 20) for level in (order if len(order) <= 4 else (*order[:2], "…", order[-1])))
    why = f"{reason}; its levels have an order: {listed}"
    rows = tuple(int(counts[level]) for level in order)
    return TargetReading("multiclass", why, order, rows, questions=questions, named="ordinal")


def _classes(
    column: pd.Series, task: Task, reason: str, positive_class: str | None, questions: tuple[Question, ...]
) -> TargetReading:
    counts = column.value_counts().sort_index()  # the order of scikit-learn's `classes_`
    classes, rows = tuple(str(value) for value in counts.index), tuple(int(count) for count in counts)
    if len(classes) > _MOST_CLASSES:
        raise UnsupportedTaskError(
            f"The target {quoted(column.name)} has {len(classes):,} classes",
            found=f"at most {_MOST_CLASSES} can be told apart with any certainty",
            remedy="Group them into fewer classes, or pass task_type='regression' if they are amounts",
        )
    positive, why = (None, "") if task != "binary" else choose_positive(classes, rows, wanted=positive_class)
    return TargetReading(task, reason, classes, rows, positive, why, questions)
