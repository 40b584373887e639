"""Several labels a row as one target: a set of labels, from a column of lists or from columns of 0 and 1.

So the rows are dealt, kept and handed on: one column, whose cells are JSON lists of the labels that are learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.label_cells import BRACKETS, LabelCells, read_cells, seem_labels
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.positive_class import read_flag
from ml_engineer.statistics.label_sets import set_as_text
from ml_engineer.vocabulary.problem import TaskType
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["SETS", "LabelSets", "as_multilabel", "combine_columns", "find_sets", "split_target", "uniform_sets"]

SETS: Final = "labels"
"""Name of the target that is put together from several columns."""
_FEWEST_ROWS: Final = 20
"""Rows that must have a label, and that must not: fewer are four or so in a fold, and nothing is known of them."""
_MOST_LABELS: Final = 50
_MOST_SHOWN: Final = 5


@dataclass(frozen=True)
class LabelSets:
    """A table whose target is a set of labels.

    Parameters
    ----------
    frame : pandas.DataFrame
        All rows; the target is missing where nothing is known.
    labels : tuple of str
        Labels that are learned, in sorted order.
    separator : str, optional
        What stood between labels, if the target was one column.
    reason : str
        Why these are sets of labels.
    notes : tuple of str
        What was done, one sentence each.
    """

    frame: pd.DataFrame
    labels: tuple[str, ...]
    separator: str | None
    reason: str
    notes: tuple[str, ...]


def split_target(request: FrameProblemRequest) -> FrameProblemRequest:
    """The request with the columns that target names with commas between; whether there are such is not known yet."""
    columns = [name.strip() for name in request.target.split(",") if name.strip()]
    if len(columns) < 2 or request.label_columns is not None or request.task_type not in {None, "multilabel"}:
        return request
    return request.model_copy(update={"label_columns": columns, "target": SETS})


def as_multilabel(request: FrameProblemRequest, earlier: Mapping[str, Any]) -> FrameProblemRequest:
    """The request with what makes it one of several labels: columns told now, or earlier and not taken back.

    Raises
    ------
    InputError
        If columns of labels are named for another task.
    """
    columns = request.label_columns
    if columns is None and request.task_type in {None, "multilabel"}:
        columns = earlier.get("label_columns")
    if columns is None:
        return request
    if request.task_type not in {None, "multilabel"}:
        raise InputError(
            f"label_columns are for several labels a row, and task_type is {request.task_type!r}",
            remedy="Leave one of them out",
        )
    if len(set(columns)) < 2:
        raise InputError(
            "Several labels a row need at least two columns of labels",
            found=f"label_columns is {columns}",
            remedy="Name more of them, or pass the one column as target: yes or no is a binary task",
        )
    return request.model_copy(update={"label_columns": list(dict.fromkeys(columns)), "task_type": "multilabel"})


# --- columns of 0 and 1 ------------------------------------------------------------------------------------------


def combine_columns(
    frame: pd.DataFrame, target: str, columns: Sequence[str], *, kept: Sequence[str] | None = None
) -> LabelSets:
    """The table with one column of sets instead of a column a label; rows with an empty cell in one have no target.

    Parameters
    ----------
    frame : pandas.DataFrame
        All rows.
    target : str
        Name of the new column.
    columns : sequence of str
        One a label, each with two values.
    kept : sequence of str, optional
        Labels that are learned, where that was found out before; by default those with rows enough.

    Raises
    ------
    InputError
        If there is a column of that name already.
    UnsupportedTaskError
        If a column holds more than two values, or fewer than two labels are left.
    """
    rest = frame.drop(columns=list(columns))
    if target in rest.columns:
        raise InputError(
            f"The columns of labels become one column {quoted(target)}, and the table has one of that name",
            remedy="Pass label_columns with the columns, and target with a name that is free",
        )
    read = {name: _as_flags(frame[name]) for name in columns}
    known = ~np.any([missing for _, missing, _ in read.values()], axis=0)
    rows = {name: int(has[known].sum()) for name, (has, _, _) in read.items()}
    labels, left_out = _learnable(rows, int(known.sum())) if kept is None else (tuple(kept), "")
    has = np.column_stack([read[name][0] for name in labels])
    combined = rest.copy(deep=False)
    combined[target] = _as_cells(has, labels, known)
    notes = [note for _, _, note in read.values() if note]
    if not known.all():
        notes.append(f"{int((~known).sum()):,} rows with an empty cell in a column of labels have no target")
    reason = f"{len(columns)} columns of 0 and 1 tell which labels a row has; {_in_numbers(has[known])}"
    return LabelSets(combined, labels, None, reason, (*notes, *([left_out] if left_out else [])))


def _as_flags(column: pd.Series) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], str]:
    """Whether each row has the label, whether that is unknown, and what was read into it."""
    missing = column.isna().to_numpy()
    values = list(column.dropna().unique())
    if all(isinstance(value, bool | np.bool_) or value in (0, 1) for value in values):
        return column.fillna(0).astype(float).to_numpy() == 1, missing, ""
    text = column.astype("str")
    meant, why = read_flag(
        text[~missing],
        tells="a row has a label",
        remedy="Name columns of 0 and 1 alone; of several values make a column each with sql, such as "
        "SELECT *, kind = 'a' AS kind_a FROM ...",
    )
    note = f"{quoted(meant, 20)} of {quoted(column.name)} means that a row has the label: {why}"
    return (text == meant).to_numpy() & ~missing, missing, note


# --- a column of lists -------------------------------------------------------------------------------------------


def find_sets(column: pd.Series, task_type: TaskType | None) -> LabelCells | None:
    """The sets in a target column, if the person said that it holds some or it is plain; None otherwise.

    Raises
    ------
    UnsupportedTaskError
        If the person said so and it does not.
    """
    if task_type not in {None, "multilabel"}:
        return None
    cells = read_cells(column)
    if task_type is None:
        return cells if cells is not None and seem_labels(cells) else None
    if cells is None or not cells.several:
        distinct = int(column.nunique())
        fitting = "binary" if distinct == 2 else "multiclass"
        shown = ", ".join(quoted(value, 20) for value in column.dropna().drop_duplicates().head(4))
        raise UnsupportedTaskError(
            f"No row of {quoted(column.name)} has several labels",
            found=f"{distinct:,} different values, none with '|', ';' or ',' between labels, e.g. {shown}",
            remedy=f"Leave task_type out or pass {fitting!r}: a row has one label. If labels stand in several columns of 0 and 1, "
            "name them in target with commas between",
        )
    return cells


def uniform_sets(
    frame: pd.DataFrame, target: str, cells: LabelCells, *, inferred: bool, kept: Sequence[str] | None = None
) -> LabelSets:
    """The table with the target's cells written in one way, and without labels that are too rare to be learned.

    An empty cell between filled texts is a row without labels, as who joins an empty list writes it; in a column of lists
    ``[]`` says so, and an empty cell says nothing.

    Raises
    ------
    UnsupportedTaskError
        If fewer than two labels are left.
    """
    column = frame[target]
    empty = column.isna().to_numpy()
    bracketed = cells.separator == BRACKETS
    known = ~empty if bracketed else np.ones(len(column), dtype=bool)
    labels, left_out = _learnable(dict(cells.label_rows), int(known.sum())) if kept is None else (tuple(kept), "")
    wanted = frozenset(labels)
    texts = {cell: set_as_text(wanted.intersection(found)) for cell, found in cells.sets.items()}
    uniform = frame.copy(deep=False)
    written = column.map(texts, na_action="ignore").astype("str")
    uniform[target] = written.where(~empty, None if bracketed else set_as_text(()))
    notes = [
        f"{quoted(target)} holds several labels a cell, "
        + ("as lists in brackets" if bracketed else f"with {cells.separator!r} between them")
    ]
    if empty.any() and not bracketed:
        notes.append(
            f"{int(empty.sum()):,} rows with an empty cell in {quoted(target)} count as rows without any label; if their labels "
            "are not known, leave them out with sql"
        )
    several = cells.several / max(int(known.sum()), 1)
    why = f"{several:.0%} of the rows have several of {len(cells.label_rows):,} labels"
    reason = f"{why}, each of which comes again and again" if inferred else f"named by the person; {why}"
    return LabelSets(uniform, labels, cells.separator, reason, (*notes, *([left_out] if left_out else [])))


# --- both --------------------------------------------------------------------------------------------------------


def _learnable(label_rows: Mapping[str, int], rows: int) -> tuple[tuple[str, ...], str]:
    """Labels with rows enough with and without them, at most fifty; and which are left out, in a sentence."""
    able = [label for label, number in label_rows.items() if _FEWEST_ROWS <= number <= rows - _FEWEST_ROWS]
    able = sorted(able, key=lambda label: (-label_rows[label], label))[:_MOST_LABELS]
    if len(able) < 2:
        shown = sorted(label_rows.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SHOWN]
        raise UnsupportedTaskError(
            f"{'Only one label has' if able else 'No label has'} rows enough to be learned",
            found=f"rows with a label: {', '.join(f'{quoted(label, 20)} {number:,}' for label, number in shown)}; "
            f"at least {_FEWEST_ROWS} rows must have it and {_FEWEST_ROWS} must not, of {rows:,}",
            remedy="Bring more rows, group rare labels with sql, or ask about one label as a binary task",
        )
    others = sorted(set(label_rows) - set(able), key=lambda label: (-label_rows[label], label))
    if not others:
        return tuple(sorted(able)), ""
    named = ", ".join(f"{quoted(label, 30)} ({label_rows[label]:,} rows)" for label in others[:_MOST_SHOWN])
    more = f" and {len(others) - _MOST_SHOWN:,} more" if len(others) > _MOST_SHOWN else ""
    rule = f"fewer than {_FEWEST_ROWS} rows have them or have them not"
    if len(able) == _MOST_LABELS:
        rule += f", or they are not among the {_MOST_LABELS} most frequent"
    return tuple(sorted(able)), f"Labels that are not learned, because {rule}: {named}{more}"


def _as_cells(
    has: npt.NDArray[np.bool_], labels: Sequence[str], known: npt.NDArray[np.bool_]
) -> pd.api.extensions.ExtensionArray:
    """Rows of 0 and 1, (n, k), as texts; missing where nothing is known."""
    patterns, place = np.unique(has, axis=0, return_inverse=True)
    texts = [set_as_text(label for label, one in zip(labels, row, strict=True) if one) for row in patterns]
    cells = np.array(texts, dtype=object)[place.ravel()]
    cells[~known] = None
    return pd.array(cells, dtype="str")


def _in_numbers(has: npt.NDArray[np.bool_]) -> str:
    number = has.sum(axis=1)
    return f"a row has {number.mean():.2g} on average, and {float((number == 0).mean()):.0%} have none"
