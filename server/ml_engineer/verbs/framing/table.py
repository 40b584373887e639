"""The table that a problem is framed on: read, joined with the person's own test file, its target made usable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.column_names import require_columns
from ml_engineer.profiling.events import combine_event
from ml_engineer.profiling.label_cells import read_cells
from ml_engineer.profiling.label_sets import LabelSets, combine_columns, find_sets, uniform_sets
from ml_engineer.profiling.label_spelling import align_labels
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.target_rows import CleanTarget, clean_target
from ml_engineer.sources import Table, align_columns, read_table
from ml_engineer.vocabulary.data import DataSource, ReadReport
from ml_engineer.vocabulary.problem import WITHOUT_TARGET, TaskType
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["FramingTable", "read_framing_table", "read_recorded_table"]

_SHOWN = 5


@dataclass(frozen=True)
class FramingTable:
    """All rows with a target.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows; the index counts rows of the source, those of the test file after all others.
    own_test : numpy.ndarray of shape (n,) or None
        Whether a row comes from the person's own test file.
    source, test_source : DataSource
        Where the rows come from.
    report : ReadReport
        How they were read.
    files : dict of str to str
        SHA-256 of each file, by absolute path.
    notes : tuple of str
        What a person should know of the reading, one sentence each.
    labels_reason : str
        Why the target is a set of labels; empty if it is none.
    """

    frame: pd.DataFrame
    own_test: npt.NDArray[np.bool_] | None
    source: DataSource
    test_source: DataSource | None
    report: ReadReport
    files: dict[str, str]
    notes: tuple[str, ...]
    labels_reason: str = ""


def read_framing_table(request: FrameProblemRequest, *, before: TaskType | None = None) -> FramingTable:
    """Read what the request names.

    Parameters
    ----------
    request : FrameProblemRequest
        What is asked for.
    before : TaskType, optional
        The task that the person named earlier.

    Raises
    ------
    SourceError
        If a file cannot be read as a table.
    InputError
        If the target is not there or cannot be used, or the test file does not fit.
    """
    test_source = None if request.test_data is None else _source(request, request.test_data)
    learned = request.task_type not in WITHOUT_TARGET
    source = _source(request, request.data)
    return _read(
        source, test_source, request.target, learned=learned, task_type=request.task_type or before, first_time=True
    )


def read_recorded_table(
    source: DataSource, test_source: DataSource | None, target: str, *, learned: bool = True
) -> FramingTable:
    """Read the same rows again from where a profile says that they came from; raises as `read_framing_table`.

    Unless the target is `learned`, rows without one stay as they are.
    """
    return _read(source, test_source, target, learned=learned)


def _read(
    source: DataSource,
    test_source: DataSource | None,
    target: str,
    *,
    learned: bool,
    task_type: TaskType | None = None,
    first_time: bool = False,
) -> FramingTable:
    table = read_table(source, may_sample=first_time)
    source = source.model_copy(update={"sample_fraction": table.sample_fraction})
    wanted: Sequence[str] = source.label_columns or ([target] if target else [])
    require_columns(list(wanted), list(table.frame.columns), argument="target")
    if learned and len(table.frame.columns) < 2:
        raise InputError(
            "The table has one column only, the target",
            found=quoted(target),
            remedy="Bring a table that also holds columns to predict from (check the delimiter if it should have more)",
        )
    frame, files, notes = table.frame, dict(table.files), list(table.report.warnings)
    if source.event_column is not None:
        require_columns([source.event_column], list(frame.columns), argument="event_column")
    first_test_row = len(frame)
    if test_source is not None:
        test = read_table(test_source, like=table.report)
        frame, more = _joined(table, test, target)
        files |= test.files
        notes += more
    if source.event_column is not None:
        frame, told = combine_event(frame, target, source.event_column, wanted=source.event_value)
        notes += told
    sets = _label_sets(frame, target, source, task_type=task_type, look=first_time) if learned else None
    if sets is not None:
        frame, notes = sets.frame, [*notes, *sets.notes]
        source = source.model_copy(update={"labels": sets.labels, "label_separator": sets.separator})
    cleaned = clean_target(frame, target) if learned else CleanTarget(frame, ())
    if first_time:
        _refuse_all_constant(cleaned.frame, target)
    own_test = None
    if test_source is not None:
        own_test = np.asarray(cleaned.frame.index >= first_test_row)
        _refuse_one_sided(own_test, target)
    return FramingTable(
        frame=cleaned.frame,
        own_test=own_test,
        source=source,
        test_source=test_source,
        report=table.report,
        files=files,
        notes=(*notes, *cleaned.notes),
        labels_reason="" if sets is None else sets.reason,
    )


def _refuse_all_constant(frame: pd.DataFrame, target: str) -> None:
    """Refuse rows that differ in nothing but the target, before their deal is tried: copies stay on one side."""
    names = [str(name) for name in frame.columns if name != target]
    if len(frame) < 2 or not all(_is_constant(frame[name]) for name in names):
        return
    shown = ", ".join(f"{quoted(name)} ({_only_value(frame[name])})" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    raise InputError(
        "Every column is constant: there is nothing to tell one row from another by",
        found=f"one value in all {len(frame):,} rows of {shown}{more}",
        remedy="Bring columns that differ between rows; if these should, look at how the file was read or filtered",
    )


def _is_constant(column: pd.Series) -> bool:
    """Whether all cells are alike; a missing cell is unlike any value."""
    # Most columns vary within their first rows, and are not looked through.
    return all(rows.nunique(dropna=False) < 2 for rows in (column.iloc[:100], column))


def _only_value(column: pd.Series) -> str:
    return "no value" if column.isna().all() else quoted(column.iloc[0], 20)


def _label_sets(
    frame: pd.DataFrame, target: str, source: DataSource, *, task_type: TaskType | None, look: bool
) -> LabelSets | None:
    """The table with sets of labels as target, if it has several labels a row; a recorded table as it was found to."""
    if source.label_columns is not None:
        return combine_columns(frame, target, source.label_columns, kept=source.labels)
    if look:
        cells = find_sets(frame[target], task_type)
    else:
        cells = None if source.label_separator is None else read_cells(frame[target], source.label_separator)
    if cells is None:
        return None
    return uniform_sets(frame, target, cells, inferred=task_type is None, kept=source.labels)


def _source(request: FrameProblemRequest, path: str) -> DataSource:
    return DataSource(
        path=path,
        table=request.table,
        sql=request.sql if path == request.data else None,
        sql_seconds=request.sql_seconds,
        sql_memory_gb=request.sql_memory_gb,
        query_path=request.query_path if path == request.data else None,
        column_names=None if request.column_names is None else tuple(request.column_names),
        event_column=request.event_column,
        event_value=None if request.event_column is None else request.positive_class,
        label_columns=None if request.label_columns is None else tuple(request.label_columns),
    )


def _joined(table: Table, test: Table, target: str) -> tuple[pd.DataFrame, list[str]]:
    """Both tables under one another, the test file last."""
    names = list(table.frame.columns)
    aligned = align_columns(test.frame, table.report, required=names)
    if aligned.missing:
        what = "the target" if target in aligned.missing else f"{len(aligned.missing)} columns of the data"
        raise InputError(
            f"The test file lacks {what}",
            found=", ".join(quoted(name) for name in aligned.missing[:5]),
            remedy="Bring a test file with the same columns, target included; rows without a target are for predict",
        )
    rows = aligned.frame[names]
    notes = [f"The test file: {warning}" for warning in test.report.warnings]
    if aligned.extra:
        notes.append(f"Columns of the test file that the data lacks are left out: {_listed(aligned.extra)}")
    for name in names:
        if isinstance(table.frame[name].dtype, pd.StringDtype) != isinstance(rows[name].dtype, pd.StringDtype):
            raise InputError(
                f"The column {quoted(name)} holds text in one file and not in the other",
                found=f"{table.frame[name].dtype} in the data, {rows[name].dtype} in the test file",
                remedy="Give both files the same kind of values in it",
            )
    rows = rows.copy(deep=False)
    respelled: tuple[str, ...] = ()
    if target in table.frame.columns:
        rows[target], respelled = align_labels(table.frame[target], rows[target])
    joined = pd.concat([table.frame, rows], ignore_index=True)
    return joined, [*notes, *respelled]


def _refuse_one_sided(own_test: npt.NDArray[np.bool_], target: str) -> None:
    held_out = int(own_test.sum())
    if held_out in {0, len(own_test)}:
        where = "the test file" if held_out == 0 else "the data"
        raise InputError(
            f"No row of {where} has a value of the target {quoted(target)}",
            remedy="Bring rows with known targets in both files, or leave test_data out",
        )


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(quoted(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
