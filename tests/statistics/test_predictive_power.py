"""Power alone agrees with scikit-learn and with what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from guardrails.factories import a_table, some_folds, text
from ml_engineer.statistics.predictive_power import Target, area, best_power, bin_codes, column_power, power_alone


def test_few_values_keep_their_codes_and_missing_is_one_more() -> None:
    codes, count = bin_codes(pd.Series([1.0, 2.0, np.nan, 1.0] * 20))
    assert count == 3
    assert codes[:4].tolist() == [0, 1, 2, 0]


def test_many_numbers_are_cut_at_quantiles() -> None:
    codes, count = bin_codes(pd.Series(np.random.default_rng(0).normal(size=6400)))
    assert count == 64
    assert np.bincount(codes).min() >= 95


def test_out_of_fold_area_agrees_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 8, 2000)
    labels = generator.random(2000) < np.linspace(0.2, 0.8, 8)[codes]
    folds = some_folds(2000)
    shares = np.empty(2000)
    for fold in range(5):
        inside = folds == fold
        overall = labels[~inside].mean()
        for code in range(8):
            rows = labels[~inside & (codes == code)]
            shares[inside & (codes == code)] = (rows.sum() + 2 * overall) / (len(rows) + 2)
    ours = power_alone(codes, 8, Target.of(pd.Series(labels), task="binary"), folds)
    assert ours == pytest.approx(roc_auc_score(labels, shares), abs=1e-12)


def test_a_column_of_single_values_has_no_power_out_of_fold() -> None:
    frame = a_table(rows=2000)
    keys = text([f"k{row}" for row in range(2000)])
    target = Target.of(frame["y"], task="binary")
    assert power_alone(*bin_codes(keys), target, some_folds(2000)) < 0.55


def test_a_monotone_copy_of_a_number_has_full_power_whatever_its_scale() -> None:
    values = pd.Series(np.random.default_rng(0).lognormal(sigma=3, size=5000))
    target = Target.of(values, task="regression")
    assert power_alone(*bin_codes(np.log(values)), target, some_folds(5000)) > 0.99


def test_a_number_with_few_rows_of_each_value_is_known_by_its_size_too() -> None:
    numbers = pd.Series(np.random.default_rng(0).normal(size=1500))
    target, folds = Target.of(numbers, task="regression"), some_folds(1500)
    rounded = (numbers * 25).round()
    assert power_alone(*bin_codes(rounded), target, folds) < 0.9
    assert best_power(rounded, target, folds) > 0.98


def test_text_is_probed_by_its_place_in_order() -> None:
    keys = text([f"k{row:05d}" for row in range(1000)])
    target = Target.of(pd.Series(np.arange(1000) >= 500), task="binary")
    assert column_power(keys, target, some_folds(1000)) > 0.95


def test_several_classes_are_averaged_one_against_the_rest() -> None:
    generator = np.random.default_rng(0)
    label = generator.integers(0, 3, 3000)
    target = Target.of(pd.Series(label), task="multiclass")
    power = power_alone(*bin_codes(pd.Series((label == 0).astype(int))), target, some_folds(3000))
    assert power == pytest.approx((1 + 0.75 + 0.75) / 3, abs=0.02)


def test_the_area_of_counts_agrees_with_scikit_learn_and_ties_count_half() -> None:
    labels, scores = np.array([1, 0, 1, 0, 0, 1]), np.array([3, 1, 2, 2, 0, 0])
    levels = np.arange(4)
    positives, negatives = (np.bincount(scores[labels == kind], minlength=4).astype(float) for kind in (1, 0))
    assert area(positives, negatives, levels.astype(float)) == pytest.approx(roc_auc_score(labels, scores))
    assert area(positives, np.zeros(4), levels.astype(float)) is None


def test_of_many_classes_the_twenty_commonest_are_judged() -> None:
    labels = pd.Series(np.repeat(np.arange(30), np.arange(1, 31)))
    assert sorted(Target.of(labels, task="multiclass").judged) == list(range(10, 30))
