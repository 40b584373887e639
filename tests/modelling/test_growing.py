"""How many trees a model gets, on fast machines and slow ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.ensemble import ExtraTreesRegressor
from xgboost import XGBRegressor

from ml_engineer.modelling.growing import MOST_ROUNDS, grow

QUIET = {
    "catboost": {"verbose": 0, "allow_writing_files": False},
    "lightgbm": {"verbosity": -1, "n_jobs": 1},
    "xgboost": {"n_jobs": 1},
}
MODELS = {"catboost": CatBoostRegressor, "lightgbm": LGBMRegressor, "xgboost": XGBRegressor}


def rows(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(number, 3))
    return features, features[:, 0] + 0.3 * rng.normal(size=number)


def grown(kind: str, *, rate: float = 0.1, seconds: float = np.inf, round_seconds: float = 0.0):
    ticks = (round_seconds * number for number in itertools.count())
    model = MODELS[kind](learning_rate=rate, **QUIET[kind])
    return grow(kind, model, rows(300, 0), rows(200, 1), seconds=seconds, clock=lambda: next(ticks))


@pytest.mark.parametrize("kind", MODELS)
def test_growing_stops_where_watched_rows_are_predicted_best(kind: str) -> None:
    found = grown(kind)
    trees = found.parameters["iterations" if kind == "catboost" else "n_estimators"]
    assert 10 < trees < MOST_ROUNDS
    assert "learning_rate" not in found.parameters
    features, target = rows(200, 1)
    again = MODELS[kind](learning_rate=0.1, **QUIET[kind]).set_params(**found.parameters).fit(*rows(300, 0))
    assert np.allclose(again.predict(features), found.model.predict(features), atol=1e-6)
    assert np.mean((found.model.predict(features) - target) ** 2) < 0.5 * target.var()


@pytest.mark.parametrize("kind", MODELS)
def test_a_slow_machine_gets_a_higher_learning_rate_and_says_so(kind: str) -> None:
    found = grown(kind, rate=0.02, seconds=150.0, round_seconds=1.0)
    assert found.parameters["learning_rate"] > 0.05
    assert f"raised to {found.parameters['learning_rate']:.3g}" in found.why


def test_a_forest_grows_to_its_size_or_until_the_time_is_out() -> None:
    ticks = (1.0 * number for number in itertools.count())
    model = ExtraTreesRegressor(n_estimators=300, random_state=0)
    found = grow("forest", model, rows(100, 0), rows(50, 1), seconds=6.0, clock=lambda: next(ticks))
    assert found.parameters["n_estimators"] in range(25, 300, 25)
    plenty = grow("forest", model, rows(100, 0), rows(50, 1), seconds=np.inf, clock=lambda: 0.0)
    assert plenty.parameters == {"n_estimators": 300}
