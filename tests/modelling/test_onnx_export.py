"""A champion as an ONNX file: predicts what the champion predicts, or says which part prevents it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml_engineer.modelling.fits import fit_rows
from ml_engineer.modelling.onnx_export import NotExportableError, onnx_model, run_onnx
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.refitting import ensemble_of
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data, small

pytest.importorskip("onnxruntime")

CATEGORIES = "turns into means of earlier rows"
PREVENTED = {
    "ordered_boosting": CATEGORIES,
    "ordered_boosting_deep": CATEGORIES,
    "ordered_boosting_shallow": CATEGORIES,
    "splines": "QuantileTransformer",
    "network_splines": "QuantileTransformer",
    "neighbours": "KNeighbors",
}


def without_text(task: str, **changes: object) -> TrainingData:
    data = make_data(task, rows=200, **changes)
    hours = np.random.default_rng(3).integers(0, 24, data.rows)
    return replace(data, features=data.features.drop(columns="{comment}").assign(hour=hours))


def exported(model: object, data: TrainingData) -> bytes:
    classes = tuple(str(label) for label in data.classes)
    positive = data.positive if data.task == "binary" else None
    return onnx_model(
        model, data.features, classes=classes, positive=positive, threshold=0.4 if classes else None, about={"run": "r"}
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_model_of_the_portfolio_predicts_the_same_as_a_file_or_says_what_prevents_it(task: str) -> None:
    data = without_text(task)
    unseen = without_text(task, seed=7).features  # other categories and other gaps than it learned from
    for candidate in build_portfolio(data, seed=0, threads=1):
        model = fit_rows(small(candidate), data, np.arange(data.rows))
        if candidate.name in PREVENTED:
            with pytest.raises(NotExportableError, match=PREVENTED[candidate.name]):
                exported(model, data)
            continue
        *_, answer = run_onnx(exported(model, data), unseen)
        expected = model.predict(unseen)[:, None] if task == "regression" else model.predict_proba(unseen)
        assert np.abs(answer - expected).max() < 2e-5 * max(1.0, np.abs(expected).max()), candidate.name


def test_a_skewed_target_is_taken_back_from_its_logarithm_and_held_to_what_was_seen() -> None:
    data = without_text("regression")
    data = replace(data, target=np.exp(3 * np.asarray(data.target, dtype=float)))
    unseen = without_text("regression", seed=7).features
    for candidate in build_portfolio(data, seed=0, threads=1):
        if candidate.name in {"selecting", "kernel", "network", "support"}:
            model = fit_rows(small(candidate), data, np.arange(data.rows))
            *_, answer = run_onnx(exported(model, data), unseen)
            expected = model.predict(unseen)
            assert np.abs(answer[:, 0] - expected).max() < 2e-5 * expected.max(), candidate.name


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_an_average_of_models_predicts_the_same_and_calls_labels_at_the_threshold(task: str) -> None:
    data = without_text(task)
    known = {one.name: small(one) for one in build_portfolio(data, seed=0, threads=1)}
    vote = ensemble_of([(known["linear"], 0.5), (known["boosting"], 0.3), (known["extra_trees"], 0.2)], data)
    model = fit_rows(vote, data, np.arange(data.rows))
    answers = run_onnx(exported(model, data), data.features)
    if task == "regression":
        assert np.allclose(answers[0][:, 0], model.predict(data.features), rtol=1e-5, atol=1e-5)
        return
    labels, probabilities = answers
    assert np.allclose(probabilities, model.predict_proba(data.features), atol=1e-6)
    assert labels.tolist() == np.where(probabilities[:, data.positive] >= 0.4, "yes", "no").tolist()


def test_a_model_of_text_names_the_step_that_prevents_it() -> None:
    data = make_data("binary", rows=120)
    (words,) = [one for one in build_portfolio(data, seed=0, threads=1) if one.name == "words"]
    with pytest.raises(NotExportableError, match="text"):
        exported(fit_rows(words, data, np.arange(data.rows)), data)
