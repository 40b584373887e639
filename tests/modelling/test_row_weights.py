"""Rows that weigh nothing teach nothing, in every family and however it is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml_engineer.modelling.fits import FitTask, journal_key, run_task
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data, small

ONE_OF_A_KIND = frozenset(
    {"linear", "boosting", "extra_trees", "ordered_boosting", "network", "kernel", "gradient_boosting", "neighbours"}
)


def half_wrong(task: str) -> tuple[TrainingData, np.ndarray]:
    """A table in which every second row has another row's target, and weights that leave those out."""
    data = make_data(task, rows=240, signal=6.0)
    wrong = np.arange(data.rows) % 2 == 1
    target = data.target.copy()
    target[wrong] = target[wrong][::-1] if task == "regression" else np.where(target[wrong] == "yes", "no", "yes")
    features = data.features[["width (mm)", 'co"lour']]
    return replace(data, features=features, target=target), np.where(wrong, 0.0, 2.0)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_rows_that_weigh_nothing_teach_nothing(task: str) -> None:
    data, weights = half_wrong(task)
    weighted = replace(data, weights=weights)
    train, test = data.pairs[0]
    test = test[weights[test] > 0]
    truth = data.actual[test]
    for candidate in build_portfolio(weighted, seed=0, threads=1):
        if candidate.name not in ONE_OF_A_KIND:
            continue
        one = small(candidate)
        kinds = [(one, False)] + ([(candidate, True)] if candidate.name in {"boosting", "gradient_boosting"} else [])
        for chosen, growing in kinds:
            work = FitTask(chosen, train, test, "here", growing=growing)
            plain, better = (run_task(work, known, scratch=None) for known in (data, weighted))
            own = run_task(replace(work, candidate=replace(chosen, row_weights=weights)), data, scratch=None)
            if candidate.name == "neighbours":
                assert any("takes no row weights" in note for note in better.notes)
                continue
            assert np.allclose(own.predictions, better.predictions), candidate.name
            wrong = [
                np.abs(fit.predictions - truth).mean()
                if task == "regression"
                else 1 - fit.predictions[np.arange(len(test)), truth].mean()
                for fit in (plain, better)
            ]
            assert wrong[1] < wrong[0], candidate.name


def test_a_fit_with_other_weights_is_another_piece_of_work() -> None:
    data, weights = half_wrong("binary")
    candidate = build_portfolio(data, seed=0, threads=1)[0]
    keys = {
        journal_key(data, replace(candidate, row_weights=given), "fold 0") for given in (None, weights, weights[::-1])
    }
    assert len(keys) == 3
