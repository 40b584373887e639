"""Counts are never predicted below zero; a quantile holds as many outcomes as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance

from ml_engineer.errors import InputError
from ml_engineer.profiling.amounts import holds_counts, refuse_unfit_amounts
from ml_engineer.profiling.target import read_target
from ml_engineer.statistics.metrics import Outcomes, metric_value, weighted_metric
from task_types.conftest import Finished, go, stands_alone

FOLDERS = ("serving", "monitoring", "llm")


def visits(rows: int = 600) -> pd.DataFrame:
    """Expected visits are multiplied by each of two columns; a straight line would go below zero."""
    rng = np.random.default_rng(0)
    size, near = rng.uniform(-2, 1.5, (2, rows)).round(3)
    return pd.DataFrame({"size": size, "near": near, "visits": rng.poisson(np.exp(size + near))})


def delays(rows: int = 600) -> pd.DataFrame:
    """Delay is spread the wider the longer the way: its upper tenth grows faster than its middle."""
    rng = np.random.default_rng(1)
    way = rng.uniform(1, 10, rows)
    return pd.DataFrame({"way": way.round(3), "noise": rng.normal(size=rows), "delay": way * rng.uniform(0, 1, rows)})


@pytest.fixture(scope="module")
def counted(home: Path) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        return go(home / "counts", visits(), "visits", candidates=["linear", "counts_linear"], folders=FOLDERS)


@pytest.fixture(scope="module")
def ninth(home: Path) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        return go(home / "quantile", delays(), "delay", candidates=["linear"], folders=FOLDERS, quantile=0.9)


def test_counts_are_recognised_and_judged_by_how_much_is_expected(counted: Finished) -> None:
    assert (counted.problem.task_type, counted.problem.counts) == ("regression", True)
    assert counted.problem.primary_metric == "poisson_deviance"
    assert counted.training.champion.name in {"counts_linear", "ensemble"}
    assert counted.report.primary.baseline is not None
    assert counted.report.primary.model.high < counted.report.primary.baseline.low / 2


def test_no_count_is_predicted_below_zero(counted: Finished) -> None:
    assert (counted.scored["prediction"] >= 0).all()
    assert (counted.scored["low_90"] >= 0).all()
    source = (counted.layout.root / "models/training/champion.py").read_text(encoding="utf-8")
    assert "PoissonRegressor" in source


def test_nine_in_ten_outcomes_stay_below_the_quantile(ninth: Finished) -> None:
    assert (ninth.problem.primary_metric, ninth.problem.quantile) == ("pinball", 0.9)
    coverage = ninth.report.interval_coverage
    assert coverage is not None
    assert coverage.low < 0.9 < coverage.high
    slope = np.polyfit(delays()["way"], ninth.scored["prediction"], 1)[0]
    assert slope == pytest.approx(0.9, abs=0.06), "the middle grows by 0.5, the upper tenth by 0.9"
    assert "low_90" not in ninth.scored.columns
    assert "lie at or below their prediction; 0.9" in ninth.layout.evaluation_html.read_text(encoding="utf-8")


@pytest.mark.full
def test_the_projects_stand_alone(counted: Finished, ninth: Finished) -> None:
    stands_alone(counted.layout)
    stands_alone(ninth.layout)


def test_metrics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    expected = rng.gamma(2.0, 2.0, 300)
    actual = rng.poisson(expected).astype(float)
    weights = rng.integers(0, 4, 300).astype(float)
    one = Outcomes("regression", actual, expected, quantile=0.8)
    for metric, value in (
        ("poisson_deviance", lambda w: mean_poisson_deviance(actual, expected, sample_weight=w)),
        ("pinball", lambda w: mean_pinball_loss(actual, expected, alpha=0.8, sample_weight=w)),
    ):
        assert metric_value(metric, one) == pytest.approx(value(None)), metric  # type: ignore[arg-type]
        assert weighted_metric(metric, one)(weights[None, :])[0] == pytest.approx(value(weights)), metric  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "name", "counts"),
    [
        (range(0, 900, 3), "cnt", True),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12] * 20, "y", True),
        (range(1000, 1300), "y", False),
        (range(-5, 300), "cnt", False),
    ],
)
def test_what_is_taken_for_a_count(values: list[int], name: str, *, counts: bool) -> None:
    column = pd.Series(list(values), name=name)
    assert holds_counts(column, read_target(column, task_type="regression")) is counts


@pytest.mark.parametrize(
    ("target", "told", "text"),
    [
        (pd.Series(["a", "b"] * 20), {"quantile": 0.9, "metric": None}, "of numbers only"),
        (pd.Series(np.arange(40.0)), {"quantile": 0.9, "metric": "rmse"}, "judged by pinball"),
        (pd.Series(np.arange(40.0)), {"quantile": None, "metric": "pinball"}, "none is named"),
        (pd.Series(np.arange(-5.5, 40)), {"quantile": None, "metric": "poisson_deviance"}, "below zero"),
    ],
)
def test_what_does_not_fit_is_refused(target: pd.Series, told: dict[str, object], text: str) -> None:
    target = target.astype("str") if target.dtype == object else target
    with pytest.raises(InputError, match=text):
        refuse_unfit_amounts(target.rename("y"), read_target(target.rename("y")), **told)  # type: ignore[arg-type]
