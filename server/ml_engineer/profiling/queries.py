"""Is a table one to learn an order from: grades of relevance, and queries whose rows differ in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.names import has_any, quoted, word_set, words
from ml_engineer.vocabulary.problem import SplitStrategy

__all__ = [
    "FEWEST_QUERIES",
    "WHOLE_QUERIES",
    "names_query",
    "query_column",
    "require_grades",
    "require_queries",
    "unequal_queries",
]

_MOST_GRADE: Final = 30
"""LightGBM's ranker knows gains of so many grades."""
FEWEST_QUERIES: Final = 20
"""Queries with rows of unequal relevance that an order can be learned from."""
_QUERY_NAMES: Final = word_set("qid queries query")
_PLAIN_NAMES: Final = _QUERY_NAMES | word_set("queryid searchid srch srchid")
_KEY_WORDS: Final = word_set("hash id ids identifier key no nr num number")
WHOLE_QUERIES: Final[frozenset[SplitStrategy]] = frozenset({"grouped", "own_test_file"})
"""Splits that leave the rows of a query together."""


def require_grades(relevance: pd.Series) -> None:
    """Refuse a target that holds no grades of relevance: whole numbers from 0 to 30, more being better.

    Raises
    ------
    UnsupportedTaskError
        With what to do instead.
    """
    whole = pd.api.types.is_integer_dtype(relevance.dtype)
    if whole and relevance.min() >= 0 and relevance.max() <= _MOST_GRADE:
        return
    raise UnsupportedTaskError(
        f"The target {quoted(relevance.name)} holds no grades of relevance",
        found=f"values from {relevance.min():g} to {relevance.max():g}{'' if whole else ', with fractions'}",
        remedy=f"Give relevance as whole numbers from 0 (not relevant) to at most {_MOST_GRADE}, e.g. by cutting amounts "
        "into five grades; or pass task_type='regression' to predict the amounts themselves",
    )


def query_column(columns: Sequence[str], *, target: str) -> str | None:
    """The one column whose name says that it tells the query of a row; None if there is none, or several."""
    others = [name for name in columns if name != target]
    for named in (
        [name for name in others if names_query(name)],
        [name for name in others if has_any(name, _QUERY_NAMES)],
    ):
        if named:
            return named[0] if len(named) == 1 else None
    return None


def names_query(name: str) -> bool:
    """Whether the name says that a query is named, and nothing else of it (as `query_length` would)."""
    return has_any(name, _PLAIN_NAMES) and set(words(name)) <= _PLAIN_NAMES | _KEY_WORDS


def require_queries(
    frame: pd.DataFrame, target: str, group_columns: Sequence[str], *, requested: SplitStrategy | None
) -> None:
    """Refuse rows that do not come in queries with something to order.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        All rows; only counts are taken of the target, as they are for dealing.
    target : str
        Relevance.
    group_columns : sequence of str
        Columns that together name a query.
    requested : str, optional
        The split the person asked for.

    Raises
    ------
    InputError
        If no column names the query, or the split would tear queries apart.
    UnsupportedTaskError
        If too few queries hold rows of unequal relevance.
    """
    if not group_columns:
        raise InputError(
            "To learn an order, it must be known which rows belong to one query",
            found="no column is named that tells the query of a row, and none is sure to",
            remedy="Pass group_columns with the column that names the query, the search or the list that rows were shown in",
        )
    if requested is not None and requested not in WHOLE_QUERIES:
        raise InputError(
            f"The split {requested!r} would tear queries apart",
            found="an order can only be judged on all rows of a query",
            remedy="Leave split out (whole queries are held out), or pass a file of later queries as test_data",
        )
    unequal = unequal_queries(frame, target, group_columns)
    if int(unequal.sum()) >= FEWEST_QUERIES:
        return
    named = ", ".join(quoted(name) for name in group_columns)
    raise UnsupportedTaskError(
        f"There are too few queries to learn an order from: {int(unequal.sum())} of {len(unequal):,} values of {named} "
        "have rows of unequal relevance",
        found=f"{len(frame):,} rows; at least {FEWEST_QUERIES} such queries are needed",
        remedy="Name other group_columns, bring more queries, or pass task_type='regression' (or 'binary') to judge each "
        "row for itself",
    )


def unequal_queries(frame: pd.DataFrame, target: str, group_columns: Sequence[str]) -> pd.Series:
    """Of each query, whether its rows differ in relevance."""
    by_query = frame.groupby(list(group_columns), sort=False)[target]
    return by_query.max() > by_query.min()
