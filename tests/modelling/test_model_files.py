"""The model as a file: same predictions, nothing loaded that was not recorded."""

from __future__ import annotations

import pickle
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from ml_engineer.errors import ProjectStateError
from ml_engineer.modelling.fits import fit_rows
from ml_engineer.modelling.model_files import TRUSTED_TYPES, load_model, save_model
from ml_engineer.modelling.pickling import stored_bytes
from ml_engineer.modelling.portfolio import baseline_candidate, build_portfolio
from modelling.tables import make_data, small


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_portfolio_model_is_a_skops_file_that_predicts_the_same(task: str, tmp_path: Path) -> None:
    data = make_data(task, rows=120)
    for candidate in [baseline_candidate(data), *build_portfolio(data, seed=0, threads=1)]:
        model = fit_rows(small(candidate), data, np.arange(data.rows))
        saved = save_model(model, tmp_path, check=data.features)
        assert (saved.model_format, saved.reason) == ("skops", ""), candidate.name
        again = load_model(tmp_path / saved.file_name, sha256=saved.sha256, model_format="skops")
        assert (again.predict(data.features) == model.predict(data.features)).all()


NUMBERS = make_data(rows=120).features[["count", "flag"]].astype(float)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=5),
        StackingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())], cv=2),
        VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())]),
        CalibratedClassifierCV(SVC(), cv=2, method="sigmoid"),
        CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), cv=2, method="isotonic"),
        MLPClassifier((5,), max_iter=400, random_state=0, tol=1e-2),
        KNeighborsClassifier(algorithm="ball_tree"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_usual_models_of_scikit_learn_need_no_pickle(model, tmp_path: Path) -> None:
    target = (NUMBERS["count"] > 2).to_numpy()
    saved = save_model(make_pipeline(StandardScaler(), model).fit(NUMBERS, target), tmp_path, check=NUMBERS)
    assert (saved.model_format, saved.reason) == ("skops", "")


@pytest.mark.parametrize("name", TRUSTED_TYPES)
def test_every_trusted_type_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


def test_what_skops_cannot_carry_becomes_a_pickle_and_says_why(tmp_path: Path) -> None:
    target = (NUMBERS["count"] > 2).to_numpy()
    model = make_pipeline(FunctionTransformer(lambda rows: rows * 2), LogisticRegression()).fit(NUMBERS, target)
    saved = save_model(model, tmp_path, check=NUMBERS)
    assert saved.model_format == "pickle"
    assert saved.reason
    assert [path.name for path in tmp_path.iterdir()] == ["model.pkl"]
    again = load_model(tmp_path / "model.pkl", sha256=saved.sha256, model_format="pickle")
    assert np.array_equal(again.predict_proba(NUMBERS), model.predict_proba(NUMBERS))


def test_a_file_that_is_not_the_recorded_one_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(ProjectStateError, match="is not the model that was recorded"):
        load_model(tmp_path / "model.pkl", sha256="0" * 64, model_format="pickle")


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProjectStateError, match="Call train again"):
        load_model(tmp_path / "model.skops", sha256="0" * 64, model_format="skops")


def test_a_damaged_skops_file_is_told_as_such(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "model.skops").write_bytes(b"no zip")
    with pytest.raises(ProjectStateError, match="cannot be read as a skops file"):
        load_model(tmp_path / "model.skops", sha256=hashlib.sha256(b"no zip").hexdigest(), model_format="skops")


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skops.io.dump", full)
    with pytest.raises(ProjectStateError, match="No space left"):
        save_model(LogisticRegression().fit([[0], [1]], [0, 1]), tmp_path, check=NUMBERS)


def test_the_size_of_a_model_is_told_without_storing_it() -> None:
    features, target = np.random.default_rng(0).normal(size=(300, 5)), np.arange(300) % 2
    few, many = (RandomForestClassifier(trees, n_jobs=1, random_state=0).fit(features, target) for trees in (5, 50))
    assert stored_bytes(many) == pytest.approx(len(pickle.dumps(many, protocol=5)), rel=0.02)
    assert stored_bytes(many) > 8 * stored_bytes(few)
    assert stored_bytes(number for number in range(3)) == 0
