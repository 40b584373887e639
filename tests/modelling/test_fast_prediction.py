"""A champion answers the same by the fast way, whatever its parts are and whatever the rows hold."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer import TabularClassifier, TabularRanker, TabularRegressor
from ml_engineer.modelling.calibrated import calibrated_model
from ml_engineer.modelling.calibration import Calibrator
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.fast_prediction import FastModel
from ml_engineer.modelling.fits import fit_rows
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.refitting import ensemble_of
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.label_sets import as_matrix
from modelling.tables import make_data, mixed_features

FEW_TREES = {"lightgbm": {"n_estimators": 4}, "catboost": {"n_estimators": 4}, "xgboost": {"n_estimators": 4}}
FEW_TREES["forest"] = {"n_estimators": 7}


def quick_portfolio(data: TrainingData) -> list[Candidate]:
    """Every model of the portfolio, with few trees."""
    built = build_portfolio(data, seed=0, threads=1)
    return [one.with_parameters("", **FEW_TREES[one.growing]) if one.growing else one for one in built]


CALLS: list[int] = []


def counted_floats(values: Any) -> Any:
    CALLS.append(len(values))
    return np.asarray(values, dtype=float)


def fitted(candidate: Candidate, data: TrainingData) -> Any:
    return fit_rows(candidate, data, np.arange(data.rows))


def strange_rows() -> pd.DataFrame:
    """Rows that training did not see: other values, missing ones, another order of columns and one more."""
    rows = mixed_features(60, seed=9)
    rows.loc[3, 'co"lour'] = "violet"
    rows.loc[4, "class"] = "k999"
    rows.loc[[5, 6], "in'come\n"] = np.nan
    rows.loc[7, "{comment}"] = np.nan
    return rows[rows.columns[::-1]].assign(more=1.0)


@pytest.mark.parametrize("name", ["extra_trees", "neighbours", "network", "linear", "boosting"])
def test_of_several_labels_each_gets_its_probabilities(name: str) -> None:
    """Forests and neighbours answer with a list of arrays, the others with one."""
    binary = make_data("binary")
    both = np.column_stack([binary.actual, binary.features["width (mm)"].fillna(0) > 0]).astype(int)
    data = replace(binary, task="multilabel", target=both, metric="label_log_loss", positive_class=None)
    candidate = next(one for one in quick_portfolio(data) if one.name == name)
    model = candidate.build().fit(data.features, both)
    fast = FastModel(model)
    rows = strange_rows()
    answers = [as_matrix(one.predict_proba(rows), one.classes_) for one in (model, fast)]
    assert answers[1].shape == (60, 2)
    assert answers[1] == pytest.approx(answers[0], abs=1e-9)
    assert np.array_equal(fast.predict(rows), model.predict(rows))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_model_of_the_portfolio_answers_the_same_by_the_fast_way(task: str) -> None:
    data = make_data(task)
    ask = "predict" if task == "regression" else "predict_proba"
    for candidate in quick_portfolio(data):
        model = fitted(candidate, data)
        for rows in (data.features, strange_rows(), strange_rows().head(1)):
            expected = getattr(model, ask)(rows)
            np.testing.assert_allclose(
                getattr(FastModel(model), ask)(rows), expected, rtol=1e-9, atol=1e-12, err_msg=candidate.name
            )


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_an_average_answers_the_same_by_the_fast_way(task: str) -> None:
    data = make_data(task)
    chosen = [one for one in quick_portfolio(data) if one.name in {"linear", "kernel", "extra_trees", "boosting"}]
    model = fitted(ensemble_of([(one, 0.1 + place) for place, one in enumerate(chosen)], data), data)
    assert isinstance(model, VotingClassifier | VotingRegressor)
    ask = "predict" if task == "regression" else "predict_proba"
    rows = strange_rows()
    np.testing.assert_allclose(getattr(FastModel(model), ask)(rows), getattr(model, ask)(rows), rtol=1e-9)


@pytest.mark.parametrize(
    "calibrator", [Calibrator(0.7, 0.2), Calibrator(1.0, 0.0, levels=(-2.0, 0.0, 2.0), values=(-1.0, 0.1, 1.5))]
)
def test_a_calibrated_model_answers_the_same_by_the_fast_way(calibrator: Calibrator) -> None:
    data = make_data("binary")
    candidate = quick_portfolio(data)[0]
    model = calibrated_model(candidate.build(), fitted(candidate, data), calibrator, data.classes)
    rows = strange_rows()
    np.testing.assert_allclose(FastModel(model).predict_proba(rows), model.predict_proba(rows), rtol=1e-9)


def test_parts_that_prepare_alike_prepare_once_a_prediction() -> None:
    rows = pd.DataFrame({"x": np.arange(8.0), "y": np.arange(8.0)[::-1]})

    def part(columns: list[str]) -> Pipeline:
        numbers = ColumnTransformer([("numbers", FunctionTransformer(counted_floats), columns)])
        return Pipeline([("prepare", numbers), ("model", LogisticRegression())])

    vote = VotingClassifier([("a", part(["x"])), ("b", part(["x"])), ("c", part(["x", "y"]))], voting="soft")
    vote.fit(rows, np.arange(8) % 2)
    fast = FastModel(vote)
    CALLS.clear()
    answers = fast.predict_proba(rows)
    assert CALLS == [8, 8], "one preparation for the two parts that agree, and one for the third"
    fast.predict_proba(rows.head(2))
    assert CALLS == [8, 8, 2, 2], "each prediction prepares its own rows"
    np.testing.assert_array_equal(answers, vote.predict_proba(rows))


def test_rows_that_a_model_refuses_are_refused_in_its_own_words() -> None:
    data = make_data("binary")
    fast = FastModel(fitted(quick_portfolio(data)[0], data))
    with pytest.raises(ValueError, match="columns are missing"):
        fast.predict_proba(data.features.drop(columns="count"))
    endless = data.features.assign(count=np.inf)
    with pytest.raises(ValueError, match="infinity"):
        fast.predict_proba(endless)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fast.predict_proba(data.features.head(0))


def test_rows_of_other_types_are_left_to_the_model() -> None:
    data = make_data("binary")
    model = fitted(quick_portfolio(data)[0], data)
    rows = data.features.assign(**{"width (mm)": data.features["width (mm)"].astype("float32")})
    rows["class"] = rows["class"].astype("category")
    np.testing.assert_array_equal(FastModel(model).predict_proba(rows), model.predict_proba(rows))


def test_a_model_that_is_no_pipeline_answers_itself_and_keeps_its_attributes() -> None:
    rows, codes = pd.DataFrame({"x": np.arange(8.0)}), np.arange(8) % 2
    model = LogisticRegression().fit(rows, codes)
    fast = FastModel(model)
    np.testing.assert_array_equal(fast.predict_proba(rows), model.predict_proba(rows))
    np.testing.assert_array_equal(fast.predict(rows), model.predict(rows))
    assert fast.classes_.tolist() == [0, 1]


def test_a_fitted_estimator_is_stored_with_its_fast_way() -> None:
    rows = mixed_features(80)
    model = TabularClassifier(budget_evaluations=8, n_jobs=1).fit(rows, np.arange(80) % 2)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))
    assert len(pickle.dumps(FastModel(model.model_))) < 1.01 * len(pickle.dumps(model.model_)) + 500


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor, TabularRanker])
def test_an_estimator_that_was_saved_before_there_was_a_fast_way_answers_as_it_did(kind: Any) -> None:
    features = mixed_features(60, seed=0)
    more = {"group": [6] * 10} if kind is TabularRanker else {}
    model = kind(budget_evaluations=3, n_jobs=1, folds=2).fit(features, np.arange(60) % 3, **more)
    asked = ["predict", "predict_proba"] if kind is TabularClassifier else ["predict"]
    said = [getattr(model, one)(features) for one in asked]
    del model._fast
    earlier = pickle.loads(pickle.dumps(model))
    for one, before in zip(asked, said, strict=True):
        assert np.array_equal(getattr(earlier, one)(features), before)
