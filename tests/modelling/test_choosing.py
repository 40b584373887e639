"""The best alone or an average: known answers from predictions that are given, not fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.choosing import averaging_pays
from ml_engineer.modelling.fits import Fit
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data


def _standings(data: TrainingData, errors: Sequence[np.ndarray]) -> list[Standing]:
    """Models that are off by these errors, row by row."""
    target = data.target.astype(float)
    return [
        Standing(
            Candidate(f"model {number}", "linear", estimator=None),  # type: ignore[arg-type]  # never fitted here
            fits={fold: Fit((target + error)[test], 0.1, 0.1) for fold, (_, test) in enumerate(data.pairs)},
            status="finished",
        )
        for number, error in enumerate(errors)
    ]


def _pays(*errors: np.ndarray, data: TrainingData) -> bool:
    return averaging_pays(_standings(data, errors), data, range(len(data.pairs)), seed=0)


def test_models_that_err_apart_are_averaged() -> None:
    data = make_data("regression", rows=400)
    one, two = np.random.default_rng(0).normal(size=(2, data.rows))
    assert _pays(one, two, data=data)


def test_one_row_that_speaks_against_an_average_does_not_outweigh_all_others() -> None:
    data = make_data("regression", rows=400)
    one, two = np.random.default_rng(0).normal(size=(2, data.rows))
    far = np.where(np.arange(data.rows) == 7, 32.0, 0.0)
    half = (one + two + far) / 2
    assert (half**2).sum() > (one**2).sum()
    assert _pays(one, 1.02 * two + far, data=data)


def test_a_model_that_is_best_in_every_fold_stays_alone() -> None:
    data = make_data("regression", rows=400)
    rng = np.random.default_rng(2)
    exact = 0.1 * rng.normal(size=data.rows)
    assert not _pays(exact, 5.0 + rng.normal(size=data.rows), data=data)
