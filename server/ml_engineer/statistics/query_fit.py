"""Fitting a model that learns an order: it is told which rows belong to one query."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ml_engineer.statistics.weighted_fit import Weights, fit_weighted

__all__ = ["QueryOrder", "fit_told", "query_argument"]

Queries = npt.NDArray[np.integer]

_ARGUMENTS = ("qid", "group_id", "group")
"""What `fit` of XGBoost's, CatBoost's and LightGBM's rankers calls queries; XGBoost's knows two of them."""


@dataclass(frozen=True)
class QueryOrder:
    """The queries of n rows, as a ranker takes them: the rows of a query one after the other.

    Parameters
    ----------
    argument : {'qid', 'group_id', 'group'}
        What the ranker calls them: a number for each row, or (group) the size of each query.
    queries : numpy.ndarray of shape (n,)
        Query of each row.
    """

    argument: str
    queries: Queries

    @cached_property
    def order(self) -> npt.NDArray[np.intp]:
        """Positions of the rows, query after query, as they stand within each."""
        return np.argsort(self.queries, kind="stable")

    @property
    def told(self) -> Queries:
        """The value of the argument."""
        ordered = self.queries[self.order]
        return np.unique(ordered, return_counts=True)[1] if self.argument == "group" else ordered

    def sort(self, rows: Any) -> Any:
        """A frame, matrix or vector of the rows in this order."""
        return rows.iloc[self.order] if hasattr(rows, "iloc") else rows[self.order]


def fit_told(
    model: Any,
    features: Any,
    target: npt.NDArray[Any],
    *,
    weights: Weights | None = None,
    queries: Queries | None = None,
) -> Any:
    """Fit `model` on all that it can be told of its rows beside features and target.

    Parameters
    ----------
    model : estimator
        Unfitted; fitted in place.
    features : frame or matrix of n rows
        What it learns from.
    target : numpy.ndarray of shape (n,)
        Labels, numbers or relevance.
    weights : numpy.ndarray of shape (n,), optional
        What each row counts for; rankers take none.
    queries : numpy.ndarray of shape (n,), optional
        Query of each row. A model that does not ask for queries learns each row's relevance for itself.
    """
    argument = None if queries is None else query_argument(model)
    if queries is None or argument is None:
        return fit_weighted(model, features, target, weights)
    order = QueryOrder(argument.rpartition("__")[2], queries)
    return model.fit(order.sort(features), order.sort(target), **{argument: order.told})


def query_argument(model: Any) -> str | None:
    """What ``fit`` calls the queries, a pipeline's step before it; None for a model that takes none."""
    if isinstance(model, Pipeline):
        name, step = model.steps[-1]
        inner = query_argument(step)
        return None if inner is None else f"{name}__{inner}"
    return next((name for name in _ARGUMENTS if has_fit_parameter(model, name)), None)
