"""Metrics have the values that their definitions give."""

import numpy as np
import pytest

from data.features.contract import PROBLEM
from models.evaluation import evaluate
from models.forecasting.intervals import conformal_reach
from models.forecasting.naive import season_ago
from models.forecasting.scores import METRICS, interval, scales_of, score
from models.training.series import ROOT


def test_a_forecast_as_good_as_the_naive_rule_scores_one() -> None:
    values = np.arange(24.0)[None, :]
    scales = scales_of(values, 4)
    naive = season_ago(values, 20, 4, 4)
    assert score("mase", values[None, :, 20:24], naive[None], scales) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", METRICS)
def test_a_perfect_forecast_scores_zero(metric: str) -> None:
    actual = np.random.default_rng(0).normal(10, 1, size=(3, 2, 4))
    assert score(metric, actual, actual.copy(), np.ones(2)) == 0


def test_unknown_outcomes_are_left_out() -> None:
    actual = np.array([[[1.0, np.nan]]])
    assert score("mae", actual, np.array([[[3.0, 100.0]]]), np.ones(1)) == pytest.approx(2.0)


def test_few_origins_give_a_wide_interval() -> None:
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(40, 1, 3))

    def width(origins: int) -> float:
        _, low, high, _ = interval(lambda arrays: float(np.mean(arrays[0])), [errors[:origins]])
        return high - low

    assert width(3) > width(40)


def test_intervals_hold_what_they_promise() -> None:
    rng = np.random.default_rng(2)
    actual = rng.normal(size=(200, 1, PROBLEM.horizon))
    reach = conformal_reach(actual[:100], np.zeros_like(actual[:100]), np.ones(1))
    inside = np.abs(actual[100:]) <= np.array(reach)
    assert 0.8 < inside.mean() <= 1


def test_the_script_says_what_to_do_without_forecasts(capsys: pytest.CaptureFixture[str]) -> None:
    if (ROOT / "experiments" / "runs" / "nobody").exists():
        pytest.skip("there is such a run")
    assert evaluate.main(["--run", "nobody"]) == 2
    assert "train.py" in capsys.readouterr().err
