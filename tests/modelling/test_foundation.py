"""A tabular foundation model with weights of the user's: what it gives, what it keeps, and what is refused."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml_engineer import TabularClassifier, TabularRegressor
from ml_engineer.errors import InputError, MissingExtraError
from ml_engineer.modelling.fits import fit_rows, predict
from ml_engineer.modelling.foundation import FoundationClassifier
from ml_engineer.modelling.onnx_export import NotExportableError, onnx_model
from ml_engineer.modelling.pickling import dump_by_value
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.source_code import NotWritable, same_estimator, write_source
from ml_engineer.modelling.training_data import TrainingData
from modelling.foundation_models import small_checkpoint, two_sided

QUICK = {"n_jobs": 1, "folds": 2, "random_state": 0}
FEATURES = ["first", "second", "third"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for classes; skips where TabICL is not installed."""
    pytest.importorskip("tabicl", reason="TabICL brings PyTorch, which is not installed here; .ci/full installs it")
    return small_checkpoint(tmp_path_factory.mktemp("weights") / "classes.ckpt", classes=10)


def data_of(weights: str, *, task: str = "binary") -> TrainingData:
    table = two_sided(200)
    rows = np.arange(200)
    number = task == "regression"
    return TrainingData(
        task=task,  # type: ignore[arg-type]
        metric="rmse" if number else "roc_auc",
        features=table[FEATURES],
        target=table["size"].to_numpy() if number else table["side"].to_numpy(dtype=object),
        pairs=((rows[80:], rows[:80]),),
        fingerprint="",
        foundation_model=weights,
    )


def names(data: TrainingData) -> list[str]:
    return [one.name for one in build_portfolio(data, seed=0, threads=1)]


def foundation_of(data: TrainingData):
    return next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == "foundation")


def test_without_weights_the_portfolio_is_what_it_was_and_no_torch_is_imported() -> None:
    assert "foundation" not in names(data_of(""))
    script = "import sys, ml_engineer.modelling.portfolio; assert not {'torch', 'tabicl'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_the_package_the_error_names_the_command_and_what_it_brings(tmp_path: Path, monkeypatch) -> None:
    module = importlib.import_module("ml_engineer.modelling.foundation")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    table = two_sided(60)
    search = TabularClassifier(**QUICK, foundation_model=tmp_path, budget_evaluations=1)
    with pytest.raises(MissingExtraError, match=r"pip install 'ml-engineer\[foundation\]'.*PyTorch"):
        search.fit(table[FEATURES], table["side"])


@pytest.mark.full
def test_it_is_raced_with_the_others_and_listed(weights: Path) -> None:
    table = two_sided(200)
    search = TabularClassifier(**QUICK, foundation_model=weights, budget_evaluations=12)
    board = search.fit(table[FEATURES], table["side"]).leaderboard_.set_index("candidate")
    assert board.loc["foundation", "family"] == "network"
    assert board.loc["foundation", "status"] in {"finished", "dropped"}


@pytest.mark.full
def test_it_learns_from_the_rows_that_it_was_given_and_answers_each_row_by_itself(weights: Path) -> None:
    data = data_of(str(weights))
    model = fit_rows(foundation_of(data), data, np.arange(80, 200))
    together = predict(model, data, np.arange(80))
    assert roc_auc_score(data.target[:80] == "below", together[:, 1]) > 0.7
    alone = np.vstack([predict(model, data, np.array([row])) for row in range(10)])
    np.testing.assert_allclose(alone, together[:10], atol=1e-5)


@pytest.mark.full
def test_numbers_are_learned_with_weights_for_numbers(weights: Path, tmp_path: Path) -> None:
    table = two_sided(200)
    for_numbers = small_checkpoint(tmp_path / "numbers.ckpt", classes=0)
    data = data_of(str(for_numbers), task="regression")
    model = fit_rows(foundation_of(data), data, np.arange(80, 200))
    assert np.corrcoef(predict(model, data, np.arange(80)), data.target[:80].astype(float))[0, 1] > 0.5
    search = TabularRegressor(**QUICK, foundation_model=weights, budget_evaluations=1)
    with pytest.raises(InputError, match="weights for classes, and the target is of numbers"):
        search.fit(table[FEATURES], table["size"])


@pytest.mark.full
def test_its_source_names_the_file_by_a_constant_and_builds_the_same(weights: Path) -> None:
    candidate = foundation_of(data_of(str(weights)))
    source = candidate.source
    assert not isinstance(source, NotWritable)
    assert (source.foundation_model, source.foundation_class) == (str(weights), "FoundationClassifier")
    assert str(weights) not in source.body()
    assert same_estimator(candidate.build(), candidate.estimator)


@pytest.mark.full
def test_a_pickle_predicts_where_neither_we_nor_the_weights_are(weights: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.ckpt"
    own.write_bytes(weights.read_bytes())
    rows = two_sided(60)[["first", "second"]].to_numpy()
    fitted = FoundationClassifier(str(own)).fit(rows[:40], np.arange(40) % 2)
    np.save(tmp_path / "expected.npy", fitted.predict_proba(rows[40:]))
    (tmp_path / "model.pkl").write_bytes(dump_by_value((fitted, rows[40:])))
    own.unlink()
    (tmp_path / "ml_engineer.py").write_text("raise ImportError\n", encoding="utf-8")
    script = (
        "import pickle, numpy as np; fitted, rows = pickle.load(open('model.pkl', 'rb'));"
        "again = pickle.loads(__import__('cloudpickle').dumps(fitted));"
        "assert all(np.allclose(one.predict_proba(rows), np.load('expected.npy'), rtol=1e-9) for one in (fitted, again))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.full
def test_what_onnx_cannot_hold_is_named(weights: Path) -> None:
    data = data_of(str(weights))
    model = fit_rows(foundation_of(data), data, np.arange(200))
    with pytest.raises(NotExportableError, match="FoundationClassifier"):
        onnx_model(model, data.features, classes=("above", "below"), positive=0, threshold=0.5, about={})


@pytest.mark.full
def test_a_name_that_is_no_file_is_refused_and_nothing_is_downloaded(weights: Path) -> None:
    table = two_sided(60)
    search = TabularClassifier(**QUICK, foundation_model="jingang/TabICL", budget_evaluations=1)
    with pytest.raises(InputError, match=r"no file of that name on this machine.*Nothing is downloaded"):
        search.fit(table[FEATURES], table["side"])
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        FoundationClassifier("jingang/TabICL").fit(np.zeros((4, 1)), np.arange(4) % 2)


@pytest.mark.full
def test_a_file_of_something_else_is_refused_and_no_code_in_it_is_run(weights: Path, tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "run",))

    for content in (b"not a checkpoint", pickle.dumps({"config": Trap()})):
        path = tmp_path / "file.ckpt"
        path.write_bytes(content)
        search = TabularClassifier(**QUICK, foundation_model=path, budget_evaluations=1)
        table = two_sided(60)
        with pytest.raises(InputError, match="holds no checkpoint of TabICL"):
            search.fit(table[FEATURES], table["side"])
    assert not (tmp_path / "run").exists()


@pytest.mark.full
def test_weights_of_two_models_in_one_pipeline_are_not_written() -> None:
    from sklearn.ensemble import VotingClassifier

    two = VotingClassifier([("one", FoundationClassifier("a")), ("two", FoundationClassifier("b"))])
    refused = write_source(two)
    assert isinstance(refused, NotWritable)
    assert "two foundation models" in refused.reason
