"""The search as an estimator that puts the rows of each query in order."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from ml_engineer.modelling.tabular_estimator import TabularEstimator, check_lengths
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.metrics import Task, metrics_for
from ml_engineer.statistics.query_metrics import mean_over_queries, ndcg_by_query
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.parameters import check_parameters

__all__ = ["TabularRanker"]

_MOST_GRADE = 30


class TabularRanker(TabularEstimator):
    """The best ranker for a table within a time: models of the order within a query beside models of single rows.

    Parameters and attributes are those of `TabularClassifier`; the default metric is NDCG of the first ten places, folds
    are of whole queries, and `out_of_fold_` holds scores, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"match": rng.random(120), "age": rng.random(120)})
    >>> model = TabularRanker(budget_evaluations=8, n_jobs=1).fit(X, (3 * X["match"]).astype(int), group=[6] * 20)
    >>> model.predict(X.head(6)).shape
    (6,)
    """

    def fit(self, X: Any, y: Any, *, qid: Any = None, group: Any = None) -> Self:  # noqa: N803  (scikit-learn's names)
        """Search, and fit the champion on all rows.

        Parameters
        ----------
        X : pandas.DataFrame or numpy.ndarray of shape (n, p)
            As it comes: numbers, text, categories, moments, missing cells. The query is no column of it.
        y : array of shape (n,)
            Relevance: whole numbers from 0 (not relevant) to at most 30.
        qid : array of shape (n,), optional
            Query of each row, in any order (XGBoost's way).
        group : array of shape (q,), optional
            Instead, how many rows each query has, where those of one query follow each other (LightGBM's way).

        Raises
        ------
        ValueError
            If neither or both of `qid` and `group` are given, or there is nothing to learn an order from.
        """
        if y is None:
            msg = "requires y to be passed, but the target y is None"
            raise ValueError(f"{type(self).__name__} {msg}")
        features = self._frame(X, reset=True)
        relevance = _grades(y)
        check_lengths(features, relevance)
        queries = _queries(len(relevance), qid, group)
        unequal = sum(np.ptp(relevance[queries == query]) > 0 for query in np.unique(queries))
        if unequal < 2:
            msg = f"{unequal} of {len(np.unique(queries))} queries have rows of unequal relevance: two at least are needed"
            raise ValueError(msg)
        _, metric = self._task()
        check_parameters(self, metrics=metrics_for("ranking", has_costs=False))
        folds = GroupKFold(
            max(2, min(self.folds, len(np.unique(queries)))), shuffle=True, random_state=self.random_state
        )
        self._search(
            TrainingData(
                task="regression",
                metric=self.metric or metric,
                features=features,
                target=relevance,
                pairs=tuple(folds.split(features, relevance, queries)),
                fingerprint="",
                clusters=queries,
                named="ranking",
            )
        )
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803  (scikit-learn's name)
        """Scores, shape (n,): within a query, higher comes first; between queries they say nothing."""
        check_is_fitted(self, "model_")
        return np.asarray(self._fast.predict(self._frame(X, reset=False)), dtype=float)

    def score(self, X: Any, y: Any, *, qid: Any = None, group: Any = None) -> float:  # noqa: N803  (scikit-learn's names)
        """NDCG of the first ten places: the mean over queries with rows of unequal relevance.

        Parameters
        ----------
        X, y, qid, group
            As `fit` takes them.
        """
        scores, relevance = self.predict(X), _grades(y)
        mean = mean_over_queries(ndcg_by_query, relevance, scores, _queries(len(relevance), qid, group))
        return float(mean(np.ones((1, len(relevance))))[0])

    def _task(self) -> tuple[Task, Metric]:
        return "regression", "ndcg_at_10"


def _grades(y: Any) -> npt.NDArray[np.float64]:
    relevance: npt.NDArray[np.float64] = check_array(
        column_or_1d(y, warn=True), ensure_2d=False, dtype="float64", input_name="y"
    )
    if (relevance < 0).any() or (relevance > _MOST_GRADE).any() or (relevance % 1 != 0).any():
        msg = (
            f"y holds no grades of relevance, but values from {relevance.min():g} to {relevance.max():g}: give whole numbers "
            f"from 0 to at most {_MOST_GRADE}, e.g. by cutting amounts into five grades"
        )
        raise ValueError(msg)
    return relevance


def _queries(rows: int, qid: Any, group: Any) -> npt.NDArray[np.integer]:
    """Number of the query of each row."""
    if (qid is None) == (group is None):
        msg = "Pass either qid, the query of each row, or group, how many rows each query has"
        raise ValueError(msg)
    if qid is not None:
        names = np.asarray(column_or_1d(qid))
        if len(names) != rows:
            msg = f"qid names the query of {len(names)} rows, and there are {rows}"
            raise ValueError(msg)
        return np.asarray(np.unique(names, return_inverse=True)[1])
    sizes = np.asarray(column_or_1d(group))
    if sizes.sum() != rows or (sizes < 1).any():
        msg = f"group adds up to {sizes.sum()} rows, and there are {rows}: give the number of rows of each query"
        raise ValueError(msg)
    return np.repeat(np.arange(len(sizes)), sizes.astype(int))
