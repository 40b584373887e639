"""Probabilities are mended where they do not mean what they say, and left alone where they do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from ml_engineer.modelling.calibration import choose_calibration
from ml_engineer.modelling.training_data import TrainingData
from modelling.tables import make_data

FOLDS = range(3)


def simulated(
    rows: int, *, classes: int = 2, distort=None, seed: int = 0, **changes
) -> tuple[TrainingData, np.ndarray, np.ndarray]:
    """Rows whose true probabilities are known, and what a model says of them after `distort`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=1.5, size=(rows, classes))
    truth = softmax(logits, axis=1)
    codes = (rng.random(rows)[:, None] > truth.cumsum(axis=1)).sum(axis=1)
    target = np.array(["no", "yes"], dtype=object)[codes] if classes == 2 else codes
    data = make_data("binary" if classes == 2 else "multiclass", rows=rows, target=target, **changes)
    said = truth if distort is None else distort(logits)
    return data, said, truth


def overconfident(logits: np.ndarray) -> np.ndarray:
    return softmax(3 * logits, axis=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_an_overconfident_model_is_mended(classes: int) -> None:
    data, said, truth = simulated(3000, classes=classes, distort=overconfident)
    calibration, reason = choose_calibration(data, said, FOLDS, seed=0)
    assert calibration is not None
    assert calibration.everything.slope == pytest.approx(1 / 3, abs=0.03)
    assert np.abs(calibration.everything.apply(said) - truth).max() < 0.03
    assert calibration.gain.low > 0
    assert calibration.method in reason


def test_a_model_that_is_right_is_left_alone() -> None:
    verdicts = [choose_calibration(*simulated(600, seed=seed)[:2], FOLDS, seed=0)[0] for seed in range(20)]
    assert sum(one is not None for one in verdicts) <= 1
    _, reason = choose_calibration(*simulated(600)[:2], FOLDS, seed=0)
    assert reason.startswith("Probabilities are left as they are: no calibration saves log loss beyond noise")


def test_a_model_that_is_wrong_in_one_direction_gets_an_offset() -> None:
    data, said, truth = simulated(3000, distort=lambda logits: softmax(logits + np.array([0.0, 1.5]), axis=1))
    calibration, _ = choose_calibration(data, said, FOLDS, seed=0)
    assert calibration is not None
    assert calibration.method == "sigmoid"
    assert calibration.everything.offset == pytest.approx(-1.5, abs=0.15)
    assert np.abs(calibration.everything.apply(said) - truth).max() < 0.03


def bent(logits: np.ndarray) -> np.ndarray:
    """Right about the negative, far too sure about the positive: no straight line of log-odds mends both."""
    odds = logits[:, 1] - logits[:, 0]
    odds = np.where(odds > 0, 5 * odds, odds)
    return np.column_stack([expit(-odds), expit(odds)])


def test_a_bent_model_is_unbent_where_there_are_many_rows() -> None:
    many, said, truth = simulated(12_000, distort=bent)
    calibration, _ = choose_calibration(many, said, FOLDS, seed=0)
    assert calibration is not None
    assert calibration.method == "isotonic"
    mended = calibration.everything.apply(said)
    assert np.abs(mended - truth).mean() < 0.02
    assert (np.diff(mended[np.argsort(said[:, 1]), 1]) >= 0).all(), "it changes the order of rows"
    few, said, _ = simulated(1000, distort=bent)
    calibration, reason = choose_calibration(few, said, FOLDS, seed=0)
    assert calibration is None or calibration.method != "isotonic"
    assert "isotonic" not in reason


def test_what_mends_a_fold_does_not_know_what_came_true_in_it() -> None:
    data, said, _ = simulated(600, distort=overconfident)
    target = data.target.copy()
    test = data.pairs[1][1]
    target[test] = np.where(target[test] == "yes", "no", "yes")
    other = make_data(rows=600, target=target, pairs=data.pairs)
    first, second = (choose_calibration(one, said, FOLDS, seed=0)[0] for one in (data, other))
    assert first is not None
    assert second is not None
    assert first.by_fold[1] == second.by_fold[1]
    assert first.by_fold[0] != second.by_fold[0]


def test_by_time_what_mends_a_fold_knows_earlier_ones_only() -> None:
    rows = 900
    edges = [300, 500, 700, rows]
    pairs = tuple((np.arange(a), np.arange(a, b)) for a, b in pairwise(edges))
    data, said, _ = simulated(rows, distort=overconfident, pairs=pairs, time_order=np.arange(rows))
    said[: edges[0]] = np.nan
    target = data.target.copy()
    target[edges[2] :] = target[edges[2] :][::-1]
    other = make_data(rows=rows, target=target, pairs=pairs, time_order=np.arange(rows))
    first, second = (choose_calibration(one, said, FOLDS, seed=0)[0] for one in (data, other))
    assert first is not None
    assert second is not None
    assert [first.by_fold[fold] for fold in FOLDS] == [second.by_fold[fold] for fold in FOLDS]
    assert first.by_fold[0].apply(said[300:310]) == pytest.approx(said[300:310], abs=1e-5)


def test_too_little_to_learn_from_is_said() -> None:
    data, said, _ = simulated(45, distort=overconfident)
    assert "too few to learn from" in choose_calibration(data, said, FOLDS, seed=0)[1]
    data, said, _ = simulated(600, distort=overconfident)
    said[np.concatenate([data.pairs[fold][1] for fold in (1, 2)])] = np.nan
    assert "one fold alone" in choose_calibration(data, said, [0], seed=0)[1]


def test_certainty_that_was_wrong_is_survived() -> None:
    data, said, _ = simulated(400, classes=3, distort=lambda logits: np.eye(3)[logits.argmax(axis=1)])
    calibration, _ = choose_calibration(data, said, FOLDS, seed=0)
    assert calibration is not None
    after = calibration.everything.apply(said)
    assert np.isfinite(log_softmax(np.log(after), axis=1)).all()
    assert after.max() < 0.95
