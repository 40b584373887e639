"""Survival: values of scikit-survival, definitions by hand, and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from ml_engineer.statistics.intervals import estimate
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.survival_curves import (
    fit_curve,
    kaplan_meier,
    martingale_residuals,
    median_times,
    split_times,
    survival_at,
)
from ml_engineer.statistics.survival_metrics import brier_by_row, concordance


def rounded_rows() -> tuple[np.ndarray, np.ndarray]:
    """Sixty rows with many equal times and scores, about a quarter of them not followed to the event."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=60)
    times = np.ceil(10 * rng.exponential(np.exp(-x)))
    lost = np.ceil(15 * rng.exponential(size=60))
    risk = np.round(x + 0.5 * rng.normal(size=60), 1)
    return np.where(times <= lost, times, -lost), risk


def simulated(rows: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Exponential times with hazard ratio exp(x), followed for an exponential time; signed times and x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    times, lost = rng.exponential(np.exp(-x)), rng.exponential(2.0, rows)
    return np.where(times <= lost, times, -lost), x


def test_concordance_is_that_of_scikit_survival() -> None:
    signed, risk = rounded_rows()
    # concordance_index_censored of scikit-survival 0.28.0: 783 concordant, 477 discordant, 38 tied pairs.
    assert concordance(signed, risk)(np.ones((1, 60)))[0] == pytest.approx((783 + 38 / 2) / (783 + 477 + 38), abs=1e-12)


def test_the_curve_of_a_score_is_the_cox_model_of_scikit_survival() -> None:
    signed, risk = rounded_rows()
    curve = fit_curve(signed, risk)
    assert not curve.logarithm
    # CoxPHSurvivalAnalysis(ties="breslow") of scikit-survival 0.28.0 on the score alone.
    assert curve.slope == pytest.approx(0.69863079, abs=1e-6)
    expected = [
        [0.818268280697, 0.647479376105, 0.416343407043, 0.193109598440],
        [0.79402405, 0.60662122, 0.36507753, 0.15090506],
    ]
    np.testing.assert_allclose(survival_at(curve, risk[:2], np.array([2.0, 4.0, 8.0, 12.0])), expected, atol=1e-6)


def test_the_brier_score_is_that_of_scikit_survival() -> None:
    signed, risk = rounded_rows()
    at = np.array([2.0, 4.0, 8.0, 12.0])
    survival = survival_at(fit_curve(signed, risk), risk, at)
    # brier_score and integrated_brier_score of scikit-survival 0.28.0.
    for place, expected in enumerate([0.14548834, 0.21597239, 0.23831292, 0.15246844]):
        by_row = brier_by_row(signed, survival[:, [place]], at[[place]])
        assert by_row.mean() == pytest.approx(expected, abs=1e-6)
    assert brier_by_row(signed, survival, at).mean() == pytest.approx(0.20515940754918102, abs=1e-6)


def test_kaplan_meiers_curve_is_that_of_scikit_survival() -> None:
    times, events = split_times(rounded_rows()[0])
    expected = [0.8666666666666667, 0.8166666666666667, 0.7819148936170213, 0.6546264225630876, 0.6172191984166254]
    np.testing.assert_allclose(kaplan_meier(times, events, np.arange(1.0, 6.0)), expected, atol=1e-12)


def test_resampled_concordance_is_close_to_that_of_the_drawn_rows() -> None:
    signed, x = simulated(150)
    rng = np.random.default_rng(1)
    draws = rng.integers(0, 150, (200, 150))
    weights = np.array([np.bincount(draw, minlength=150) for draw in draws], dtype=float)
    quick = concordance(signed, x)(weights)
    # A row and its copy cannot be told apart, so the exact value on drawn rows is taken over distinct pairs.
    exact = np.array([concordance(signed[draw], x[draw])(np.ones((1, 150)))[0] for draw in draws])
    assert np.corrcoef(quick, exact)[0, 1] > 0.97
    assert quick.std() == pytest.approx(exact.std(), rel=0.1)


def test_the_interval_of_concordance_covers_the_truth_about_as_often_as_it_says() -> None:
    signed, x = simulated(4000, seed=99)
    truth = metric_value("concordance", Outcomes("regression", signed, x, named="survival"))
    found = []
    for seed in range(80):
        signed, x = simulated(120, seed=seed)
        found.append(estimate("concordance", Outcomes("regression", signed, x, named="survival"), replicates=300))
    assert 0.87 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_the_curve_finds_simulated_survival() -> None:
    signed, x = simulated(5000)
    # Hazard ratios, as XGBoost gives them, twice as bold as the truth.
    curve = fit_curve(signed, np.exp(2 * x))
    assert curve.logarithm
    assert curve.slope == pytest.approx(0.5, abs=0.03)
    chosen = np.array([-1.0, 0.0, 1.0])
    at = np.array([0.2, 0.7, 1.5])
    np.testing.assert_allclose(
        survival_at(curve, np.exp(2 * chosen), at), np.exp(-np.outer(np.exp(chosen), at)), atol=0.03
    )
    np.testing.assert_allclose(median_times(curve, np.exp(2 * chosen))[1:], np.log(2) / np.exp(chosen[1:]), rtol=0.08)


def test_residuals_tell_who_had_the_event_sooner_than_expected() -> None:
    signed, x = simulated(2000)
    residuals = martingale_residuals(signed)
    assert residuals.mean() == pytest.approx(0, abs=1e-9)
    assert np.corrcoef(residuals, x)[0, 1] > 0.4
