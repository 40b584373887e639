"""Exponential smoothing and the Theta method, one series at a time, by statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.naive import season_ago

__all__ = ["ExponentialSmoothing", "Theta"]

# Error, trend, damped, seasonal, as in the taxonomy of Hyndman et al. (2008), without those that are known to be unstable.
_FORMS = (
    ("add", None, False, None),
    ("add", "add", False, None),
    ("add", "add", True, None),
    ("add", None, False, "add"),
    ("add", "add", False, "add"),
    ("add", "add", True, "add"),
    ("mul", None, False, "mul"),
    ("mul", "add", False, "mul"),
    ("mul", "add", True, "mul"),
)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings: a form that did not converge or divides by zero shows it in its criterion and its scores."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _usable(series: Floats, most: int) -> Floats:
    """The latest known stretch of a series, holes filled by straight lines."""
    known = np.flatnonzero(np.isfinite(series))
    if not len(known):
        return np.empty(0)
    cut = series[known[0] :]
    filled = pd.Series(cut).interpolate(limit_direction="both").to_numpy(dtype="float64")
    return np.asarray(filled[-most:], dtype="float64")


@dataclass
class ExponentialSmoothing:
    """Error, trend and season by exponential smoothing; the form of each series is chosen by its corrected AIC.

    Parameters
    ----------
    season : int
        Moments in a season; 1 if there is none.
    most_history : int
        How many of the latest values are used.
    """

    season: int = 1
    most_history: int = 500
    learned: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def fit(self, grid: Grid, until: int, horizon: int) -> ExponentialSmoothing:
        """Choose form and smoothing weights of each series from what lies before moment number `until`."""
        self.learned = {
            name: self._choose(_usable(values[:until], self.most_history))
            for name, values in zip(grid.names, grid.values, strict=True)
        }
        return self

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        found = np.empty((len(origins), len(grid.names), horizon))
        for place, origin in enumerate(origins):
            naive = season_ago(grid.values, origin, horizon, self.season)
            for line, name in enumerate(grid.names):
                series = _usable(grid.values[line, :origin], self.most_history)
                chosen = self.learned.get(name) or self._choose(series)
                said = self._continue(series, chosen, horizon)
                found[place, line] = naive[line] if said is None or not np.isfinite(said).all() else said
        return found

    def _choose(self, series: Floats) -> dict[str, Any]:
        best: dict[str, Any] = {"form": None}
        lowest = np.inf
        for form in _FORMS:
            if not self._fits(series, form):
                continue
            with _quietly():
                try:
                    fitted = self._model(series, form).fit(disp=False)
                    criterion = float(fitted.aicc)
                except (ValueError, np.linalg.LinAlgError, ZeroDivisionError):
                    continue
            if np.isfinite(criterion) and criterion < lowest:
                lowest = criterion
                best = {"form": list(form), "weights": [float(value) for value in fitted.params]}
        return best

    def _continue(self, series: Floats, chosen: dict[str, Any], horizon: int) -> Floats | None:
        """Smooth a series by known weights, and go on; nothing if it is too short for them."""
        if chosen["form"] is None or not self._fits(series, tuple(chosen["form"])):
            return None
        with _quietly():
            try:
                smoothed = self._model(series, tuple(chosen["form"])).smooth(np.array(chosen["weights"]))
                return np.asarray(smoothed.forecast(horizon), dtype=float)
            except (ValueError, np.linalg.LinAlgError, ZeroDivisionError):
                return None

    def _fits(self, series: Floats, form: tuple[Any, ...]) -> bool:
        error, _, _, seasonal = form
        if error == "mul" and not (series > 0).all():
            return False
        if seasonal is None:
            return len(series) >= 10
        return self.season > 1 and len(series) >= max(2 * self.season + 2, 10)

    def _model(self, series: Floats, form: tuple[Any, ...]) -> Any:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        error, trend, damped, seasonal = form
        return ETSModel(
            series,
            error=error,
            trend=trend,
            damped_trend=damped,
            seasonal=seasonal,
            seasonal_periods=self.season if seasonal else None,
            initialization_method="heuristic",
        )

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {"learned": self.learned}

    def restore(self, state: dict[str, Any]) -> ExponentialSmoothing:
        """Take back what was learned."""
        self.learned = dict(state["learned"])
        return self


@dataclass
class Theta:
    """The Theta method (Assimakopoulos & Nikolopoulos 2000), fitted anew to what is known at each origin.

    Parameters
    ----------
    season : int
        Moments in a season; 1 if there is none.
    most_history : int
        How many of the latest values are used.
    """

    season: int = 1
    most_history: int = 500

    def fit(self, grid: Grid, until: int, horizon: int) -> Theta:
        """There is nothing to learn that is not learned at each origin."""
        return self

    def forecast(self, grid: Grid, origins: list[int], horizon: int) -> Floats:
        """Forecast `horizon` moments from each origin on; shape (O, S, horizon)."""
        found = np.stack([season_ago(grid.values, origin, horizon, self.season) for origin in origins])
        for place, origin in enumerate(origins):
            for line in range(len(grid.names)):
                said = self._continue(_usable(grid.values[line, :origin], self.most_history), horizon)
                if said is not None and np.isfinite(said).all():
                    found[place, line] = said
        return found

    def _continue(self, series: Floats, horizon: int) -> Floats | None:
        from statsmodels.tsa.forecasting.theta import ThetaModel

        seasonal = self.season > 1 and len(series) >= 2 * self.season + 2
        if len(series) < 10 or np.ptp(series) == 0:
            return None
        method = "multiplicative" if (series > 0).all() else "additive"
        with _quietly():
            try:
                model = ThetaModel(
                    series,
                    period=self.season if seasonal else 1,
                    deseasonalize=seasonal,
                    method=method,
                    use_test=seasonal,
                )
                return np.asarray(model.fit().forecast(horizon), dtype=float)
            except (ValueError, np.linalg.LinAlgError, ZeroDivisionError):
                return None

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON holds it."""
        return {}

    def restore(self, state: dict[str, Any]) -> Theta:
        """Take back what was learned."""
        return self
