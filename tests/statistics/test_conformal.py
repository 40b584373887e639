"""Prediction intervals hold what they promise, where the error is large as where it is small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.statistics.conformal import (
    constant_width,
    covered_out_of_fold,
    fewest_rows,
    judge_widths,
    learn_interval,
    rule_of,
)
from ml_engineer.vocabulary.training import PredictionInterval


def simulated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes with a long tail, the farther from their prediction the larger it is; predictions; folds."""
    rng = np.random.default_rng(seed)
    predicted = rng.lognormal(mean=2, size=rows)
    return predicted * np.exp(0.4 * rng.normal(size=rows)), predicted, rng.integers(0, 5, rows)


def share(low: np.ndarray, high: np.ndarray, actual: np.ndarray) -> float:
    return float(np.mean((low <= actual) & (actual <= high)))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.98])
def test_new_rows_lie_inside_as_often_as_promised_at_every_level_of_the_prediction(level: float) -> None:
    rule = learn_interval(*simulated(3000, seed=0), level=level)
    assert rule is not None
    actual, predicted, _ = simulated(20_000, seed=1)
    low, high = rule.ends(predicted)
    assert share(low, high, actual) == pytest.approx(level, abs=0.02)
    for part in np.array_split(np.argsort(predicted), 5):
        assert share(low[part], high[part], actual[part]) == pytest.approx(level, abs=0.05)


def test_they_are_narrower_than_one_width_for_all_which_fails_where_errors_are_large() -> None:
    actual, predicted, folds = simulated(3000, seed=0)
    rule = learn_interval(actual, predicted, folds)
    assert rule is not None
    truth, given, _ = simulated(20_000, seed=1)
    low, high = rule.ends(given)
    half = constant_width(actual, predicted) / 2
    assert np.mean(high - low) < np.mean(2 * half)
    largest = np.argsort(given)[-4000:]
    assert share(given[largest] - half, given[largest] + half, truth[largest]) < 0.7
    assert (low >= 0).all()
    assert np.mean(given - half < 0) > 0.3


def told_by_features(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.DataFrame]:
    """Outcomes whose distance from their prediction the columns ``x1`` and ``kind`` tell; predictions; folds; features."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.uniform(size=(rows, 4)), columns=["x1", "x2", "x3", "x4"])
    features["kind"] = pd.Series(rng.choice(["calm", "wild"], rows), dtype="str")
    features.loc[::20, "x3"], features.loc[::15, "kind"] = np.nan, None
    predicted = features["x2"].to_numpy()
    spread = (0.1 + features["x1"]) * np.where(features["kind"] == "wild", 2, 1)
    return predicted + spread.to_numpy() * rng.normal(size=rows), predicted, rng.integers(0, 5, rows), features


def test_widths_follow_the_features_where_these_tell_the_error() -> None:
    actual, predicted, folds, features = told_by_features(2000, seed=0)
    plain = learn_interval(actual, predicted, folds)
    rule = learn_interval(actual, predicted, folds, features=features)
    assert plain is not None
    assert rule is not None
    assert rule.spread is not None
    truth, given, _, cells = told_by_features(20_000, seed=1)
    low, high = rule.ends(given, cells)
    alike = plain.ends(given)
    assert np.mean(high - low) < 0.92 * np.mean(alike[1] - alike[0])
    for part in np.array_split(np.argsort(cells["x1"].to_numpy()), 5):
        assert share(low[part], high[part], truth[part]) == pytest.approx(0.9, abs=0.04)
    calmest = np.argsort(cells["x1"].to_numpy())[:4000]
    assert share(alike[0][calmest], alike[1][calmest], truth[calmest]) > 0.97
    with pytest.raises(ValueError, match="none were given"):
        rule.ends(given)


def test_widths_do_not_follow_features_that_tell_nothing() -> None:
    following = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        predicted, folds = rng.normal(size=600), np.arange(600) % 5
        actual = predicted + rng.normal(size=600)
        features = pd.DataFrame(rng.normal(size=(600, 6)))
        rule = learn_interval(actual, predicted, folds, features=features)
        assert rule is not None
        following += rule.spread is not None
        if rule.spread is None:
            plain = learn_interval(actual, predicted, folds)
            assert plain is not None
            assert np.array_equal(rule.ends(predicted), plain.ends(predicted))
    assert following <= 3


def test_coverage_out_of_fold_is_what_new_rows_get_where_widths_follow_the_features() -> None:
    actual, predicted, folds, features = told_by_features(2000, seed=2)
    judged = judge_widths(actual, predicted, folds, features=features)
    assert judged is not None
    found = covered_out_of_fold(actual, predicted, folds, judged=judged)
    assert found is not None
    assert found[0].mean() == pytest.approx(0.9, abs=0.02)
    rule = learn_interval(actual, predicted, folds, features=features)
    again = learn_interval(actual, predicted, folds, features=features, judged=judged)
    assert rule is not None
    assert again is not None
    assert np.array_equal(rule.ends(predicted, features), again.ends(predicted, features))


@pytest.mark.parametrize("parts", [1, 5])
def test_of_many_rows_a_sample_is_judged_and_new_rows_get_what_was_promised(parts: int) -> None:
    actual, predicted, folds, features = told_by_features(30_000, seed=4)
    folds %= parts
    judged = judge_widths(actual, predicted, folds, features=features)
    rule = learn_interval(actual, predicted, folds, features=features, judged=judged)
    assert judged is not None
    assert len(judged.rows) == len(np.unique(judged.rows)) == len(judged.times) == 20_000
    assert rule is not None
    assert rule.spread is not None
    found = covered_out_of_fold(actual, predicted, folds, judged=judged)
    assert found is not None
    assert found[0].shape == found[1].shape == (20_000,)
    assert found[0].mean() == pytest.approx(0.9, abs=0.01)
    truth, given, _, cells = told_by_features(20_000, seed=5)
    assert share(*rule.ends(given, cells), truth) == pytest.approx(0.9, abs=0.015)


def test_a_rule_that_was_written_down_gives_the_same_ends() -> None:
    actual, predicted, folds, features = told_by_features(800, seed=3)
    rule = learn_interval(actual, predicted, folds, features=features)
    assert rule is not None
    record = PredictionInterval(
        level=0.9,
        at=tuple(rule.at.tolist()),
        below=tuple(rule.below.tolist()),
        above=tuple(rule.above.tolist()),
        least=rule.least,
        spread=rule.spread,
        mean_width=1.0,
        constant_width=1.0,
    )
    again = rule_of(PredictionInterval.model_validate_json(record.model_dump_json()))
    stranger = features.assign(kind="never seen", x3=np.inf)
    for cells in (features, stranger):
        assert np.array_equal(again.ends(predicted, cells), rule.ends(predicted, cells))


def test_few_rows_get_no_less_than_was_promised() -> None:
    """The mean over many small samples, because one alone says little."""
    shares = []
    for seed in range(200):
        rule = learn_interval(*simulated(40, seed=seed))
        assert rule is not None
        actual, predicted, _ = simulated(50, seed=1000 + seed)
        shares.append(share(*rule.ends(predicted), actual))
    assert 0.88 < np.mean(shares) < 0.97


def test_coverage_out_of_fold_is_what_new_rows_get() -> None:
    found = covered_out_of_fold(*simulated(2000, seed=3))
    assert found is not None
    assert found[0].mean() == pytest.approx(0.9, abs=0.02)


def test_what_covers_a_fold_does_not_know_what_came_true_in_it() -> None:
    actual, predicted, folds = simulated(1000, seed=4)
    changed = np.where(folds == 2, actual * 50, actual)
    before, after = (covered_out_of_fold(one, predicted, folds) for one in (actual, changed))
    assert before is not None
    assert after is not None
    assert np.array_equal(before[1][folds == 2], after[1][folds == 2])


def test_equal_predictions_and_exact_ones_are_survived() -> None:
    actual = np.arange(200.0)
    rule = learn_interval(actual, np.full(200, 100.0), np.arange(200) % 4)
    assert rule is not None
    low, high = rule.ends(np.array([100.0, 500.0]))
    assert share(low[0], high[0], actual) == pytest.approx(0.9, abs=0.03)
    exact = learn_interval(actual, actual, np.arange(200) % 4)
    assert exact is not None
    assert np.allclose(exact.ends(actual), actual, atol=1e-6)


@pytest.mark.parametrize("exact", [0.85, 0.895, 0.9, 0.905, 0.96, 1.0])
def test_errors_that_are_mostly_nothing_give_intervals_that_hold_what_they_promise(exact: float) -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(1000, 3)), columns=["a", "b", "c"])
    wrong = rng.uniform(size=1000) >= exact
    predicted, folds = np.where(rng.uniform(size=1000) < 0.8, 0.0, rng.integers(1, 5, 1000)), np.arange(1000) % 5
    actual = predicted + np.where(wrong, rng.lognormal(mean=3, size=1000), 0.0)
    rule = learn_interval(actual, predicted, folds, features=features)
    assert rule is not None
    low, high = rule.ends(predicted, features)
    assert np.isfinite(high - low).all()
    assert share(low, high, actual) >= 0.9
    for judged in (judge_widths(actual, predicted, folds, features=features), None):
        found = covered_out_of_fold(actual, predicted, folds, judged=judged)
        assert found is not None
        assert np.isfinite(found[1]).all()


def test_the_fewest_rows_are_those_of_which_one_may_lie_outside() -> None:
    assert [fewest_rows(level) for level in (0.5, 0.9, 0.99)] == [1, 9, 99]
    assert learn_interval(*simulated(8, seed=0)) is None
    assert learn_interval(*simulated(9, seed=0)) is not None
