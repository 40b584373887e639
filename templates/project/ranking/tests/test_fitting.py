"""A ranker is told which rows make a query, wherever they stand."""

import numpy as np
import pandas as pd
from lightgbm import LGBMRanker
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.training.fitting import fit, query_argument


def simulated() -> tuple[pd.DataFrame, np.ndarray]:
    """Simulate queries of which each adds to all of its rows' features, so that only the order within tells."""
    rng = np.random.default_rng(0)
    queries = np.repeat(np.arange(40), 10)
    relevance = rng.integers(0, 3, 400)
    features = pd.DataFrame({"x": relevance + 0.3 * rng.normal(size=400), "noise": rng.normal(size=400)})
    return features, np.column_stack([relevance.astype(float), queries])


def ranker() -> LGBMRanker:
    """Build a small ranker."""
    return LGBMRanker(n_estimators=20, min_child_samples=5, verbosity=-1, deterministic=True, n_jobs=1)


def test_rankers_ask_for_queries_and_others_do_not() -> None:
    assert query_argument(make_pipeline(StandardScaler(), ranker())) == "lgbmranker__group"
    assert query_argument(make_pipeline(StandardScaler(), LinearRegression())) is None


def test_where_the_rows_of_a_query_stand_makes_no_difference() -> None:
    features, target = simulated()
    model = fit(make_pipeline(StandardScaler(), ranker()), features, target)
    # The queries take turns, each with its rows in the order they had.
    turns = np.arange(400).reshape(40, 10).T.ravel()
    again = fit(make_pipeline(StandardScaler(), ranker()), features.iloc[turns], target[turns])
    np.testing.assert_allclose(model.predict(features), again.predict(features), atol=1e-9)
    assert np.corrcoef(model.predict(features), target[:, 0])[0, 1] > 0.8


def test_a_model_that_takes_no_queries_learns_each_rows_relevance() -> None:
    features, target = simulated()
    model = fit(LinearRegression(), features, target)
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(features, target[:, 0]).coef_)
