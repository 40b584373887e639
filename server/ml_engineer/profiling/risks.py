"""What could make the model wrong or harmful, as far as development rows show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from ml_engineer.profiling.columns import ColumnsProfile
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.running_text import list_text_risks
from ml_engineer.profiling.study import Study
from ml_engineer.profiling.target import TargetReading

__all__ = ["list_assumptions", "list_risks"]

_FEW_ROWS: Final = 500
_FEW_CLASS_ROWS: Final = 30
_MANY_DUPLICATES: Final = 0.01
_MOSTLY_MISSING: Final = 0.5
_PILED_UP: Final = 0.01
_MOST_NAMED: Final = 4


def list_risks(
    frame: pd.DataFrame, profile: ColumnsProfile, study: Study, reading: TargetReading, *, group_columns: Sequence[str]
) -> tuple[str, ...]:
    """Risks, one sentence each.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    profile : ColumnsProfile
        What its columns look like.
    study : Study
        What they say about the problem.
    reading : TargetReading
        What the target makes of it.
    group_columns : sequence of str
        Columns that name the groups of the split.
    """
    rows = len(frame)
    risks = [*_availability(study), *_target(frame, study, reading, group_columns)]
    risks += list_text_risks(frame, study.columns)
    if rows < _FEW_ROWS:
        risks.append(f"Only {rows:,} development rows: every score comes with a wide interval")
    if profile.duplicate_rows > _MANY_DUPLICATES * rows:
        risks.append(f"{profile.duplicate_rows:,} development rows repeat an earlier one in every column")
    used = {column.name for column in study.columns if column.used}
    empty = [item.name for item in profile.columns if item.name in used and item.missing_fraction > _MOSTLY_MISSING]
    if empty:
        risks.append(f"More than half of the values are missing in {_listed(empty)}")
    wide = [
        item.name
        for item in profile.columns
        if item.name in used and _is_wide(item.name, item.distinct_values, study, rows)
    ]
    if wide:
        risks.append(f"Many values of {_listed(wide)} occur so rarely that new ones will come in use")
    sensitive = [column.name for column in study.columns if column.sensitive]
    if sensitive:
        risks.append(f"Outcomes may differ between the groups of {_listed(sensitive)}: check them before use")
    weights = [column.name for column in study.columns if column.role == "weight"]
    if weights:
        risks.append(f"Scores describe the sample: the weights in {_listed(weights)} are not used")
    return tuple(risks)


def list_assumptions(study: Study, reading: TargetReading, *, moment_given: bool) -> tuple[str, ...]:
    """What was assumed without being told, one sentence each."""
    assumptions = []
    if not moment_given:
        assumptions.append("Every used column is known when the prediction is made")
    if reading.positive_class is not None and reading.positive_reason != "named by the person":
        assumptions.append(f"'Positive' means {quoted(reading.positive_class)}: {reading.positive_reason}")
    if not any(column.sensitive for column in study.columns):
        assumptions.append("No column names a protected attribute of people")
    return tuple(assumptions)


def _availability(study: Study) -> list[str]:
    unsure = [column.name for column in study.columns if column.used and column.availability == "unsure"]
    if not unsure:
        return []
    return [f"{_listed(unsure)} may be known only after the fact; used until somebody who knows says otherwise"]


def _target(frame: pd.DataFrame, study: Study, reading: TargetReading, group_columns: Sequence[str]) -> list[str]:
    values = study.target.values
    if reading.task == "regression":
        return _capped(values.astype(float))
    risks = []
    labelled = reading.task == "multilabel"
    counts = values.sum(axis=0) if labelled else np.bincount(values, minlength=len(reading.classes))
    rare = [
        f"{quoted(reading.classes[code], 30)} ({counts[code]})"
        for code in np.argsort(counts)
        if counts[code] < _FEW_CLASS_ROWS
    ]
    if rare:
        more = f" and {len(rare) - _MOST_NAMED} more" if len(rare) > _MOST_NAMED else ""
        risks.append(
            f"{'Labels' if labelled else 'Classes'} with few development rows: {', '.join(rare[:_MOST_NAMED])}{more}"
        )
    if len(group_columns) == 1 and not labelled:
        per_group = pd.Series(values).groupby(frame[group_columns[0]].to_numpy()).nunique()
        several = int((per_group > 1).sum())
        if several > 0.05 * len(per_group):
            risks.append(
                f"{several} of {len(per_group)} values of {quoted(group_columns[0])} occur with more than one class: "
                "it may name a thing only together with another column"
            )
    return risks


def _capped(values: np.ndarray) -> list[str]:
    """A pile of rows at the largest value: a limit of the instrument or the form rather than of the world."""
    largest = values.max()
    piled = int((values == largest).sum())
    if piled < max(20, _PILED_UP * len(values)) or len(np.unique(values)) < 50:
        return []
    return [f"The target looks capped: {piled:,} development rows have its largest value, {largest:.6g}"]


def _is_wide(name: str, distinct: int, study: Study, rows: int) -> bool:
    role = next(column.role for column in study.columns if column.name == name)
    return role == "categorical" and distinct > max(50, 0.1 * rows)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name, 30) for name in names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
