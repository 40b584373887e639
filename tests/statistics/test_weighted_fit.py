"""A weight of three counts like three rows, whatever stands around the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ml_engineer.statistics.weighted_fit import fit_weighted, takes_weights


def table(rows: int = 120) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["a", "b"])
    score = features["a"] + rng.normal(size=rows)
    return features, score.to_numpy(), rng.integers(0, 4, rows)


def piped(model: Any) -> Pipeline:
    return make_pipeline(FunctionTransformer(), Pipeline([("inner", model)]))


REGRESSORS = {
    "model": DecisionTreeRegressor(max_depth=3, random_state=0),
    "pipeline": piped(LinearRegression()),
    "logarithm": TransformedTargetRegressor(piped(LinearRegression()), func=np.arcsinh, inverse_func=np.sinh),
    "vote": VotingRegressor(
        [("line", piped(LinearRegression())), ("tree", piped(DecisionTreeRegressor(max_depth=3, random_state=0)))]
    ),
}
CLASSIFIERS = {
    "model": DecisionTreeClassifier(max_depth=3, random_state=0),
    "vote": VotingClassifier(
        [
            ("line", piped(LogisticRegression(tol=1e-10, max_iter=1000))),
            ("tree", piped(DecisionTreeClassifier(max_depth=3, random_state=0))),
        ],
        voting="soft",
        weights=[2, 1],
    ),
}


@pytest.mark.parametrize("kind", REGRESSORS)
def test_whole_weights_equal_repeated_rows_for_numbers(kind: str) -> None:
    features, target, weights = table()
    weighted = fit_weighted(REGRESSORS[kind], features, target, weights).predict(features)
    repeated = REGRESSORS[kind].fit(features.loc[features.index.repeat(weights)], np.repeat(target, weights))
    assert np.allclose(weighted, repeated.predict(features), atol=1e-9)
    assert not np.allclose(weighted, REGRESSORS[kind].fit(features, target).predict(features), atol=1e-3)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_whole_weights_equal_repeated_rows_for_classes(kind: str) -> None:
    features, score, weights = table()
    target = np.where(score > 0, "yes", "no").astype(object)
    model = fit_weighted(CLASSIFIERS[kind], features, target, weights)
    weighted, classes = model.predict_proba(features), model.classes_.tolist()
    repeated = CLASSIFIERS[kind].fit(features.loc[features.index.repeat(weights)], np.repeat(target, weights))
    assert classes == ["no", "yes"]
    assert np.allclose(weighted, repeated.predict_proba(features), atol=1e-6)


def test_a_model_that_takes_no_weights_counts_every_row_once() -> None:
    features, score, weights = table()
    model = piped(KNeighborsClassifier())
    weighted = fit_weighted(model, features, score > 0, weights).predict_proba(features)
    assert (weighted == model.fit(features, score > 0).predict_proba(features)).all()


def test_a_member_of_a_vote_that_takes_no_weights_keeps_them_from_no_other() -> None:
    features, target, weights = table()
    line, near = piped(LinearRegression()), piped(KNeighborsRegressor())
    vote = VotingRegressor([("line", clone(line)), ("near", clone(near))])
    mixed = fit_weighted(vote, features, target, weights).predict(features)
    alone = [fit_weighted(one, features, target, weights).predict(features) for one in (line, near)]
    assert np.allclose(mixed, np.mean(alone, axis=0), atol=1e-12)
    assert not takes_weights(vote), "weights do not reach all of it"


def test_a_member_that_was_dropped_has_no_vote() -> None:
    features, target, weights = table()
    line = piped(LinearRegression())
    vote = VotingRegressor([("line", clone(line)), ("gone", "drop")])
    assert np.allclose(
        fit_weighted(vote, features, target, weights).predict(features),
        fit_weighted(line, features, target, weights).predict(features),
    )


def test_the_same_holds_for_what_a_calibration_stands_behind() -> None:
    features, score, weights = table()
    target = np.where(score > 0, "yes", "no").astype(object)
    parts = [("line", piped(LogisticRegression())), ("near", piped(KNeighborsClassifier()))]
    vote = VotingClassifier(parts, voting="soft")
    fixed = FrozenEstimator(FunctionTransformer().fit(features))
    model = Pipeline([("model", VotingClassifier([("uncalibrated", vote)], voting="soft")), ("fixed", fixed)])
    mixed = fit_weighted(model, features, target, weights).steps[0][1].predict_proba(features)
    alone = [fit_weighted(clone(one), features, target, weights).predict_proba(features) for _, one in parts]
    assert np.allclose(mixed, np.mean(alone, axis=0), atol=1e-12)
