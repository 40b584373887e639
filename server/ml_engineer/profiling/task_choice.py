"""Which kind of task a target makes: by its values and its name, or as the person said."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ml_engineer.errors import UnsupportedTaskError
from ml_engineer.profiling.names import has_any, quoted, word_set, words
from ml_engineer.profiling.queries import require_grades
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.problem import Question, TaskType

__all__ = ["Choice", "infer_task", "names_counts", "names_grades", "said_task"]

_MOST_ORDERED_LEVELS: Final = 10
_MOST_CODE_LEVELS: Final = 20
_FEWEST_OF_A_LEVEL: Final = 5
"""Counts thin out to single rows; labels with fewer rows than folds could not be learned."""
_CODES: Final = word_set("category cat class cls code cluster color colour group kind label species state status type")
_COUNTS: Final = word_set(
    "accidents amount cases children claims cnt count counts days deaths events goals hours items n num number orders "
    "persons qty quantity sales total units visits"
)
_GRADES: Final = word_set("grade level quality rank rating score severity stage stars")

Choice = tuple[Task, str, tuple[Question, ...]]
"""Task, reason, and questions about it."""


def infer_task(column: pd.Series, distinct: int) -> Choice:
    """The task that the name and the values of the target speak for; why; and what to ask."""
    if distinct == 2:
        return "binary", "the target has two different values", ()
    if isinstance(column.dtype, pd.StringDtype):
        return "multiclass", f"the target has {distinct} different labels", ()
    if pd.api.types.is_float_dtype(column.dtype):
        return "regression", f"the target is a number with {distinct:,} different values", ()
    return _whole_numbers(column, distinct)


def _whole_numbers(column: pd.Series, distinct: int) -> Choice:
    name = str(column.name)
    repeated = len(column) >= 5 * distinct
    coded = _speaks_of(name, _CODES)
    if names_counts(name):
        return "regression", f"the target is a count with {distinct:,} different values", ()
    rarest = int(column.value_counts().min())
    if not coded and not names_grades(name) and rarest < _FEWEST_OF_A_LEVEL <= distinct:
        levels = f"whole number with {distinct:,} different values, the rarest in {rarest} row(s)"
        return "regression", f"the target is a {levels}, which labels seldom are", ()
    if repeated and distinct <= (_MOST_CODE_LEVELS if coded else _MOST_ORDERED_LEVELS):
        return _few_levels(column, distinct, coded=coded)
    return "regression", f"the target is a whole number with {distinct:,} different values", ()


def _few_levels(column: pd.Series, distinct: int, *, coded: bool) -> Choice:
    levels = f"the target has {distinct} whole-number levels ({column.min()} to {column.max()})"
    if coded:
        return "multiclass", f"{levels}, which its name takes for codes", ()
    graded = names_grades(str(column.name))
    question = Question(
        id="target",
        text=f"Are the {distinct} levels of {quoted(column.name)} labels, steps of a scale, or amounts whose distances count?",
        assumption="They are steps of a scale." if graded else "They are labels.",
        argument=f"task_type={'multiclass' if graded else 'ordinal'!r} for {'labels' if graded else 'steps'}, "
        "'regression' for amounts",
    )
    return "multiclass", f"{levels}, each many times", (question,)


def names_counts(name: str) -> bool:
    """Whether a column's name speaks of a number of things."""
    return _speaks_of(name, _COUNTS) and not _speaks_of(name, _CODES)


def names_grades(name: str) -> bool:
    """Whether a column's name speaks of grades, whose numbers have an order and no unit."""
    return _speaks_of(name, _GRADES)


def _speaks_of(name: str, vocabulary: frozenset[str]) -> bool:
    # `pclass` and `itemcount` are one word to the splitter.
    endings = tuple(word for word in vocabulary if len(word) > 3)
    return has_any(name, vocabulary) or any(part.endswith(endings) for part in words(name)[-1:])


def said_task(column: pd.Series, distinct: int, task_type: TaskType) -> Choice:
    """The task that the person named, if the values allow it."""
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    if task_type == "binary" and distinct == 2:
        return "binary", "named by the person; the target has two different values", ()
    if task_type == "multiclass" and distinct > 2:
        return "multiclass", f"named by the person; the target has {distinct} different values", ()
    if task_type == "text_classification" and (distinct == 2 or not numeric or distinct <= _MOST_CODE_LEVELS):
        task: Task = "binary" if distinct == 2 else "multiclass"
        return task, f"named by the person; the target has {distinct} different values", ()
    if task_type == "regression" and numeric:
        return "regression", f"named by the person; the target is a number with {distinct:,} different values", ()
    if task_type == "ranking" and numeric:
        require_grades(column)
        return "regression", f"named by the person; relevance has {distinct:,} grades up to {column.max():g}", ()
    if task_type == "survival" and numeric:
        events = int((column > 0).sum())
        return (
            "regression",
            f"the time of an event: {events:,} rows had it, {len(column) - events:,} were followed without",
            (),
        )
    shown = ", ".join(quoted(value, 20) for value in column.drop_duplicates().head(4))
    fitting = "binary" if distinct == 2 else "regression" if numeric and distinct > _MOST_CODE_LEVELS else "multiclass"
    raise UnsupportedTaskError(
        f"The task type {task_type!r} does not fit the target {quoted(column.name)}",
        found=f"{distinct:,} different values, e.g. {shown}",
        remedy=f"Leave task_type out, or pass task_type={fitting!r}",
    )
