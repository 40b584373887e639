"""Queries that a table tells of though nobody said that an order is wanted: taken for a ranking, or asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from ml_engineer.errors import UnsupportedTaskError
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.queries import (
    FEWEST_QUERIES,
    WHOLE_QUERIES,
    names_query,
    query_column,
    require_grades,
    unequal_queries,
)
from ml_engineer.profiling.target import TargetReading
from ml_engineer.profiling.task_choice import names_counts
from ml_engineer.statistics.metrics import metrics_for
from ml_engineer.vocabulary.problem import Question
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["SeenQueries", "see_queries"]

_FEWEST_ROWS: Final = 3.0
"""Rows of a usual query, where only a name speaks of queries: pairs of rows are more often copies."""
_GRADES: Final = range(3, 11)
"""How many grades a scale of relevance has where nobody called it one."""


@dataclass(frozen=True)
class SeenQueries:
    """Queries that were seen where nobody spoke of a ranking.

    Parameters
    ----------
    column : str
        The column that names the query of a row.
    inferred : bool
        Whether an order is taken to be wanted.
    reason : str
        The evidence in a sentence.
    questions : tuple of Question
        At most one: whether an order is wanted, where names alone speak of queries.
    """

    column: str
    inferred: bool
    reason: str
    questions: tuple[Question, ...]

    def told_of(self, reading: TargetReading) -> TargetReading:
        """What the target makes of the problem, with why it is a ranking, or with the question whether it is one."""
        if self.inferred:
            return replace(reading, reason=self.reason, questions=self.questions)
        return replace(reading, questions=(*reading.questions, *self.questions))


def see_queries(frame: pd.DataFrame, request: FrameProblemRequest, *, in_file: bool) -> SeenQueries | None:
    """Queries of rows with a target to be ordered by, unless the person said something that speaks against an order.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows; only counts are taken of the target, as they are for dealing.
    request : FrameProblemRequest
        What the person said, now and before.
    in_file : bool
        Whether the file itself says which rows make a query, as libsvm files do with ``qid:`` or a query file beside
        them. Queries are told there for no other use than to learn an order.
    """
    column = query_column([str(name) for name in frame.columns], target=request.target)
    if column is None or _speaks_against(request, column) or not _holds_grades(frame[request.target]):
        return None
    unequal = unequal_queries(frame, request.target, [column])
    rows = len(frame) / max(len(unequal), 1)
    if int(unequal.sum()) < FEWEST_QUERIES:
        return None
    grades = int(frame[request.target].nunique())
    counted = f"{len(unequal):,} queries of {rows:.3g} rows on average) and the target grades them ({grades} grades)"
    if in_file:
        return SeenQueries(column, True, f"the file says which rows make a query ({counted}", ())
    if rows < _FEWEST_ROWS or not names_query(column):
        return None
    inferred = grades in _GRADES and not names_counts(request.target)
    wanted, each = "The order of the rows within a query is wanted.", "Each row is predicted for itself."
    question = Question(
        id="target",
        text=f"Is the order of rows within the same {quoted(column, 30)} wanted, or each row's {quoted(request.target, 30)}?",
        assumption=wanted if inferred else each,
        argument="task_type='multiclass', 'ordinal' or 'regression' to predict each row for itself"
        if inferred
        else "task_type='ranking' for an order",
    )
    return SeenQueries(column, inferred, f"{quoted(column)} names the query of each row ({counted}", (question,))


def _speaks_against(request: FrameProblemRequest, column: str) -> bool:
    """Whether the person said something that a ranking by `column` does not go with."""
    said = (request.task_type, request.levels, request.positive_class, request.quantile, request.false_positive_cost)
    return (
        any(value is not None for value in said)
        or (request.group_columns is not None and list(request.group_columns) != [column])
        or request.split not in {None, *WHOLE_QUERIES}
        or request.metric not in {None, *metrics_for("ranking", has_costs=False)}
        or "weight" in (request.roles or {}).values()
    )


def _holds_grades(relevance: pd.Series) -> bool:
    try:
        require_grades(relevance)
    except UnsupportedTaskError:
        return False
    return True
