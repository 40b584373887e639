"""Columns that name things with several rows each."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.cells import is_number
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["is_one_thing", "likeness", "visible_keys"]

_FEWEST_THINGS: Final = 30
_FEWEST_ROWS_PER_THING: Final = 1.2
_MOST_ROWS_PER_THING: Final = 50.0
_RELATED: Final = 0.6
"""Intraclass correlation of the other columns from which a value may be a key: more than towns or trades have in common."""
_SAME_THING: Final = 0.9
"""The same, from which rows are of one thing: more than families have in common."""
_MOST_COLUMNS: Final = 20


def visible_keys(problem: ProblemDefinition, frame: pd.DataFrame) -> tuple[str, ...]:
    """Names of the columns that may be keys of things with several rows, declared ones first.

    Identifiers and groups are, by their role. A category with many values is if the rows of one value resemble each other in
    half of the other columns as only rows of one thing do.

    Parameters
    ----------
    problem : ProblemDefinition
        The framed problem.
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    """
    by_role = [
        column.name
        for column in problem.columns
        if column.role in ("group", "identifier") and column.name in frame.columns
    ]
    declared = [name for name in problem.split.group_columns if name in frame.columns]
    many = [
        column.name
        for column in problem.columns
        if column.role == "categorical" and column.name in frame.columns and _repeats(frame[column.name])
    ]
    found = [name for name in many if _likeness_elsewhere(problem, frame, name) >= _RELATED]
    return tuple(dict.fromkeys([*declared, *by_role, *found]))


def _repeats(column: pd.Series) -> bool:
    distinct = column.nunique()
    return distinct >= _FEWEST_THINGS and _FEWEST_ROWS_PER_THING <= len(column) / distinct <= _MOST_ROWS_PER_THING


def is_one_thing(problem: ProblemDefinition, frame: pd.DataFrame, name: str) -> bool:
    """Whether the column is a key by its role, or its rows of one value are hardly to be told apart."""
    role = problem.column(name).role
    return role in ("group", "identifier") or _likeness_elsewhere(problem, frame, name) >= _SAME_THING


def _likeness_elsewhere(problem: ProblemDefinition, frame: pd.DataFrame, name: str) -> float:
    """Median intraclass correlation of the other columns of numbers within the values of this one."""
    codes = pd.factorize(frame[name])[0].astype(float)
    keys: npt.NDArray[np.float64] = np.where(codes < 0, np.nan, codes)
    others = [
        column.name
        for column in problem.features
        if column.name != name and column.name in frame.columns and is_number(frame[column.name])
    ][:_MOST_COLUMNS]
    if len(others) < 2:
        return 0.0
    ranked = (np.asarray(frame[other].rank().fillna(0), dtype=np.float64) for other in others)
    return float(np.median([likeness(ranks, keys, classes=0) for ranks in ranked]))


def likeness(values: npt.NDArray[np.float64], keys: npt.NDArray[np.float64], *, classes: int) -> float:
    """Intraclass correlation of values within groups (one-way analysis of variance; largest over classes).

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Numbers, or class codes.
    keys : numpy.ndarray of shape (n,)
        Group of each row; NaN for none.
    classes : int
        Number of classes; 0 for numbers.
    """
    known = ~np.isnan(keys)
    _, groups = np.unique(keys[known], return_inverse=True)
    sizes = np.bincount(groups).astype(float)
    if len(sizes) < 2 or len(groups) <= len(sizes):
        return 0.0
    targets = (values[known] == label for label in range(classes)) if classes else (values[known],)
    typical = (len(groups) - (sizes**2).sum() / len(groups)) / (len(sizes) - 1)
    best = 0.0
    for target in (np.asarray(each, dtype=float) for each in targets):
        means = np.bincount(groups, weights=target) / sizes
        between = float((sizes * (means - target.mean()) ** 2).sum()) / (len(sizes) - 1)
        within = float(((target - means[groups]) ** 2).sum()) / (len(groups) - len(sizes))
        spread = between + (typical - 1) * within
        best = max(best, (between - within) / spread if spread > 0 else 0.0)
    return best
