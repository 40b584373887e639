"""Which models are built for which tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier
from sklearn.neural_network import MLPClassifier

from ml_engineer.modelling import portfolio
from ml_engineer.modelling.candidate import Candidate, model_of, pipeline_of
from ml_engineer.modelling.ensemble import row_losses
from ml_engineer.modelling.fits import FitTask, fit_rows, predict, run_task
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data, small


def entries(data: TrainingData) -> dict[str, Candidate]:
    return {one.name: one for one in build_portfolio(data, seed=0, threads=1)}


def test_of_few_rows_several_networks_are_averaged_and_of_many_or_weighted_rows_one_is_fitted() -> None:
    few, many = make_data("binary", rows=240), make_data("binary", rows=31_000)
    weighted = replace(few, weights=np.linspace(1, 2, few.rows))
    averaged = pipeline_of(entries(few)["network"].estimator)[-1]
    assert isinstance(averaged, BaggingClassifier)
    for data in (many, weighted):
        assert isinstance(pipeline_of(entries(data)["network"].estimator)[-1], MLPClassifier)
    # What a search turns are the settings of each network.
    assert isinstance(model_of(entries(few)["network"].estimator), MLPClassifier)


def test_averaged_networks_begin_from_different_weights_and_learn_all_rows() -> None:
    data = make_data("binary", rows=120)
    model = fit_rows(entries(data)["network"], data, np.arange(data.rows))
    averaged = pipeline_of(model)[-1]
    first = [one.coefs_[0] for one in averaged.estimators_]
    assert not np.array_equal(first[0], first[1])
    assert {len(np.unique(rows)) for rows in averaged.estimators_samples_} == {data.rows}


def test_a_foundation_model_is_tried_where_a_call_takes_gigabytes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "find_spec", lambda _name: object())  # TabICL is not installed everywhere
    data = replace(make_data("binary", rows=240), foundation_model="weights.ckpt")
    assert "foundation" in entries(data)
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(240, 900)).round(3)).rename(columns="x{}".format)
    assert "foundation" not in entries(replace(data, features=wide))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_support_vector_machines_are_for_every_task_of_one_target(task: str) -> None:
    assert "support" in entries(make_data(task, rows=240))


def test_classes_with_few_rows_or_very_many_classes_get_no_support_vector_machines() -> None:
    data = make_data("multiclass", rows=240)
    rare = np.where(np.arange(240) < 7, 3, data.target)
    assert "support" not in entries(replace(data, target=rare))
    many = np.arange(240) % 24
    assert "support" not in entries(replace(data, target=many))
    dear = make_data("multiclass", rows=4_000)
    assert "support" in entries(dear)
    assert "support" not in entries(replace(dear, target=np.arange(4_000) % 8))


def test_rings_of_several_classes_are_told_apart_with_honest_probabilities() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(size=(600, 2))
    rings = np.digitize(np.hypot(*places.T), [0.8, 1.4])
    data = replace(
        make_data("multiclass", rows=600), features=pd.DataFrame(places, columns=["east", "north"]), target=rings
    )
    train, test = data.pairs[0]
    lost = {
        name: row_losses(predict(fit_rows(entries(data)[name], data, train), data, test), data.actual[test]).mean()
        for name in ("linear", "support")
    }
    assert lost["support"] < 0.2
    assert lost["linear"] > 1.0


@pytest.mark.parametrize("few", [True, False])
def test_catboost_takes_short_categories_of_few_rows_as_they_are(few: bool) -> None:
    """Target means of few rows are rough, and those of pairs of categories take most of the time."""
    data = make_data("binary", rows=240 if few else 6_000)
    settings = model_of(entries(data)["ordered_boosting"].estimator).get_params()
    assert settings["one_hot_max_size"] == (12 if few else 3)
    assert settings["max_ctr_complexity"] == (1 if few else 2)
    assert settings["learning_rate"] == (0.025 if few else 0.05)


def test_networks_held_back_by_small_weights_learn_from_every_row() -> None:
    model = model_of(entries(make_data("binary", rows=240))["network_held"].estimator)
    assert not model.early_stopping
    assert "network_held" not in entries(make_data("binary", rows=6_000))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_of_many_features_a_line_keeps_those_that_tell_something(task: str) -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(240, 300)), columns=[f"f{number}" for number in range(300)])
    strength = features[["f0", "f1", "f2"]].sum(axis=1).to_numpy() + 0.5 * rng.normal(size=240)
    edges = {"binary": [0.0], "multiclass": [-1.0, 1.0]}.get(task)
    target = strength if edges is None else np.digitize(strength, edges).astype(str)
    data = replace(make_data(task, rows=240), features=features, target=target)
    candidates, (train, test) = entries(data), data.pairs[0]
    lost = {
        name: row_losses(
            run_task(FitTask(candidates[name], train, test, ""), data, scratch=None).predictions, data.actual[test]
        )
        for name in ("linear", "selecting")
    }
    assert lost["selecting"].mean() < 0.7 * lost["linear"].mean()


def skewed(rows: int = 240) -> TrainingData:
    """Prices that grow by a factor with size, as those of houses do."""
    rng = np.random.default_rng(0)
    sizes = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["inside", "garden", "garage"])
    price = np.exp(11 + 0.6 * sizes.sum(axis=1).to_numpy() + 0.2 * rng.normal(size=rows))
    return replace(make_data("regression", rows=rows), features=sizes, target=price)


def test_models_of_a_logarithm_predict_little_beyond_what_was_seen() -> None:
    """Taken back from a logarithm, a line gives a house that is large in every way many times the price of any other."""
    data = skewed()
    largest = data.actual.max()
    house = pd.DataFrame([[5.0, 5.0, 5.0]], columns=data.features.columns)
    for name, candidate in entries(data).items():
        model = fit_rows(candidate, data, np.arange(data.rows))
        if isinstance(model, TransformedTargetRegressor):
            assert model.predict(house)[0] < 1.11 * largest, name
    assert np.exp(11 + 0.6 * 15) > 20 * largest


def test_no_model_of_survival_takes_a_mean_of_signed_times_or_an_order_of_names_for_what_a_category_is_worth() -> None:
    data = make_data("regression", rows=240)
    signed = np.where(np.arange(240) % 3 == 0, -1.0, 1.0) * (1 + np.abs(data.target))
    data = replace(data, target=signed, named="survival", metric="concordance")
    candidates = build_portfolio(data, seed=0, threads=1)
    assert {"cox", "cox_boosting", "survival_forest"} <= {one.name for one in candidates}
    for one in candidates:
        text = one.source.body()
        assert "TargetEncoder" not in text, one.name
        assert "OrdinalEncoder" not in text, one.name
        assert not any("LightGBM" in part.why or "mean target" in part.why for part in one.lists), one.name
        fit = run_task(FitTask(small(one), *data.pairs[0], ""), data, scratch=None)
        assert np.isfinite(fit.predictions).all()
