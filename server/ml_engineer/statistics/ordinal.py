"""Ordered levels: the level to call, and what a prediction is worth when a miss by two is worse than by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.vocabulary.estimates import Metric

__all__ = ["ORDINAL_METRICS", "called_level", "in_level_order", "quadratic_kappa", "ranked_losses"]

Floats = npt.NDArray[np.float64]

ORDINAL_METRICS: tuple[Metric, ...] = (
    "ranked_probability_score",
    "quadratic_kappa",
    "level_mae",
    "accuracy",
    "balanced_accuracy",
    "log_loss",
)
"""In the order of reports."""
_LIKELIEST: Final[frozenset[Metric]] = frozenset({"accuracy", "balanced_accuracy", "log_loss"})


def in_level_order(column: pd.Series, levels: Sequence[str]) -> pd.Series:
    """`column` as an ordered category, so that its codes are the places of the levels."""
    return pd.Series(pd.Categorical(column.astype(str), categories=list(levels), ordered=True), index=column.index)


def called_level(probabilities: Floats, metric: Metric) -> npt.NDArray[np.int64]:
    """Code of the level to call for each row: the best answer under `metric` if the probabilities are right.

    The likeliest level for metrics that only count hits; for quadratic kappa the mean level, rounded, because squared
    distances count; else the median level, which is nearest on average.

    Parameters
    ----------
    probabilities : numpy.ndarray of shape (n, k)
        In the order of the levels.
    metric : Metric
        What decides.
    """
    if metric in _LIKELIEST:
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
    if metric == "quadratic_kappa":
        mean = probabilities @ np.arange(probabilities.shape[1])
        return np.floor(mean + 0.5).astype(np.int64).clip(0, probabilities.shape[1] - 1)
    # Rounding in the sums must not move a row that lies at one half exactly.
    below = np.cumsum(probabilities, axis=1) < 0.5 - 1e-9
    return np.asarray(below.sum(axis=1).clip(0, probabilities.shape[1] - 1), dtype=np.int64)


def ranked_losses(probabilities: Floats, actual: npt.NDArray[np.integer]) -> Floats:
    """Ranked probability score of each row, (n,): from 0 to 1, 0 being best.

    The mean, over the cuts between neighbouring levels, of the squared error of the probability of lying below the
    cut (Epstein 1969, A scoring system for probability forecasts of ranked categories; divided by the number of cuts).

    Parameters
    ----------
    probabilities : numpy.ndarray of shape (n, k)
        In the order of the levels.
    actual : numpy.ndarray of shape (n,)
        Codes of the levels.
    """
    cuts = np.arange(probabilities.shape[1] - 1)
    expected = np.cumsum(probabilities, axis=1)[:, :-1]
    return np.asarray(((expected - (actual[:, None] <= cuts)) ** 2).mean(axis=1))


def quadratic_kappa(actual: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Cohen's kappa with quadratic weights, for each row of `weights` (r, n); shape (r,), NaN where undefined.

    Cohen (1968), Weighted kappa: one minus the mean squared distance over what it would be if predictions were dealt
    out at random.
    """
    total = weights.sum(axis=1)
    observed = weights @ (actual - predicted) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        by_chance = weights @ (actual**2 + predicted**2) - 2 * (weights @ actual) * (weights @ predicted) / total
        kappa = 1 - observed / by_chance
    return np.where(by_chance > 1e-12 * total, kappa, np.nan)
