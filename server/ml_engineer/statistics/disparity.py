"""How far groups lie apart, how sure that is, and how far they would lie apart by chance alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

__all__ = ["Spread", "rows_needed", "spread_of_groups", "wilson_limits"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_REPLICATES = 2000
_PERMUTATIONS = 1000
_WORK = 40_000_000
_CELLS = 2_000_000
_FEWEST = 200
_NORMAL_FROM = 10_000
_Z = 1.959963984540054


@dataclass(frozen=True)
class Spread:
    """The values of k groups, and the largest difference among them.

    Parameters
    ----------
    values, lows, highs : numpy.ndarray of shape (k,)
        Value of each group with its own 95 % interval.
    effective : numpy.ndarray of shape (k,)
        Independent rows behind each value: fewer than the rows where rows share an entity.
    highest, lowest : int
        Places of the groups that lie furthest apart.
    difference, low, high : float
        Highest minus lowest, with a 95 % interval that allows for having looked for the extremes.
    widest : tuple of int
        The pair whose own interval reaches furthest up.
    critical : float
        Critical value at which the intervals of all pairs hold at once.
    replicates : int
        Bootstrap replicates drawn.
    chance : numpy.ndarray of shape (m, k)
        Values of the groups when their names are dealt at random.
    p_value : float
        Share of those whose largest difference, in units of its standard error, is at least as large.
    """

    values: Floats
    lows: Floats
    highs: Floats
    effective: Floats
    highest: int
    lowest: int
    difference: float
    low: float
    high: float
    widest: tuple[int, int]
    critical: float
    replicates: int
    chance: Floats
    p_value: float

    @property
    def expected_by_chance(self) -> float:
        """Mean largest difference without any disparity."""
        return float(np.ptp(self.chance, axis=1).mean())


def wilson_limits(shares: Floats, rows: Floats, *, z: float = _Z) -> tuple[Floats, Floats]:
    """Wilson's limits of k shares at once, shape (k,) each; `rows` may be fractions of rows."""
    centre = (shares + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * np.sqrt(shares * (1 - shares) / rows + z * z / (4 * rows * rows))
    return np.minimum(np.maximum(centre - half, 0.0), shares), np.maximum(np.minimum(centre + half, 1.0), shares)


def spread_of_groups(
    values: Floats, codes: Ints, *, is_share: bool, units: Ints | None = None, seed: int = 0
) -> Spread:
    """Means of `values` by group, with intervals, and their largest difference.

    Each group is resampled by itself (stratified bootstrap), by whole entities where rows share one; from 10,000 units on
    the resampled mean is drawn from its normal limit. The intervals of
    all pairs hold at once: their critical value is the 95 % quantile of the largest standardised deviation of a pair.
    Intervals of shares are Wilson's, joined for a difference by Newcombe's method 10 (1998). The largest difference
    then lies, in 95 % of samples, between the highest lower and the highest upper end.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        0 or 1 for shares.
    codes : numpy.ndarray of shape (n,)
        Group of each row, 0 to k - 1; every group has a row, and k is at least 2.
    is_share : bool
        Whether values are 0 or 1.
    units : numpy.ndarray of shape (n,), optional
        Entity of each row; rows of one entity are not independent.
    seed : int
        Random state.
    """
    rng = np.random.default_rng(seed)
    rows = np.bincount(codes).astype(float)
    means = np.bincount(codes, weights=values) / rows
    drawn = _bootstrap(values, codes, rows, means, is_share=is_share, units=units, rng=rng)
    errors, effective = _errors(values, codes, rows, means, drawn, is_share=is_share, units=units)
    critical = _critical(drawn - means, errors)
    lows, highs = _limits(means, errors, effective, _Z, is_share=is_share)
    wide_lows, wide_highs = _limits(means, errors, effective, critical, is_share=is_share)
    down, up = means - wide_lows, wide_highs - means
    differences = means[:, None] - means[None, :]
    upper = differences + np.hypot(up[:, None], down[None, :])
    lower = differences - np.hypot(down[:, None], up[None, :])
    np.fill_diagonal(upper, -np.inf)
    np.fill_diagonal(lower, -np.inf)
    # Where all are equal, the first and the last stand for them.
    highest, lowest = int(means.argmax()), len(means) - 1 - int(means[::-1].argmin())
    difference = float(means[highest] - means[lowest])
    first, second = np.unravel_index(int(upper.argmax()), upper.shape)
    chance = _chance(values, rows, drawn - means, is_share=is_share, clustered=units is not None, rng=rng)
    # Standardised, or a tiny group's noise would drown a sure difference between large ones.
    apart = _largest(means[None, :] - values.mean(), float(values.std()) / np.sqrt(effective))
    at_least = int((_largest(chance - values.mean(), float(values.std()) / np.sqrt(effective)) >= apart - 1e-9).sum())
    return Spread(
        values=means,
        lows=lows,
        highs=highs,
        effective=effective,
        highest=highest,
        lowest=lowest,
        difference=difference,
        low=min(max(0.0, float(lower.max())), difference),
        high=max(float(upper.max()), difference),
        widest=(int(first), int(second)),
        critical=critical,
        replicates=len(drawn),
        chance=chance,
        p_value=(1 + at_least) / (1 + len(chance)),
    )


def _bootstrap(
    values: Floats,
    codes: Ints,
    rows: Floats,
    means: Floats,
    *,
    is_share: bool,
    units: Ints | None,
    rng: np.random.Generator,
) -> Floats:
    """Means of resampled groups, shape (replicates, k)."""
    if is_share and units is None:
        # Rows drawn with replacement from zeros and ones: the number of ones is binomial.
        return rng.binomial(rows.astype(int), np.clip(means, 0, 1), (_REPLICATES, len(rows))) / rows
    replicates = min(_REPLICATES, max(_FEWEST, _WORK // len(values)))
    return np.column_stack(
        [
            _resampled_means(
                *_per_unit(values[codes == place], None if units is None else units[codes == place]),
                n=replicates,
                rng=rng,
            )
            for place in range(len(rows))
        ]
    )


def _per_unit(values: Floats, units: Ints | None) -> tuple[Floats, Floats]:
    """Sum and number of rows of each entity."""
    if units is None:
        return values, np.ones(len(values))
    _, codes = np.unique(units, return_inverse=True)
    return np.bincount(codes, weights=values).astype(float), np.bincount(codes).astype(float)


def _resampled_means(sums: Floats, counts: Floats, *, n: int, rng: np.random.Generator) -> Floats:
    """Ratio of resampled sums to resampled counts, shape (n,)."""
    size, chunk = len(sums), max(1, _CELLS // len(sums))
    if size >= _NORMAL_FROM:
        # The resampled ratio of so many units is normal to the digits that matter, and costs a thousandth.
        ratio = sums.sum() / counts.sum()
        error = float((sums - ratio * counts).std()) / counts.mean() / np.sqrt(size)
        return np.asarray(rng.normal(ratio, error, n))
    parts = []
    for start in range(0, n, chunk):
        draws = rng.integers(0, size, (min(chunk, n - start), size))
        parts.append(sums[draws].sum(axis=1) / counts[draws].sum(axis=1))
    return np.concatenate(parts)


def _errors(
    values: Floats, codes: Ints, rows: Floats, means: Floats, drawn: Floats, *, is_share: bool, units: Ints | None
) -> tuple[Floats, Floats]:
    """Standard error and effective rows of each group."""
    errors = drawn.std(axis=0)
    if not is_share:
        floor = 1e-12 + 1e-9 * float(np.abs(values).max(initial=0.0))
        return np.maximum(errors * np.sqrt(rows / np.maximum(rows - 1, 1)), floor), rows
    # Agresti and Coull's share keeps the error of a group of zeros or ones above nothing.
    softened = (means * rows + 2) / (rows + 4)
    alone = np.sqrt(softened * (1 - softened) / rows)
    if units is None:
        return alone, rows
    independent = np.array([len(np.unique(units[codes == place])) for place in range(len(rows))], dtype=float)
    plain = means * (1 - means)
    effective = np.divide(plain, errors**2, out=independent.copy(), where=(errors > 0) & (plain > 0))
    effective = np.clip(effective, np.minimum(independent, 2.0), rows)
    return np.sqrt(softened * (1 - softened) / effective), effective


def _critical(deviations: Floats, errors: Floats) -> float:
    """Quantile of the largest standardised deviation over all pairs; never below that of a single interval."""
    return max(_Z, float(np.quantile(_largest(deviations, errors), 0.95)))


def _largest(deviations: Floats, errors: Floats) -> Floats:
    """Largest difference of a pair in units of its standard error, for each of m rows of k deviations; shape (m,)."""
    largest = np.zeros(len(deviations))
    for place in range(len(errors) - 1):
        gaps = np.abs(deviations[:, [place]] - deviations[:, place + 1 :])
        scale = np.maximum(np.hypot(errors[place], errors[place + 1 :]), 1e-300)
        np.maximum(largest, (gaps / scale).max(axis=1), out=largest)
    return largest


def _limits(means: Floats, errors: Floats, effective: Floats, z: float, *, is_share: bool) -> tuple[Floats, Floats]:
    if is_share:
        return wilson_limits(means, effective, z=z)
    return means - z * errors, means + z * errors


def _chance(
    values: Floats,
    rows: Floats,
    deviations: Floats,
    *,
    is_share: bool,
    clustered: bool,
    rng: np.random.Generator,
) -> Floats:
    """Values of the groups without any disparity, shape (m, k): group names dealt at random.

    Rows that share an entity cannot be dealt singly: there the bootstrap's deviations around one common mean stand in.
    """
    if clustered:
        return np.asarray(values.mean() + deviations)
    sizes = rows.astype(int)
    if is_share:
        ones = round(float(values.sum()))
        dealt_ones = rng.multivariate_hypergeometric(sizes, ones, size=_PERMUTATIONS, method="marginals")
        return np.asarray(dealt_ones / rows)
    if len(values) >= _NORMAL_FROM and sizes.min() >= _FEWEST:
        return np.asarray(rng.normal(values.mean(), values.std() / np.sqrt(rows), (_PERMUTATIONS, len(rows))))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    number = min(_PERMUTATIONS, max(_FEWEST, _WORK // len(values)))
    dealt = (np.add.reduceat(rng.permutation(values), starts) for _ in range(number))
    return np.asarray(np.stack(list(dealt)) / rows)


def rows_needed(rows: float, *, arm: float, room: float) -> int:
    """Rows for an interval whose arm fits into the room that there is (arms fall as one over the root of the rows)."""
    return max(int(rows) + 1, ceil(rows * (arm / max(room, 1e-3)) ** 2))
