"""A first data contract, from what development rows look like; a person may tighten or loosen it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from ml_engineer.profiling.columns import looks_personal
from ml_engineer.profiling.relations import find_relations
from ml_engineer.vocabulary.contract import ColumnPart, ColumnRules, DataContract
from ml_engineer.vocabulary.data import ColumnProfile
from ml_engineer.vocabulary.problem import ProblemColumn

__all__ = ["draft_contract"]

_PERSONAL_SAMPLE = 200


def draft_contract(
    columns: Sequence[ProblemColumn],
    profiles: Sequence[ColumnProfile],
    frame: pd.DataFrame,
    *,
    with_gaps: Collection[str] | None = None,
) -> DataContract:
    """The rules that development rows keep.

    A column that is never empty in the whole table must not be: the model has never seen it missing. Ranges and categories
    are those of development rows, and beyond them is a warning: they are what was seen, not what can be. Identifiers are
    expected not to repeat. An order between two columns is a rule if it always holds and would not by chance.

    Parameters
    ----------
    columns : sequence of ProblemColumn
        Their parts in the problem.
    profiles : sequence of ColumnProfile
        What they look like on development rows.
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    with_gaps : collection of str, optional
        Columns that are empty somewhere in the whole table; by default those that are on development rows.
    """
    seen = {profile.name: profile for profile in profiles}
    gaps = {name for name, profile in seen.items() if profile.missing_rows} if with_gaps is None else set(with_gaps)
    rules = []
    for column in columns:
        part = _part(column, frame)
        if part is not None and column.name in seen:
            rules.append(_rules(column, seen[column.name], part, frame[column.name], may_miss=column.name in gaps))
    inputs = [rule.name for rule in rules if rule.part == "input"]
    return DataContract(columns=tuple(rules), relations=find_relations(frame[inputs]))


def _part(column: ProblemColumn, frame: pd.DataFrame) -> ColumnPart | None:
    if column.role == "target":
        return "target"
    if column.used:
        return "input"
    unique = column.role == "identifier" and column.name in frame and frame[column.name].dropna().is_unique
    return "key" if unique else None


def _rules(
    column: ProblemColumn, profile: ColumnProfile, part: ColumnPart, values: pd.Series, *, may_miss: bool
) -> ColumnRules:
    numeric, moment = profile.storage in {"integer", "float"}, profile.storage == "datetime"
    texts = [str(value) for value in values.dropna().unique()[:_PERSONAL_SAMPLE]] if profile.storage == "string" else []
    listed = part == "input" or (part == "target" and profile.storage == "string")
    return ColumnRules(
        name=column.name,
        part=part,
        type=profile.storage,
        missing="error" if part == "target" or not may_miss else "allowed",
        minimum=profile.minimum if numeric and listed else None,
        maximum=profile.maximum if numeric and listed else None,
        earliest=profile.earliest if moment and listed else None,
        latest=None,  # time moves on: later stamps are what every new row has
        categories=profile.categories or None if profile.storage == "string" and listed else None,
        unseen="error" if part == "target" else "warn",
        repeats="warn" if part == "key" else "allowed",
        masked=column.sensitive or part == "key" or looks_personal(column.name, texts),
    )
