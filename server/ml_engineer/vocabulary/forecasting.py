"""What a forecasting problem has beyond others: its grid of time, how far it looks ahead, what is known in advance."""

from __future__ import annotations

from pydantic import Field

from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.records import Record

__all__ = ["FORECAST_METRICS", "ForecastPlan", "StepScore"]

FORECAST_METRICS: tuple[Metric, ...] = ("mase", "rmsse", "mae", "rmse", "smape", "wape")
"""What forecasts are judged by."""


class ForecastPlan(Record):
    """How series are laid out in time and how far they are forecast."""

    time_column: str = Field(description="Column of the time stamps, or of whole numbers that count time.")
    series_columns: tuple[str, ...] = Field(
        default=(), description="Columns that together name a series; empty if there is only one."
    )
    step: str | int = Field(description="Distance of two moments: a pandas offset alias, or a whole number.")
    step_in_words: str = Field(description="The same for people.")
    horizon: int = Field(ge=1, description="Moments that are forecast from an origin.")
    season: int = Field(ge=1, description="Moments in the season of the naive baseline; 1 is the last value.")
    seasons: tuple[int, ...] = Field(default=(), description="Moments in each natural season of this step.")
    known_in_advance: tuple[str, ...] = Field(
        default=(), description="Columns whose value at the moment that is forecast is known at the origin."
    )
    past_columns: tuple[str, ...] = Field(
        default=(), description="Columns of which only values before the origin are used."
    )
    folds: int = Field(ge=2, description="Folds of the backtest; in each, a model is fitted once.")
    origins_a_fold: int = Field(ge=1, description="Origins that each fold's model forecasts from, a horizon apart.")
    series: int = Field(ge=1, description="How many series there are.")
    gaps: int = Field(default=0, ge=0, description="Moments without a row between the first and last of a series.")
    never_negative: bool = Field(default=False, description="Whether no development value lies below zero.")


class StepScore(Record):
    """The primary metric for one step of the horizon."""

    step: int = Field(ge=1, description="Step of the horizon, from 1.")
    model: Estimate = Field(description="The model's value.")
    baseline: float = Field(description="The naive baseline's value.")
    coverage: float | None = Field(
        default=None, description="Share of outcomes inside their 90 % interval; null if there are no intervals."
    )
