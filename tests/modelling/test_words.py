"""Models of words say how sure they may be, are fitted fast, and know a class of few texts too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from filler import FILLER
from ml_engineer import TabularClassifier
from ml_engineer.modelling.fits import fit_rows
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.training_data import TrainingData

QUICK = {"n_jobs": 1, "folds": 3, "random_state": 0}


def texts(openings: np.ndarray, *, seed: int = 0) -> pd.DataFrame:
    """Texts of words that say nothing, with one that may tell something in the midst."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"text": [" ".join([*rng.choice(FILLER, 6), word, *rng.choice(FILLER, 4)]) for word in openings]}
    )


def half_sure(rows: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, float]:
    """Texts with 'prize' are unwanted nine times of ten, others once; and the log loss of who knows that."""
    rng = np.random.default_rng(seed)
    prize = rng.random(rows) < 0.5
    unwanted = np.where(prize, rng.random(rows) < 0.9, rng.random(rows) < 0.1)
    known = np.where(prize, 0.9, 0.1)
    return texts(np.where(prize, "prize", "letter"), seed=seed), unwanted, float(log_loss(unwanted, known))


def data_of(table: pd.DataFrame, target: np.ndarray) -> TrainingData:
    return TrainingData(
        task="binary" if len(np.unique(target)) == 2 else "multiclass",
        metric="log_loss",
        features=table,
        target=target,
        pairs=tuple(StratifiedKFold(3, shuffle=True, random_state=0).split(table, target)),
        fingerprint="",
        text_columns=frozenset({"text"}),
    )


def candidate(data: TrainingData, name: str):
    return next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == name)


@pytest.mark.parametrize("name", ["words", "words_strict"])
def test_a_model_of_words_is_as_sure_as_the_words_allow(name: str) -> None:
    data = data_of(*half_sure(900, seed=0)[:2])
    model = fit_rows(candidate(data, name), data, np.arange(data.rows))
    new, unwanted, least = half_sure(900, seed=1)
    assert least == pytest.approx(0.325, abs=0.04)
    assert log_loss(unwanted, model.predict_proba(new)) < least + 0.05


def test_a_class_of_few_texts_is_learned_beside_the_others() -> None:
    words = np.array([*["red"] * 60, *["green"] * 60, *["violet"] * 6])
    search = TabularClassifier(**QUICK, budget_evaluations=5).fit(texts(words), words)
    new = np.array(["violet", "red", "green"] * 5)
    assert (search.predict(texts(new, seed=1)) == new).mean() > 0.9


def test_a_class_that_one_fold_never_sees_is_no_failure() -> None:
    """All texts of a class in one group: where it is left out, nothing can be learned of it."""
    words = np.array([*["red"] * 60, *["green"] * 60, *["violet"] * 12])
    groups = np.array([*np.arange(120) % 12, *[12] * 12])
    search = TabularClassifier(**QUICK, budget_evaluations=8).fit(texts(words), words, groups=groups)
    board = search.leaderboard_.set_index("candidate")
    assert board.loc["words", "status"] == "finished"


def test_the_same_fits_give_the_same_probabilities() -> None:
    table, unwanted, _ = half_sure(200, seed=0)
    first, second = (
        TabularClassifier(**QUICK, budget_evaluations=6).fit(table, unwanted).predict_proba(table) for _ in range(2)
    )
    assert np.array_equal(first, second)
