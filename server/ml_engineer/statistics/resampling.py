"""Bootstrap weights: how often each row is drawn, for rows, clusters or blocks of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.metrics import Outcomes

__all__ = ["ResamplingPlan", "plan_resampling", "replicate_weights", "sample_rows", "sample_whole"]

# Weights held at once, in cells of 8 bytes: 16 MB, so that a pass stays near the processor's cache.
_CELLS = 2_000_000
# Work for all replicates together, in cells; beyond it fewer replicates are drawn (never under the minimum).
_WORK = 50_000_000
_FEWEST_REPLICATES = 200


@dataclass(frozen=True)
class ResamplingPlan:
    """What is drawn with replacement.

    Parameters
    ----------
    by : {'row', 'group', 'block'}
        Unit that is drawn.
    units : int
        Number of independent units the sample holds.
    replicates : int
        Number of replicates.
    block_rows : int
        Rows in a block; 1 unless `by` is 'block'.
    """

    by: str
    units: int
    replicates: int
    block_rows: int = 1

    def __str__(self) -> str:
        if self.by == "row":
            return f"bootstrap of rows, {self.replicates} replicates"
        if self.by == "group":
            return f"bootstrap of {self.units} groups, {self.replicates} replicates"
        return f"moving-block bootstrap, blocks of {self.block_rows} rows, {self.replicates} replicates"


def plan_resampling(outcomes: Outcomes, *, replicates: int = 1000) -> ResamplingPlan:
    """What to draw for `outcomes`: whole clusters if there are any, blocks of time, or single rows.

    Large tables get fewer replicates, at least 200.
    """
    rows = outcomes.rows
    # Ranking metrics of k classes sort k times, hence the factor.
    work = rows * max(1, outcomes.n_classes // 4)
    affordable = max(_FEWEST_REPLICATES, _WORK // max(1, work))
    replicates = min(replicates, affordable)
    if outcomes.clusters is not None:
        return ResamplingPlan("group", len(np.unique(outcomes.clusters)), replicates)
    if outcomes.blocks:
        block_rows = _block_rows(outcomes)
        return ResamplingPlan("block", max(1, rows // block_rows), replicates, block_rows)
    return ResamplingPlan("row", rows, replicates)


def _block_rows(outcomes: Outcomes) -> int:
    """Rows in a block: about the cube root of n, more where the errors of neighbours are alike.

    The length that minimises the error of the bootstrap's variance, as if errors were autoregressive of order one
    (Politis and White 2004, Automatic block-length selection for the dependent bootstrap).
    """
    rows = outcomes.rows
    if outcomes.task == "regression":
        errors = outcomes.predicted.astype(float) - outcomes.actual.astype(float)
    elif outcomes.task == "multilabel":
        said = outcomes.predicted if outcomes.probabilities is None else outcomes.probabilities
        errors = np.abs(np.asarray(said, dtype=float) - outcomes.actual.astype(float)).mean(axis=1)
    elif outcomes.probabilities is None:
        errors = (outcomes.predicted != outcomes.actual).astype(float)
    else:
        errors = 1 - np.asarray(outcomes.probabilities)[np.arange(rows), outcomes.actual.astype(int)]
    centred = errors - errors.mean()
    spread = float(centred @ centred)
    likeness: float = float(centred[1:] @ centred[:-1]) / spread if spread > 0 else 0.0
    likeness = min(max(likeness, 0.0), 0.95)
    best: float = (1.5 * rows) ** (1 / 3) * (2 * likeness / (1 - likeness**2)) ** (2 / 3)
    return max(1, min(rows // 3, ceil(max(best, float(rows ** (1 / 3))))))


def replicate_weights(outcomes: Outcomes, plan: ResamplingPlan, *, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """Weights of all replicates, a chunk at a time.

    Parameters
    ----------
    outcomes : Outcomes
        n rows.
    plan : ResamplingPlan
        What to draw.
    seed : int
        Random state; the same seed, plan and number of rows give the same draws, which is what pairs two models.

    Yields
    ------
    numpy.ndarray of shape (r, n)
        How often each row was drawn in each of r replicates; r sums up to `plan.replicates`.
    """
    rng = np.random.default_rng(seed)
    clusters = None
    if plan.by == "group" and outcomes.clusters is not None:
        clusters = np.unique(outcomes.clusters, return_inverse=True)[1]
    chunk = max(1, _CELLS // max(1, outcomes.rows))
    for start in range(0, plan.replicates, chunk):
        size = min(chunk, plan.replicates - start)
        if plan.by == "block":
            yield _block_counts(rng, size, outcomes.rows, plan.block_rows)
        elif clusters is not None:
            yield _counts(rng, size, plan.units)[:, clusters].astype(float)
        else:
            yield _counts(rng, size, outcomes.rows).astype(float)


def sample_rows(rows: npt.NDArray[np.integer], most: int) -> npt.NDArray[np.integer]:
    """At most so many of `rows`, (n,), in rising order: drawn by chance, and the same of the same rows each time.

    A project's train.py draws them by the same line, so that it comes to the same model.
    """
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def sample_whole(clusters: npt.NDArray[np.integer], most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Positions of about `most` rows, in order: all rows of clusters drawn at random, of one cluster at least.

    Parameters
    ----------
    clusters : numpy.ndarray of shape (n,)
        Cluster of each row.
    most : int
        No cluster is added that would make it more rows than this.
    rng : numpy.random.Generator
        Source of the draw.
    """
    codes, sizes = np.unique(clusters, return_inverse=True, return_counts=True)[1:]
    drawn = rng.permutation(len(sizes))
    taken = drawn[: max(1, int(np.searchsorted(np.cumsum(sizes[drawn]), most, side="right")))]
    return np.flatnonzero(np.isin(codes, taken))


def _counts(rng: np.random.Generator, size: int, units: int) -> npt.NDArray[np.int64]:
    """Multinomial counts of shape (size, units): `units` draws with replacement."""
    draws = rng.integers(0, units, (size, units)) + np.arange(size)[:, None] * units
    return np.bincount(draws.ravel(), minlength=size * units).reshape(size, units)


def _block_counts(rng: np.random.Generator, size: int, rows: int, block_rows: int) -> npt.NDArray[np.float64]:
    """Counts of rows in circular moving blocks (Politis and Romano, 1992), shape (size, rows).

    The last row is followed by the first, so that rows at the ends are drawn as often as all others.
    """
    blocks = ceil(rows / block_rows)
    starts = rng.integers(0, rows, (size, blocks))
    # One up where a block starts and one down behind its end; the sum so far is how many blocks cover a row.
    steps = np.zeros((size, rows + block_rows))
    replicate = np.arange(size)[:, None]
    np.add.at(steps, (replicate, starts), 1.0)
    np.add.at(steps, (replicate, starts + block_rows), -1.0)
    covered = np.cumsum(steps, axis=1)
    covered[:, :block_rows] += covered[:, rows:]
    return covered[:, :rows]
