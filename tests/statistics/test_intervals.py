"""Intervals cover the truth, pair what is paired, and stay honest where the bootstrap degenerates."""

from __future__ import annotations

import time

import fairlearn.metrics as fl
import numpy as np
import pytest
from sklearn.metrics import recall_score

from ml_engineer.errors import InputError
from ml_engineer.statistics.baselines import baseline_outcomes
from ml_engineer.statistics.intervals import compare, estimate, estimate_difference, gain, wilson
from ml_engineer.statistics.metrics import Outcomes, metric_value, metrics_for
from ml_engineer.vocabulary.estimates import Metric


def normal_scores(rows: int, rng: np.random.Generator, shift: float = 1.0) -> Outcomes:
    """Scores N(0, 1) of negatives and N(shift, 1) of positives, with their true posterior; 30 % are positive."""
    actual = (rng.random(rows) < 0.3).astype(int)
    scores = rng.normal(size=rows) + shift * actual
    chance = 1 / (1 + np.exp(-(shift * scores - shift**2 / 2 + np.log(0.3 / 0.7))))
    return Outcomes("binary", actual, (chance >= 0.5).astype(int), np.c_[1 - chance, chance], n_classes=2)


def grouped_errors(groups: int, rows_each: int, rng: np.random.Generator) -> Outcomes:
    """Errors with a part shared by the rows of a group, so that rows are worth less than they count."""
    clusters = np.repeat(np.arange(groups), rows_each)
    error = rng.normal(size=groups)[clusters] + 0.5 * rng.normal(size=len(clusters))
    signal = 2 * rng.normal(size=len(clusters))
    return Outcomes("regression", signal + error, signal, clusters=clusters)


def autocorrelated_errors(rows: int, rng: np.random.Generator) -> Outcomes:
    error = rng.normal(size=rows)
    for now in range(1, rows):
        error[now] += 0.6 * error[now - 1]
    signal = 2 * rng.normal(size=rows)
    return Outcomes("regression", signal + error, signal, blocks=True)


@pytest.mark.parametrize(
    ("successes", "rows", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 1, 0.2065, 1.0)],
)
def test_wilson_gives_the_published_values(successes: int, rows: int, low: float, high: float) -> None:
    found = wilson(successes, rows)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert (found.value, found.rows, found.method) == (successes / rows, rows, "Wilson")


def test_wilson_of_no_row_is_refused() -> None:
    with pytest.raises(InputError, match="at least one row"):
        wilson(0, 0)


def test_recall_of_a_group_is_fairlearns_with_wilsons_interval() -> None:
    outcomes = normal_scores(400, np.random.default_rng(5), shift=2)
    groups = np.random.default_rng(6).choice(["a", "b"], 400)
    frame = fl.MetricFrame(
        metrics=recall_score, y_true=outcomes.actual, y_pred=outcomes.predicted, sensitive_features=groups
    )
    for name in ("a", "b"):
        found = estimate("recall", outcomes.take(groups == name))
        assert found.value == pytest.approx(frame.by_group[name])
        positives = int((outcomes.actual[groups == name] == 1).sum())
        assert found == wilson(round(found.value * positives), positives)


def test_accuracy_of_grouped_rows_is_not_given_a_wilson_interval() -> None:
    plain = normal_scores(200, np.random.default_rng(0))
    grouped = Outcomes("binary", plain.actual, plain.predicted, clusters=np.arange(200) // 4, n_classes=2)
    assert estimate("accuracy", plain).method == "Wilson"
    assert estimate("accuracy", grouped).method == "bootstrap of 50 groups, 1000 replicates"


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "f1", "accuracy"])
def test_intervals_of_classification_cover_the_truth_about_as_often_as_they_say(metric: Metric) -> None:
    rng = np.random.default_rng(7)
    truth = metric_value(metric, normal_scores(400_000, rng))
    trials = [estimate(metric, normal_scores(200, rng), replicates=300, seed=trial) for trial in range(200)]
    assert 0.91 <= np.mean([trial.low <= truth <= trial.high for trial in trials]) <= 0.985


@pytest.mark.parametrize("metric", ["mae", "r2"])
def test_intervals_of_grouped_rows_cover_the_truth_where_row_intervals_do_not(metric: Metric) -> None:
    rng = np.random.default_rng(8)
    truth = metric_value(metric, grouped_errors(60_000, 5, rng))
    covered = {"groups": 0, "rows": 0}
    for trial in range(150):
        sample = grouped_errors(30, 5, rng)
        rows = Outcomes("regression", sample.actual, sample.predicted)
        for name, outcomes in (("groups", sample), ("rows", rows)):
            found = estimate(metric, outcomes, replicates=300, seed=trial)
            covered[name] += found.low <= truth <= found.high
    assert covered["groups"] / 150 >= 0.9
    assert covered["rows"] < covered["groups"]


def test_blocks_cover_the_truth_of_a_series_better_than_rows() -> None:
    rng = np.random.default_rng(9)
    truth = metric_value("mae", autocorrelated_errors(200_000, rng))
    covered = {"blocks": 0, "rows": 0}
    for trial in range(150):
        sample = autocorrelated_errors(300, rng)
        rows = Outcomes("regression", sample.actual, sample.predicted)
        for name, outcomes in (("blocks", sample), ("rows", rows)):
            found = estimate("mae", outcomes, replicates=300, seed=trial)
            covered[name] += found.low <= truth <= found.high
    assert covered["blocks"] / 150 >= 0.88
    assert covered["rows"] < covered["blocks"]


def test_pairing_makes_the_difference_of_two_like_models_sharper() -> None:
    rng = np.random.default_rng(10)
    actual = rng.normal(size=300)
    shared = rng.normal(size=300)
    first = Outcomes("regression", actual, actual + shared)
    second = Outcomes("regression", actual, actual + shared + 0.1 * rng.normal(size=300))
    paired = estimate_difference("rmse", first, second)
    unpaired = np.hypot(*(found.high - found.low for found in (estimate("rmse", first), estimate("rmse", second))))
    assert paired.high - paired.low < 0.5 * unpaired
    assert paired.method.startswith("paired bootstrap of rows")


def test_gain_is_positive_for_the_better_model_whatever_the_direction() -> None:
    model = normal_scores(500, np.random.default_rng(11), shift=2)
    baseline = baseline_outcomes("binary", model.actual, model.actual, n_classes=2)
    for metric in metrics_for("binary", has_costs=False):
        if np.isfinite(metric_value(metric, baseline)):
            assert gain(metric, model, baseline, replicates=100).low > 0, metric
    assert estimate_difference("log_loss", model, baseline, replicates=100).value < 0


def test_the_same_seed_gives_the_same_interval_and_compare_gives_the_single_ones() -> None:
    model = normal_scores(150, np.random.default_rng(12))
    baseline = baseline_outcomes("binary", model.actual, model.actual, n_classes=2)
    together = compare(metrics_for("binary", has_costs=False), model, baseline, replicates=200, seed=3)
    for result in together:
        assert result.model == estimate(result.metric, model, replicates=200, seed=3)
        if result.difference is not None:
            assert result.difference == estimate_difference(result.metric, model, baseline, replicates=200, seed=3)


def test_compare_leaves_out_what_is_undefined_and_says_null_for_such_a_baseline() -> None:
    one_class = Outcomes(
        "binary", np.ones(12, dtype=int), np.ones(12, dtype=int), np.tile([0.2, 0.8], (12, 1)), n_classes=2
    )
    negative = baseline_outcomes("binary", np.zeros(5, dtype=int), one_class.actual, n_classes=2)
    found = {result.metric: result for result in compare(metrics_for("binary", has_costs=False), one_class, negative)}
    assert "roc_auc" not in found
    assert found["precision"].baseline is None
    assert found["precision"].difference is None
    assert found["accuracy"].model.value == 1


def test_perfect_separation_does_not_get_a_certain_interval() -> None:
    actual = np.array([0] * 6 + [1] * 4)
    chance = actual * 0.8 + 0.1
    perfect = Outcomes("binary", actual, actual, np.c_[1 - chance, chance], n_classes=2)
    found = estimate("roc_auc", perfect)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(wilson(4, 4).low)
    baseline = baseline_outcomes("binary", actual, actual, n_classes=2)
    difference = estimate_difference("roc_auc", perfect, baseline)
    assert 0 < difference.low < difference.value == 0.5


def test_all_right_in_few_groups_is_judged_by_the_number_of_groups() -> None:
    actual = np.arange(60) % 2
    outcomes = Outcomes("binary", actual, actual, clusters=np.arange(60) // 10, n_classes=2)
    assert estimate("accuracy", outcomes).low == pytest.approx(wilson(6, 6).low)


def test_resamples_with_one_class_only_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(13)
    chance = rng.random(30)
    outcomes = Outcomes("binary", np.r_[1, 1, np.zeros(28, int)], np.zeros(30, int), np.c_[1 - chance, chance], 2)
    found = estimate("roc_auc", outcomes)
    assert found.low <= found.value <= found.high
    assert "undefined and left out" in found.method


def test_one_row_has_no_spread_and_the_method_says_so() -> None:
    found = estimate("mae", Outcomes("regression", np.array([1.0]), np.array([3.0])))
    assert (found.low, found.value, found.high) == (2, 2, 2)
    assert "no spread" in found.method


def test_undefined_metric_and_unpaired_rows_are_refused() -> None:
    one = Outcomes("regression", np.ones(4), np.zeros(4))
    with pytest.raises(InputError, match="r2 is undefined"):
        estimate("r2", one)
    with pytest.raises(InputError, match="same rows"):
        estimate_difference("mae", one, Outcomes("regression", np.zeros(4), np.zeros(4)))


def test_estimates_stay_exact_in_json() -> None:
    found = estimate("rmse", grouped_errors(20, 3, np.random.default_rng(14)))
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_a_thousand_replicates_of_auc_are_quick() -> None:
    outcomes = normal_scores(2000, np.random.default_rng(15))
    started = time.perf_counter()
    estimate("roc_auc", outcomes)
    assert time.perf_counter() - started < 3
