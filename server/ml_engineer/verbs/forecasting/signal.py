"""The first look at development rows: the season, the naive rule's score, and whether a quick model beats it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.forecasting.backtest import actual_values, backtest
from ml_engineer.forecasting.estimates import estimate_gain, estimate_score
from ml_engineer.forecasting.lagged import LaggedLines
from ml_engineer.forecasting.naive import SeasonalNaive
from ml_engineer.forecasting.planning import choose_season, plan_backtest
from ml_engineer.verbs.forecasting.request import Asked
from ml_engineer.verbs.forecasting.series import Series, build_series
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.forecasting import ForecastPlan
from ml_engineer.vocabulary.problem import BaselineSummary, SignalTest
from ml_engineer.vocabulary.requests import FrameProblemRequest

__all__ = ["FirstLook", "first_look", "naive_rule"]

_QUICK_ROWS = 1_000


@dataclass(frozen=True)
class FirstLook:
    """What the first look gave.

    Parameters
    ----------
    plan : ForecastPlan
        Horizon, season and backtest.
    folds : numpy.ndarray of shape (n,)
        Fold of each development row.
    baseline : BaselineSummary
        The naive rule.
    signal : SignalTest
        A quick model against it.
    """

    plan: ForecastPlan
    folds: npt.NDArray[np.int64]
    baseline: BaselineSummary
    signal: SignalTest


def naive_rule(plan: ForecastPlan) -> str:
    """The naive rule in words."""
    if plan.season == 1:
        return "says the last known value for every moment"
    return f"says what was seen one season ({plan.season} moments) before"


def first_look(
    development: pd.DataFrame, request: FrameProblemRequest, asked: Asked, *, known_past: tuple[str, ...]
) -> FirstLook:
    """Choose the season by the naive rule's backtest, score the rule, and hold a quick model against it."""
    moments = _moments(development, asked)
    folds, origins = plan_backtest(moments, asked.horizon)
    metric: Metric = request.metric or "mase"
    plan = ForecastPlan(
        time_column=asked.time_column,
        series_columns=asked.series_columns,
        step=asked.rhythm.step,
        step_in_words=asked.rhythm.words,
        horizon=asked.horizon,
        season=1,
        seasons=asked.rhythm.seasons,
        known_in_advance=asked.known_in_advance,
        past_columns=known_past,
        folds=folds,
        origins_a_fold=origins,
        series=asked.rhythm.series,
        gaps=asked.rhythm.gaps,
        never_negative=bool((development[request.target] >= 0).all()),
    )
    series = build_series(development, request.target, plan)
    season = choose_season(series.grid, plan.seasons, series.windows, series.scales)
    plan = plan.model_copy(update={"season": season})
    series = build_series(development, request.target, plan)
    return _judged(series, plan, metric)


def _moments(development: pd.DataFrame, asked: Asked) -> int:
    times = development[asked.time_column]
    if isinstance(asked.rhythm.step, int):
        return int(times.max() - times.min()) // asked.rhythm.step + 1
    return len(pd.date_range(times.min(), times.max(), freq=asked.rhythm.step))


def _judged(series: Series, plan: ForecastPlan, metric: Metric) -> FirstLook:
    grid, windows, scales = series.grid, series.windows, series.scales
    actual = actual_values(grid, windows.origins, windows.horizon)
    naive = backtest(lambda: SeasonalNaive(plan.season), grid, windows)
    score = estimate_score(metric, actual, naive, scales)
    seasons = (plan.season, *(season for season in plan.seasons if season != plan.season))
    quick = backtest(lambda: LaggedLines(seasons, "season", most_rows=_QUICK_ROWS), grid, windows)
    gain = estimate_gain(metric, actual, quick, naive, scales)
    return FirstLook(
        plan,
        series.folds().to_numpy(),
        BaselineSummary(rule=naive_rule(plan), metric=metric, score=score),
        _verdict(gain, metric, len(windows.origins)),
    )


def _verdict(gain: Estimate, metric: Metric, origins: int) -> SignalTest:
    shown = f"{gain.value:.3g}, interval {gain.low:.3g} to {gain.high:.3g}, from {origins} origins"
    if gain.low > 0:
        text = f"A quick model is better than the naive rule in {metric} by {shown}"
        return SignalTest(verdict="learnable", gain=gain, explanation=text)
    if gain.value > 0:
        text = f"A quick model may be better than the naive rule in {metric}, but these origins are too few to tell ({shown})"
        return SignalTest(verdict="unsure", gain=gain, explanation=text)
    text = f"A quick model is not better than the naive rule in {metric} ({shown})"
    return SignalTest(verdict="not_above_baseline", gain=gain, explanation=text)
