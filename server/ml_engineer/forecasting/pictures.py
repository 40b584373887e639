"""Pictures of forecasts as SVG text: the backtest against what came true, and errors by step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.vocabulary.forecasting import StepScore

__all__ = ["draw_backtest", "draw_steps"]

_INK, _SOFT, _GRID, _MODEL, _NAIVE, _PAPER = "#20242b", "#6b7280", "#dfe3e8", "#2563eb", "#d97706", "#fcfdfe"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ml-engineer",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "figure.facecolor": _PAPER,
    "axes.facecolor": _PAPER,
}
_MOST_SERIES = 3
_MOST_MOMENTS = 600


def draw_backtest(grid: Grid, predicted: Floats, *, target: str) -> str:
    """Forecasts of the backtest over what came true, for the series with most of both.

    Parameters
    ----------
    grid : Grid
        Development rows.
    predicted : numpy.ndarray of shape (n,)
        Forecast of each row, NaN where there is none.
    target : str
        What is forecast.
    """
    cells = np.where(grid.rows >= 0, predicted[np.maximum(grid.rows, 0)], np.nan)
    order = np.argsort(-np.isfinite(cells).sum(axis=1), kind="stable")[:_MOST_SERIES]
    forecast = np.flatnonzero(np.isfinite(cells).any(axis=0))
    begin = max(int(forecast[0]) - len(forecast) // 2, 0) if len(forecast) else 0
    begin = max(begin, grid.length - _MOST_MOMENTS)
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 2.4 * len(order)), layout="constrained")
        for place, line in enumerate(order):
            axes = figure.add_subplot(len(order), 1, place + 1)
            moments = grid.moments[begin:].to_numpy()
            axes.plot(moments, grid.values[line, begin:], color=_SOFT, linewidth=1.2, label="came true")
            axes.plot(moments, cells[line, begin:], color=_MODEL, linewidth=1.4, label="forecast")
            name = grid.names[line].replace("\x1f", ", ")
            axes.set_ylabel(f"{target} {name}".strip()[:40])
            if place == 0:
                axes.legend(frameon=False, fontsize=8, loc="upper left")
        return _svg(figure)


def draw_steps(steps: Sequence[StepScore], *, metric: str) -> str:
    """The error of model and naive rule for each step of the horizon, the model's with its interval."""
    numbers = [step.step for step in steps]
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 2.8), layout="constrained")
        axes = figure.add_subplot()
        low, high = [step.model.low for step in steps], [step.model.high for step in steps]
        axes.fill_between(numbers, low, high, color=_MODEL, alpha=0.15, linewidth=0)
        axes.plot(numbers, [step.model.value for step in steps], color=_MODEL, marker="o", markersize=3, label="model")
        axes.plot(numbers, [step.baseline for step in steps], color=_NAIVE, linestyle="--", label="naive rule")
        axes.set_xlabel("step of the horizon")
        axes.set_ylabel(metric)
        top = max([step.model.value for step in steps] + [step.baseline for step in steps], default=1.0)
        axes.set_ylim(0, 1.6 * top if top > 0 else 1)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        return _svg(figure)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()
