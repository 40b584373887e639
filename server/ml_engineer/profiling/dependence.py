"""Which rows belong together, by group or in time: what a fair split has to respect.

Structure only, on all rows, never the target: this is decided before the rows are dealt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.keys import KeyCandidate, find_keys
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.time_order import TimeCandidate, find_times, spans_of_groups
from ml_engineer.vocabulary.problem import Question, SplitStrategy

__all__ = ["Dependence", "read_dependence"]

_FEWEST_GROUPS = 3
_RECURRING_SPAN = 0.05
"""Groups whose rows usually cover more of the time span than this come back in the future."""


@dataclass(frozen=True)
class Dependence:
    """How rows depend on one another.

    Parameters
    ----------
    group_columns : tuple of str
        Columns that together name a group; empty if rows are taken as independent.
    groups : int or None
        Number of groups.
    time_column : str or None
        Column that orders the rows, if that order matters for the split.
    other_keys : tuple of str
        Other columns that surely name single things with several rows.
    reason : str
        The evidence in a sentence; empty if there is none.
    assumptions, risks : tuple of str
        Sentences for the problem's document.
    questions : tuple of Question
        What only the person knows: about 'groups', about 'time'.
    """

    group_columns: tuple[str, ...] = ()
    groups: int | None = None
    time_column: str | None = None
    other_keys: tuple[str, ...] = ()
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def read_dependence(
    frame: pd.DataFrame,
    *,
    target: str,
    group_columns: Sequence[str] | None = None,
    time_column: str | None = None,
    requested: SplitStrategy | None = None,
) -> Dependence:
    """Work out what the split has to respect; what the person said goes before what the table shows.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows, in file order.
    target : str
        Column to predict; not looked at.
    group_columns : sequence of str, optional
        What the person said; an empty one means that rows are independent.
    time_column : str, optional
        What the person said; an empty text means that time does not matter.
    requested : SplitStrategy, optional
        The split the person asked for.

    Raises
    ------
    InputError
        If the request needs a column that is not there, or that cannot do it.
    """
    keys = find_keys(frame, target=target) if group_columns is None else ()
    times = find_times(frame, target=target) if time_column is None else ()
    groups = _given_groups(frame, group_columns) if group_columns else None
    if groups is None and keys and keys[0].confident:
        groups = ((keys[0].column,), keys[0].values)
    time = time_column or (times[0].column if times and times[0].confident else None)
    if requested == "grouped" and groups is None:
        groups = _wanted_groups(keys)
    if requested == "time" and time is None:
        time = _wanted_time(times)
    if requested in {"stratified", "random"}:
        groups = groups if group_columns else None
        time = time_column or None
    if groups and time and not (group_columns and time_column):
        groups, time, risks = _choose(frame, groups, time, time_said=bool(time_column), requested=requested)
    else:
        risks = ()
    return Dependence(
        group_columns=groups[0] if groups else (),
        groups=groups[1] if groups else None,
        time_column=time,
        other_keys=tuple(key.column for key in keys if key.confident and (not groups or key.column not in groups[0])),
        reason=_reason(groups, time, keys, times),
        assumptions=_assumptions(groups, keys),
        risks=risks + _crossing(groups, keys),
        questions=_questions(groups, time, keys, times, settled=requested in {"stratified", "random"}),
    )


Groups = tuple[tuple[str, ...], int]
"""Columns that name a group, and how many groups there are."""


def _given_groups(frame: pd.DataFrame, columns: Sequence[str]) -> Groups:
    groups = int(frame[list(columns)].dropna().drop_duplicates().shape[0])
    if groups < _FEWEST_GROUPS:
        raise InputError(
            f"The group columns {', '.join(quoted(name) for name in columns)} make too few groups",
            found=f"{groups} groups; rows must be held out and folded by whole groups",
            remedy=f"Pass group_columns that make at least {_FEWEST_GROUPS} groups, or an empty list",
        )
    return tuple(columns), groups


def _wanted_groups(keys: Sequence[KeyCandidate]) -> Groups:
    if not keys:
        raise InputError(
            "A grouped split needs a column that names the groups",
            found="no column looks like one",
            remedy="Pass group_columns",
        )
    return (keys[0].column,), keys[0].values


def _wanted_time(times: Sequence[TimeCandidate]) -> str:
    if not times:
        raise InputError(
            "A split by time needs a column that orders the rows",
            found="no column holds time stamps",
            remedy="Pass time_column",
        )
    return times[0].column


def _choose(
    frame: pd.DataFrame, groups: Groups, time: str, *, time_said: bool, requested: SplitStrategy | None
) -> tuple[Groups | None, str | None, tuple[str, ...]]:
    """Groups or time, where both are there: what will come back in the future decides."""
    column = groups[0][0]
    span = spans_of_groups(frame, group=column, time=time)
    if requested == "time" or (requested != "grouped" and (time_said or span > _RECURRING_SPAN)):
        risk = (
            f"The same {quoted(column)} occurs before and after the cut in time, as it will in use; "
            "for ones never seen before, expect less"
        )
        return None, time, (risk,)
    risk = f"Rows are kept together by {quoted(column)}, not cut by {quoted(time)}: a drift over time would not show"
    return groups, None, (risk,)


def _reason(
    groups: Groups | None, time: str | None, keys: Sequence[KeyCandidate], times: Sequence[TimeCandidate]
) -> str:
    parts = [key.reason for key in keys if groups and (key.column,) == groups[0]]
    parts += [candidate.reason for candidate in times if candidate.column == time]
    return "; ".join(parts)


def _assumptions(groups: Groups | None, keys: Sequence[KeyCandidate]) -> tuple[str, ...]:
    if not groups or not any((key.column,) == groups[0] for key in keys):
        return ()
    column = quoted(groups[0][0])
    sentence = (
        f"Rows with the same {column} belong together and stay on one side of the split; should it name a thing only "
        "together with another column, this keeps more together than needed, which is safe"
    )
    return (sentence,)


def _crossing(groups: Groups | None, keys: Sequence[KeyCandidate]) -> tuple[str, ...]:
    others = [key.column for key in keys if key.confident and groups and key.column not in groups[0]]
    if not others:
        return ()
    return (f"{quoted(others[0])} also names things with several rows, which may lie on both sides of the split",)


def _questions(
    groups: Groups | None,
    time: str | None,
    keys: Sequence[KeyCandidate],
    times: Sequence[TimeCandidate],
    *,
    settled: bool,
) -> tuple[Question, ...]:
    questions = []
    if keys and not groups and not time and not settled:
        key = keys[0]
        questions.append(
            Question(
                id="groups",
                text=f"Do rows with the same {quoted(key.column, 30)} belong together, and will new ones come in use? "
                f"({key.values:,} values in {round(key.values * key.rows_per_value):,} rows)",
                assumption="Rows are independent.",
                argument=f"group_columns={[key.column]!r} or []",
            )
        )
    if times and not time and not settled:
        candidate = times[0]
        questions.append(
            Question(
                id="time",
                text=f"Will the model predict rows later, by {quoted(candidate.column, 30)}, than those it learned from?",
                assumption="The order in time does not matter.",
                argument=f'time_column={candidate.column!r} or ""',
            )
        )
    return tuple(questions)
