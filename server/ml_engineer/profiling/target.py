"""The column to predict: is it there, is it usable, what kind of task does it make, which class is positive.

Looks at the target alone, on all rows: counts are needed to deal the rows. Nothing here relates it to
another column.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.names import has_any, quoted, word_set, words
from ml_engineer.profiling.positive_class import choose_positive
from ml_engineer.statistics.metrics import Task
from ml_engineer.vocabulary.problem import Question, TaskType

__all__ = ["CleanTarget", "TargetReading", "clean_target", "nearest_columns", "read_target", "require_columns"]

_FEWEST_ROWS: Final = 10
_MOST_CLASSES: Final = 500
_MOST_ORDERED_LEVELS: Final = 10
_MOST_CODE_LEVELS: Final = 20
_NUMBERS_SHARE: Final = 0.8
_MOST_ODD_WORDS: Final = 3

_CODES: Final = word_set("category cat class cls code cluster color colour group kind label species state status type")
_COUNTS: Final = word_set(
    "amount children cnt count counts days hours items n num number orders persons qty quantity sales total units visits"
)
_GRADES: Final = word_set("grade level quality rank rating score severity stage stars")

_COMING: Final[dict[TaskType, str]] = {
    "multilabel": "frame one label at a time as a binary task",
    "ordinal": "frame it as regression on the level, or as multiclass if the steps between levels mean nothing",
    "ranking": "frame the relevance as regression, with group_columns naming the query",
    "forecasting": "frame it as regression with split='time' and time_column, on columns known in advance "
    "(calendar, past values)",
    "text_classification": "frame it as binary or multiclass; the text column becomes a feature",
    "anomaly_detection": "if some rows are labelled, frame that label as a binary task",
    "clustering": "there is nothing to predict yet; name a column to predict",
    "survival": "frame whether the event happens within a fixed time as a binary task, leaving out rows "
    "that were not followed that long",
}


@dataclass(frozen=True)
class CleanTarget:
    """A table whose target can be learned from.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows that have a target; their index still counts rows of the source.
    notes : tuple of str
        What was done to the target and how many rows were left out, one sentence each.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


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
        Labels in sorted order; empty for regression.
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
    def smallest_class_rows(self) -> int | None:
        """Rows of the rarest class; none for regression."""
        return min(self.class_rows) if self.class_rows else None


# --- names -------------------------------------------------------------------------------------------------------


def nearest_columns(name: str, columns: Sequence[str]) -> list[str]:
    """At most three columns whose names are close to `name`, case and outer spaces aside."""
    folded = {column.strip().casefold(): column for column in reversed(columns)}
    close = difflib.get_close_matches(name.strip().casefold(), list(folded), n=3, cutoff=0.5)
    return [folded[match] for match in close]


def require_columns(names: Sequence[str], columns: Sequence[str], *, argument: str) -> None:
    """Refuse names that are not columns.

    Raises
    ------
    InputError
        Naming the argument, the name and the nearest columns.
    """
    known = set(columns)
    for name in names:
        if name not in known:
            near = nearest_columns(name, columns)
            listed = ", ".join(quoted(column) for column in (near or list(columns)[:20]))
            raise InputError(
                f"There is no column {quoted(name)} ({argument})",
                found=f"{'nearest names' if near else 'the columns are'}: {listed}",
                remedy=f"Pass {argument} as it is spelled in the data",
            )


# --- cleaning ----------------------------------------------------------------------------------------------------


def clean_target(frame: pd.DataFrame, target: str) -> CleanTarget:
    """Leave out rows without a usable target, and give whole numbers and numbers with odd words their type.

    Raises
    ------
    InputError
        If no target is left, or too few rows are.
    """
    column = frame[target]
    notes: list[str] = []
    if isinstance(column.dtype, pd.StringDtype):
        column, notes = _numbers_with_words(column)
    if pd.api.types.is_float_dtype(column.dtype):
        column = column.where(np.isfinite(column))
    present = column.notna()
    left_out = int((~present).sum())
    if left_out == len(frame):
        raise InputError(
            f"The target {quoted(target)} has no value in any of the {len(frame):,} rows",
            remedy="Name another target, or data in which it is known",
        )
    if len(frame) - left_out < _FEWEST_ROWS:
        raise InputError(
            f"Too few rows to learn from and hold some out: {len(frame) - left_out} with a target",
            found=f"{len(frame)} {'row' if len(frame) == 1 else 'rows'} in all",
            remedy=f"Bring at least {_FEWEST_ROWS} rows with a target (a useful model needs hundreds)",
        )
    if left_out:
        notes.append(f"{left_out:,} rows without a usable value of {quoted(target)} are left out")
        column = column[present]
    if pd.api.types.is_float_dtype(column.dtype) and (column == np.floor(column)).all() and column.abs().max() < 2**53:
        column = column.astype("int64")
    unchanged = not left_out and column.dtype == frame[target].dtype
    if not unchanged:
        frame = frame.loc[column.index].copy(deep=False)
        frame[target] = column
    return CleanTarget(frame, tuple(notes))


def _numbers_with_words(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Text that is nearly all numbers, with a few words such as 'not rated', as numbers."""
    counts = column.value_counts()
    numbers = pd.to_numeric(pd.Series(counts.index.to_numpy(dtype=object)), errors="coerce").to_numpy()
    odd = np.isnan(numbers)
    if (
        not odd.any()
        or odd.sum() > _MOST_ODD_WORDS
        or counts[~odd].sum() < _NUMBERS_SHARE * counts.sum()
        or (~odd).sum() < 3
    ):
        return column, []
    listed = ", ".join(quoted(word) for word in counts.index[odd])
    note = f"The target is read as a number; {listed} ({int(counts[odd].sum()):,} rows) is taken for 'not known'"
    return pd.to_numeric(column, errors="coerce").astype("float64"), [note]


# --- kind of task ------------------------------------------------------------------------------------------------


def read_target(
    column: pd.Series, *, task_type: TaskType | None = None, positive_class: str | None = None
) -> TargetReading:
    """What kind of task the target makes.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        The target without missing values.
    task_type, positive_class : optional
        What the person said.

    Raises
    ------
    InputError
        If there is nothing to learn: one value only, or a different one in each row.
    UnsupportedTaskError
        If the kind of task has not landed, or does not fit the values.
    """
    name = str(column.name)
    if task_type in _COMING:
        raise UnsupportedTaskError(
            f"The task type {task_type!r} has not landed yet",
            found="binary, multiclass and regression are whole today",
            remedy=f"Until then, {_COMING[task_type]}",
        )
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
    task, reason, questions = _task(column, distinct) if task_type is None else _said(column, distinct, task_type)
    if positive_class is not None and task != "binary":
        raise InputError(
            "positive_class is for binary tasks", found=f"this one is {task}", remedy="Leave positive_class out"
        )
    if task == "regression":
        return TargetReading(task, reason, questions=questions)
    return _classes(column, task, reason, positive_class, questions)


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


def _task(column: pd.Series, distinct: int) -> tuple[Task, str, tuple[Question, ...]]:
    name = str(column.name)
    if distinct == 2:
        return "binary", "the target has two different values", ()
    if isinstance(column.dtype, pd.StringDtype):
        return "multiclass", f"the target has {distinct} different labels", ()
    if pd.api.types.is_float_dtype(column.dtype):
        return "regression", f"the target is a number with {distinct:,} different values", ()
    repeated = len(column) >= 5 * distinct
    coded = _speaks_of(name, _CODES)
    if _speaks_of(name, _COUNTS) and not coded:
        return "regression", f"the target is a count with {distinct:,} different values", ()
    if repeated and distinct <= (_MOST_CODE_LEVELS if coded else _MOST_ORDERED_LEVELS):
        return _few_levels(column, distinct, coded=coded)
    return "regression", f"the target is a whole number with {distinct:,} different values", ()


def _few_levels(column: pd.Series, distinct: int, *, coded: bool) -> tuple[Task, str, tuple[Question, ...]]:
    levels = f"the target has {distinct} whole-number levels ({column.min()} to {column.max()})"
    if coded:
        return "multiclass", f"{levels}, which its name takes for codes", ()
    graded = _speaks_of(str(column.name), _GRADES)
    question = Question(
        id="target",
        text=f"Are the {distinct} levels of {quoted(column.name)} labels, or amounts whose distances count?",
        assumption="They are labels (the task type for ordered levels, 'ordinal', has not landed).",
        argument="task_type='regression' for amounts",
    )
    order = "; they are ordered, which multiclass ignores and the coming type 'ordinal' will use" if graded else ""
    return "multiclass", f"{levels}, each many times{order}", (question,)


def _speaks_of(name: str, vocabulary: frozenset[str]) -> bool:
    # `pclass` and `itemcount` are one word to the splitter.
    endings = tuple(word for word in vocabulary if len(word) > 3)
    return has_any(name, vocabulary) or any(part.endswith(endings) for part in words(name)[-1:])


def _said(column: pd.Series, distinct: int, task_type: TaskType) -> tuple[Task, str, tuple[Question, ...]]:
    """The task that the person named, if the values allow it."""
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    if task_type == "binary" and distinct == 2:
        return "binary", "named by the person; the target has two different values", ()
    if task_type == "multiclass" and distinct > 2:
        return "multiclass", f"named by the person; the target has {distinct} different values", ()
    if task_type == "regression" and numeric:
        return "regression", f"named by the person; the target is a number with {distinct:,} different values", ()
    shown = ", ".join(quoted(value, 20) for value in column.drop_duplicates().head(4))
    fitting = "binary" if distinct == 2 else "regression" if numeric and distinct > _MOST_CODE_LEVELS else "multiclass"
    raise UnsupportedTaskError(
        f"The task type {task_type!r} does not fit the target {quoted(column.name)}",
        found=f"{distinct:,} different values, e.g. {shown}",
        remedy=f"Leave task_type out, or pass task_type={fitting!r}",
    )
