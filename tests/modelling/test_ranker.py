"""Putting the rows of each query in order, on simulated queries whose order is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ml_engineer import TabularRanker

QUICK = {"budget_evaluations": 6, "n_jobs": 1, "folds": 3}
ROWS_A_QUERY = 8


class InQueries(TabularRanker):
    """Scikit-learn's suite knows of no queries and of targets that are no grades: both are made of what it gives."""

    def fit(self, X: Any, y: Any) -> InQueries:  # noqa: N803  (scikit-learn's names)
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        known = y is not None and np.asarray(y).dtype.kind in "biuf" and np.isfinite(y).all()
        return super().fit(X, np.argsort(np.argsort(y, axis=0), axis=0) % 5 if known else y, qid=self._queries(rows))

    def score(self, X: Any, y: Any) -> float:  # noqa: N803  (scikit-learn's names)
        return super().score(X, np.asarray(y).astype(int) % 5, qid=self._queries(len(y)))

    @staticmethod
    def _queries(rows: int) -> np.ndarray:
        return np.arange(rows) % max(min(12, rows // 3), 1)


@pytest.mark.filterwarnings("ignore")  # the suite feeds what models warn of
@parametrize_with_checks([InQueries(**QUICK)])
def test_scikit_learns_own_suite(estimator, check) -> None:
    check(estimator)


def searches(queries: int, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Documents whose grade is known from the match, whatever the query's own level adds to it."""
    rng = np.random.default_rng(seed)
    qid = np.repeat(np.arange(queries), ROWS_A_QUERY)
    match = rng.random(len(qid))
    frame = pd.DataFrame(
        {
            "match": match,
            "language": pd.Categorical(rng.choice(["en", "fr"], len(qid))),
            "noise": rng.normal(size=len(qid)),
        }
    )
    return frame, np.floor(4 * match).astype(int), qid


def test_the_order_of_new_queries_is_found_and_queries_may_be_told_either_way() -> None:
    frame, relevance, qid = searches(40)
    later, truth, of_later = searches(20, seed=1)
    by_name = TabularRanker(**QUICK).fit(frame, relevance, qid=[f"query {one}" for one in qid])
    assert by_name.score(later, truth, qid=of_later) > 0.97
    assert by_name.leaderboard_["candidate"].iloc[0] == by_name.champion_
    assert any("lambda" in name for name in by_name.leaderboard_["candidate"])
    by_size = TabularRanker(**QUICK).fit(frame, relevance, group=[ROWS_A_QUERY] * 40)
    sizes = [ROWS_A_QUERY] * 20
    assert by_size.score(later, truth, group=sizes) > 0.97
    assert np.isfinite(by_size.out_of_fold_).all()


def test_the_score_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import ndcg_score

    frame, relevance, qid = searches(30)
    model = TabularRanker(**QUICK).fit(frame, relevance, qid=qid)
    shuffled = relevance[np.random.default_rng(2).permutation(len(relevance))]
    said = model.predict(frame).reshape(30, -1)
    assert model.score(frame, shuffled, qid=qid) == pytest.approx(ndcg_score(shuffled.reshape(30, -1), said, k=10))


@pytest.mark.parametrize(
    ("arguments", "relevance", "told"),
    [
        ({}, [0, 1] * 8, "either qid"),
        ({"qid": [0] * 16, "group": [16]}, [0, 1] * 8, "either qid"),
        ({"qid": [0] * 15}, [0, 1] * 8, "15 rows, and there are 16"),
        ({"group": [8, 9]}, [0, 1] * 8, "adds up to 17 rows, and there are 16"),
        ({"group": [8, 8]}, [0.5, 1] * 8, "no grades of relevance"),
        ({"group": [8, 8]}, [0, -1] * 8, "values from -1 to 0"),
        ({"group": [16]}, [0, 1] * 8, "1 of 1 queries have rows of unequal relevance"),
        ({"group": [8, 8]}, [1] * 16, "0 of 2 queries"),
    ],
)
def test_what_holds_no_order_is_refused_with_the_reason(arguments: Any, relevance: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        TabularRanker(**QUICK).fit(searches(2)[0], relevance, **arguments)
