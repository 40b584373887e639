"""Running text read by the vectors of a text model: what it sees that words cannot, and what is refused."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model2vec import StaticModel
from sklearn.metrics import roc_auc_score

from ml_engineer import TabularClassifier
from ml_engineer.errors import InputError, MissingExtraError
from ml_engineer.modelling.fits import fit_rows
from ml_engineer.modelling.memory import guessed_bytes
from ml_engineer.modelling.pickling import dump_by_value, stored_bytes
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.refitting import ensemble_of
from ml_engineer.modelling.source_code import NotWritable, same_estimator, write_source
from ml_engineer.modelling.text_vectors import TextVectors, share_text_models, text_model_sha256
from ml_engineer.modelling.training_data import TrainingData
from modelling.text_models import TOPICS, reviews, synonym_model

QUICK = {"n_jobs": 1, "folds": 2, "random_state": 0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synonym_model(tmp_path_factory.mktemp("text") / "model")


@pytest.fixture(scope="module")
def known_and_new() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews of some topics, and of others, which share no word with them."""
    table = reviews(360)
    new = table["topic"] >= TOPICS - 3
    return table[~new], table[new].dropna()


def area_on_new_words(known_and_new, **arguments) -> float:
    known, new = known_and_new
    search = TabularClassifier(**QUICK, **arguments)
    search.fit(known[["review"]], known["liked"], groups=known["topic"])
    return float(roc_auc_score(new["liked"] == "yes", search.predict_proba(new[["review"]])[:, 1]))


def test_with_a_text_model_words_are_understood_that_training_never_saw(known_and_new, model: Path) -> None:
    assert area_on_new_words(known_and_new, text_model=model, budget_evaluations=40) > 0.99


def test_without_one_such_words_say_nothing(known_and_new) -> None:
    assert 0.3 < area_on_new_words(known_and_new, budget_evaluations=12) < 0.7


def test_a_text_of_no_known_word_and_an_empty_one_are_zeros_and_others_have_length_one(model: Path) -> None:
    word = reviews(1)["review"].fillna("").iloc[0] or reviews(2)["review"].iloc[1]
    vectors = TextVectors(str(model)).fit(np.empty(0)).transform(np.array([word, "", "unheard"]))
    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1, 0, 0])


def test_an_average_of_several_that_read_vectors_is_written_with_one_class_and_one_folder(model: Path) -> None:
    data = text_data(model)
    chosen = [one for one in build_portfolio(data, seed=0, threads=1) if one.view in {"vectors", "words"}]
    assert {"words", "vectors"} <= {one.name for one in chosen}
    average = ensemble_of([(one, 1 / len(chosen)) for one in chosen], data)
    source = average.source
    assert not isinstance(source, NotWritable)
    assert source.text_model == str(model)
    assert str(model) not in source.body()
    assert same_estimator(average.build(), average.estimator)


def test_models_of_one_text_model_hold_it_once(model: Path) -> None:
    data = text_data(model)
    candidate = vectors_of(data)
    fitted = [fit_rows(candidate, data, np.arange(data.rows)) for _ in range(2)]
    apart = stored_bytes(fitted)
    share_text_models(fitted)
    assert stored_bytes(fitted) < apart - stored_bytes(StaticModel.from_pretrained(model)) / 2


def test_two_different_models_in_one_pipeline_are_not_written(model: Path) -> None:
    from sklearn.pipeline import make_pipeline

    refused = write_source(make_pipeline(TextVectors(str(model)), TextVectors(f"{model}-2")))
    assert isinstance(refused, NotWritable)
    assert "two different models" in refused.reason


def test_a_saved_pipeline_reads_texts_where_neither_we_nor_the_folder_are(tmp_path: Path) -> None:
    folder = synonym_model(tmp_path / "model")
    fitted = TextVectors(str(folder)).fit(np.empty(0))
    texts = reviews(3)["review"].fillna("").to_numpy(dtype=object)
    np.save(tmp_path / "expected.npy", fitted.transform(texts))
    (tmp_path / "model.pkl").write_bytes(dump_by_value((fitted, texts)))
    folder.rename(tmp_path / "elsewhere")
    (tmp_path / "ml_engineer.py").write_text("raise ImportError\n", encoding="utf-8")
    script = (
        "import pickle, numpy as np; fitted, texts = pickle.load(open('model.pkl', 'rb'));"
        "assert np.array_equal(fitted.transform(texts), np.load('expected.npy'))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_no_folder_is_refused_and_nothing_is_downloaded(known_and_new) -> None:
    with pytest.raises(InputError, match=r"no folder of that name on this machine.*model2vec") as refused:
        area_on_new_words(known_and_new, text_model="minishlab/potion-base-8M", budget_evaluations=1)
    assert "Nothing is downloaded" in str(refused.value)


def test_a_folder_of_something_else_is_refused(known_and_new, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="holds no static embedding model"):
        area_on_new_words(known_and_new, text_model=tmp_path, budget_evaluations=1)


def test_without_the_package_the_error_names_the_command(known_and_new, model: Path, monkeypatch) -> None:
    module = importlib.import_module("ml_engineer.modelling.text_vectors")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ml-engineer\[text\]'"):
        area_on_new_words(known_and_new, text_model=model, budget_evaluations=1)


def test_a_text_model_without_running_text_is_told(model: Path) -> None:
    table = pd.DataFrame({"number": np.arange(60.0)})
    search = TabularClassifier(**QUICK, text_model=model, budget_evaluations=2)
    with pytest.warns(UserWarning, match="no column holds running text"):
        search.fit(table, np.arange(60) > 30)


def test_the_hash_changes_with_the_vectors_and_not_with_the_readme(tmp_path: Path) -> None:
    folder = synonym_model(tmp_path / "model")
    before = text_model_sha256(folder)
    (folder / "README.md").write_text("another", encoding="utf-8")
    assert text_model_sha256(folder) == before
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert text_model_sha256(folder) != before


def test_memory_is_guessed_by_the_texts_and_not_by_the_numbers_beside_them(model: Path) -> None:
    narrow, wide = (vectors_of(text_data(model, numbers=count)) for count in (1, 40))
    rows = 100_000
    assert guessed_bytes(narrow, rows=rows) > 8 * 256 * rows
    assert guessed_bytes(wide, rows=rows) < 1.5 * guessed_bytes(narrow, rows=rows)


def vectors_of(data: TrainingData):
    return next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == "vectors")


def text_data(model: Path, *, numbers: int = 1) -> TrainingData:
    table = reviews(240)
    features = table[["review"]].assign(**{f"n{place}": np.arange(240.0) ** (place % 3) for place in range(numbers)})
    rows = np.arange(240)
    return TrainingData(
        task="binary",
        metric="roc_auc",
        features=features,
        target=table["liked"].to_numpy(dtype=object),
        pairs=((rows[80:], rows[:80]),),
        fingerprint="",
        text_model=str(model),
    )
