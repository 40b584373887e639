"""One fold of a backtest as a piece of work for whoever does the fits, and what comes of it."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ml_engineer.forecasting.backtest import Windows, backtest
from ml_engineer.forecasting.forecasters import Forecaster
from ml_engineer.forecasting.grid import Floats, Grid
from ml_engineer.forecasting.lagged import LaggedTrees
from ml_engineer.forecasting.smoothing import ExponentialSmoothing, Theta
from ml_engineer.independent_fits import Clock

__all__ = ["FoldFit", "FoldForecast", "fold_places"]

_LIBRARIES: Final[dict[type, str]] = {
    LaggedTrees: "lightgbm",
    ExponentialSmoothing: "statsmodels.tsa.exponential_smoothing.ets",
    Theta: "statsmodels.tsa.forecasting.theta",
}
"""What takes longer to import than many a fit takes."""


@dataclass(frozen=True)
class FoldForecast:
    """What came of a fold.

    Parameters
    ----------
    forecast : numpy.ndarray of shape (O, S, H)
        From the origins of the fold.
    seconds : float
        What fit and forecasts took.
    peak_bytes : int
        The most memory that its process took beside the rows; 0 if that is not known.
    """

    forecast: Floats
    seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True)
class FoldFit:
    """Fit a forecaster on what came before a fold, and forecast from the origins of that fold.

    Parameters
    ----------
    forecaster : Forecaster
        Not fitted.
    windows : Windows
        The backtest.
    fold : int
        Which of its folds.
    """

    forecaster: Forecaster
    windows: Windows
    fold: int
    model_path: str | None = None
    """Nothing is left behind but the forecasts."""

    @property
    def library(self) -> str | None:
        """Module that the forecaster imports when it is fitted."""
        return _LIBRARIES.get(type(self.forecaster))

    def run(self, rows: Grid, *, scratch: Path | None = None, clock: Clock = time.monotonic) -> FoldForecast:
        """Do it on the series."""
        began = clock()
        made = backtest(lambda: copy.deepcopy(self.forecaster), rows, self.windows, folds=[self.fold])
        forecast: Floats = np.ascontiguousarray(made[fold_places(self.windows, self.fold)])
        return FoldForecast(forecast, clock() - began)


def fold_places(windows: Windows, fold: int) -> slice:
    """Places of a fold's origins among those of the backtest."""
    before = sum(len(origins) for origins in windows.folds[:fold])
    return slice(before, before + len(windows.folds[fold]))
