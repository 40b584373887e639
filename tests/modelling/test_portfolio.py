"""Which models are built for which tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.neural_network import MLPClassifier

from ml_engineer.modelling.candidate import Candidate, model_of, pipeline_of
from ml_engineer.modelling.ensemble import row_losses
from ml_engineer.modelling.fits import FitTask, fit_rows, run_task
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data


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


@pytest.mark.parametrize(("task", "there"), [("binary", True), ("regression", True), ("multiclass", False)])
def test_support_vector_machines_are_for_two_classes_and_numbers(task: str, there: bool) -> None:
    assert ("support" in entries(make_data(task, rows=240))) is there


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
