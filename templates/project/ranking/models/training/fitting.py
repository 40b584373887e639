"""Fit a model of an order: a ranker is told which rows make a query, any other model learns each row for itself."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def fit(model: Any, features: pd.DataFrame, target: np.ndarray, weights: np.ndarray | None = None) -> Any:
    """Fit `model` on whole queries.

    Parameters
    ----------
    model : estimator
        Unfitted.
    features : pandas.DataFrame of n rows
        What `build_features` returns.
    target : numpy.ndarray of shape (n, 2)
        Relevance of each row, and the number of its query.
    weights : None
        Every query counts the same.
    """
    relevance, queries = target[:, 0], target[:, 1].astype("int64")
    argument = query_argument(model)
    if argument is None:
        return model.fit(features, relevance)
    # Rankers want the rows of a query one after the other.
    order = np.argsort(queries, kind="stable")
    told = queries[order]
    if argument.endswith("group"):  # LightGBM takes how many rows each query has
        told = np.unique(told, return_counts=True)[1]
    return model.fit(features.iloc[order], relevance[order], **{argument: told})


def query_argument(model: Any) -> str | None:
    """Name what `fit` of a ranker calls the queries: XGBoost qid, CatBoost group_id, LightGBM group; else None."""
    if isinstance(model, Pipeline):
        name, step = model.steps[-1]
        inner = query_argument(step)
        return None if inner is None else f"{name}__{inner}"
    return next((name for name in ("qid", "group_id", "group") if has_fit_parameter(model, name)), None)
