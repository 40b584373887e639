"""Metrics agree with what they are called, intervals hold their value, and curves find simulated survival."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation.metrics import METRICS, baseline, concordance, score
from models.evaluation.resampling import clusters_of, intervals
from models.training.survival import fit_curve, median_times, survival_at


def simulated(rows: int = 300) -> tuple[np.ndarray, pd.DataFrame]:
    """Simulate hazard ratios that hold, and rows that were not all followed to the event."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    times, lost = rng.exponential(np.exp(-x)), rng.exponential(2.0, rows)
    return np.where(times <= lost, times, -lost), pd.DataFrame({"predicted": np.exp(x)})


def test_a_pair_counts_only_if_it_is_known_who_was_first() -> None:
    # Two events at 1 and 3, and a row followed to 2: known are 1 before 3, 1 before 2; not whether 2 is before 3.
    signed = np.array([1.0, 3.0, -2.0])
    assert concordance(signed, np.array([3.0, 2.0, 1.0])) == 1.0
    assert concordance(signed, np.array([1.0, 3.0, 0.0])) == 0.5
    assert np.isnan(concordance(-np.abs(signed), np.ones(3)))


def test_a_useful_model_beats_the_same_score_for_all() -> None:
    actual, table = simulated()
    assert score("concordance", actual, baseline(actual, len(actual))) == 0.5
    assert score("concordance", actual, table) > 0.65


def test_every_interval_holds_its_value() -> None:
    actual, table = simulated(120)
    results = intervals(actual, table, np.arange(len(actual)), replicates=30)
    assert set(results) == set(METRICS)
    for result in results.values():
        assert result["low"] <= result["value"] <= result["high"]


def test_the_curve_finds_simulated_survival() -> None:
    actual, table = simulated(4000)
    scores = table["predicted"].to_numpy() ** 2  # twice as bold as the truth
    curve = fit_curve(actual, scores)
    assert curve["slope"] == pytest.approx(0.5, abs=0.04)
    at = [0.3, 1.0]
    chosen = np.array([-1.0, 0.0, 1.0])
    told = survival_at(curve, np.exp(2 * chosen), at)
    np.testing.assert_allclose(told, np.exp(-np.outer(np.exp(chosen), at)), atol=0.04)
    assert median_times(curve, np.array([1.0]))[0] == pytest.approx(np.log(2), rel=0.1)


def test_rows_of_one_group_are_resampled_together() -> None:
    rows = pd.DataFrame({"any": range(4)})
    assert len(clusters_of(rows)) == 4
