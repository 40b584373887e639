"""The rows that a search for groups or anomalies looks at, and numbers that are means over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.statistics.intervals import estimate, estimate_difference
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate, Metric

__all__ = [
    "MOST_ROWS",
    "Floats",
    "Ints",
    "LookedAt",
    "mean_difference",
    "mean_of_rows",
    "sample_positions",
    "spread_of",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

MOST_ROWS: Final = 5_000
"""Rows that candidates are compared on: distances between more take time, and no longer change the choice."""


@dataclass(frozen=True)
class LookedAt:
    """Rows to compare candidates on.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        What features.py made of them.
    pairs : sequence of (numpy.ndarray, numpy.ndarray)
        Positions to fit on and to judge on, for each fold.
    numbers : tuple of int
        Stored number of each fold.
    clusters : numpy.ndarray of shape (n,) or None
        Group of each row, where rows belong together.
    blocks : bool
        Whether rows stand in time order and neighbours depend on each other.
    """

    features: pd.DataFrame
    pairs: Sequence[tuple[Ints, Ints]]
    numbers: tuple[int, ...]
    clusters: Ints | None = None
    blocks: bool = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.features)


def sample_positions(rows: int, *, most: int = MOST_ROWS) -> Ints:
    """Positions of at most `most` of `rows` rows, sorted; the same ones each time."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _outcomes(values: Floats, clusters: Ints | None, *, blocks: bool) -> Outcomes:
    return Outcomes("regression", np.zeros(len(values)), values, clusters=clusters, blocks=blocks)


def mean_of_rows(
    metric: Metric, values: Floats, *, clusters: Ints | None = None, blocks: bool = False, seed: int = 0
) -> Estimate:
    """A metric that is the mean of one value a row, with its interval; NaN marks rows that were not looked at."""
    known = np.isfinite(values)
    own = None if clusters is None else clusters[known]
    return estimate(metric, _outcomes(values[known], own, blocks=blocks), seed=seed)


def mean_difference(
    metric: Metric, first: Floats, second: Floats, *, clusters: Ints | None = None, blocks: bool = False, seed: int = 0
) -> Estimate:
    """The paired difference of two such means, on the rows that both know."""
    known = np.isfinite(first) & np.isfinite(second)
    own = None if clusters is None else clusters[known]
    one, two = (_outcomes(values[known], own, blocks=blocks) for values in (first, second))
    return estimate_difference(metric, one, two, seed=seed)


def spread_of(values: Sequence[float], *, method: str, rows: int) -> Estimate:
    """The mean of repeated measurements with the range that holds 95 % of them."""
    known = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    mean = float(known.mean())
    low, high = (float(end) for end in np.quantile(known, [0.025, 0.975]))
    return Estimate(value=mean, low=min(low, mean), high=max(high, mean), method=method, rows=rows)
