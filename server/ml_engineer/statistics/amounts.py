"""What a predicted count or quantile is worth, row by row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

__all__ = ["pinball_losses", "poisson_deviances"]

Floats = npt.NDArray[np.float64]

_LEAST_EXPECTED = 1e-9
"""An expected count of 0 for what did happen costs much, not infinity."""


def poisson_deviances(actual: Floats, predicted: Floats) -> Floats:
    """Poisson deviance of each row, (n,); NaN for all if an outcome is negative, which no count is.

    An error of 5 weighs much where 2 are expected, and little where 500 are. Predictions below 1e-9 count as 1e-9.
    """
    if (actual < 0).any():
        return np.full(len(actual), np.nan)
    expected = np.maximum(predicted, _LEAST_EXPECTED)
    return np.asarray(2 * (xlogy(actual, actual / expected) - actual + expected))


def pinball_losses(actual: Floats, predicted: Floats, quantile: float) -> Floats:
    """Pinball loss of each row, (n,): least on average where `quantile` of the outcomes lie at or below the prediction.

    Koenker and Bassett (1978), Regression quantiles.
    """
    error = actual - predicted
    return np.maximum(quantile * error, (quantile - 1) * error)
