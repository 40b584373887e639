"""Whether there are groups at all: rows without any, as like the real ones as can be, are grouped in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from sklearn.cluster import KMeans

from ml_engineer.unsupervised.agreement import row_silhouettes
from ml_engineer.unsupervised.rows import Floats, Ints
from ml_engineer.unsupervised.spaces import Block
from ml_engineer.vocabulary.estimates import Estimate

__all__ = [
    "KINDS",
    "StructureTest",
    "beyond_chance",
    "chance_on_new_rows",
    "compare_with_structureless",
    "draw_structureless",
    "quick_labels",
]

Kind = Literal["one cloud", "an even spread", "shuffled columns"]
KINDS: Final[tuple[Kind, ...]] = ("one cloud", "an even spread", "shuffled columns")
"""Rows of one multivariate normal cloud with the real means and covariances; rows spread evenly over the box that the
principal axes span (Tibshirani, Walther and Hastie 2001); the real rows with every feature shuffled by itself."""

_LEVEL: Final = 0.95
_BOOTSTRAP: Final = 2_000
_LEAST_SPREAD: Final = 0.005

Grouping = Callable[[Floats, int], Ints]
"""Prepared rows of shape (n, p) and a number of groups to the group of each row."""


@dataclass(frozen=True)
class StructureTest:
    """What came of it.

    Parameters
    ----------
    verdict : str
        'learnable' if groups are clearer than in all three kinds of rows without groups; 'unsure' if only shuffled columns
        give groups as clear, which then are no more than the shapes of single columns; else 'not_above_baseline'.
    clusters : int
        Number of groups at which the real rows stand out most.
    silhouette : Estimate
        Of the real rows, grouped so.
    baseline : Estimate
        Of rows without groups, of the kind that comes nearest.
    gain : Estimate
        The difference of the two; the interval holds the chance of both, and that the number of groups was chosen.
    nearest : str
        The kind of rows without groups that comes nearest.
    gaps : dict of str to float
        The difference by kind.
    """

    verdict: Literal["learnable", "not_above_baseline", "unsure"]
    clusters: int
    silhouette: Estimate
    baseline: Estimate
    gain: Estimate
    nearest: str
    gaps: dict[str, float]


def quick_labels(prepared: Floats, clusters: int) -> Ints:
    """Groups by k-means from one start."""
    model = KMeans(clusters, n_init=1, max_iter=100, random_state=0)
    return np.asarray(model.fit_predict(prepared))


def draw_structureless(
    prepared: Floats, blocks: Sequence[Block], kind: Kind, *, rows: int, rng: np.random.Generator
) -> Floats:
    """Rows like the real ones, but without groups.

    Parameters
    ----------
    prepared : numpy.ndarray of shape (n, p)
        The real rows in the space of distances.
    blocks : sequence of Block
        Which of its columns stem from one feature; those of a category are shuffled together, whatever the kind.
    kind : str
        One of `KINDS`.
    rows : int
        How many to draw.
    rng : numpy.random.Generator
        Source of chance.
    """
    drawn = np.empty((rows, prepared.shape[1]))
    for block in blocks:
        drawn[:, block.columns] = prepared[rng.integers(0, len(prepared), rows)][:, block.columns]
    numeric = np.array([int(block.columns[0]) for block in blocks if block.numeric], dtype=int)
    if kind == "shuffled columns" or len(numeric) == 0:
        return drawn
    real = prepared[:, numeric]
    centre = real.mean(axis=0)
    # The rows' own axes and spreads; a covariance matrix of few rows need not be of full rank.
    _, spread, axes = np.linalg.svd(real - centre, full_matrices=False)
    if kind == "one cloud":
        scores = rng.normal(size=(rows, len(spread))) * spread / np.sqrt(max(len(real) - 1, 1))
    else:
        own = (real - centre) @ axes.T
        scores = rng.uniform(own.min(axis=0), own.max(axis=0), size=(rows, len(spread)))
    drawn[:, numeric] = centre + scores @ axes
    return drawn


def compare_with_structureless(
    prepared: Floats,
    blocks: Sequence[Block],
    counts: Sequence[int],
    *,
    group: Grouping = quick_labels,
    at: int | None = None,
    draws: int = 19,
    seed: int = 0,
) -> StructureTest:
    """Group the rows and rows without groups, for every number of groups, and compare how clear the groups are.

    Parameters
    ----------
    prepared : numpy.ndarray of shape (n, p)
        Rows in the space of distances; a few hundred are enough.
    blocks : sequence of Block
        Which of its columns stem from one feature.
    counts : sequence of int
        Numbers of groups that may be chosen.
    group : callable
        How rows are grouped.
    at : int, optional
        One of `counts`: the number of groups that was chosen already; by default the one that stands out most.
    draws : int
        Sets of rows without groups, of each kind.
    seed : int
        Random state.
    """
    rng = np.random.default_rng(seed)
    real = {count: row_silhouettes(prepared, group(prepared, count)) for count in counts}
    means = np.array([np.nanmean(real[count]) for count in counts])
    nulls: dict[Kind, Floats] = {}
    for kind in KINDS:
        nulls[kind] = np.empty((draws, len(counts)))
        for draw in range(draws):
            rows = draw_structureless(prepared, blocks, kind, rows=len(prepared), rng=rng)
            nulls[kind][draw] = [np.nanmean(row_silhouettes(rows, group(rows, count))) for count in counts]
    scaled = {kind: (means - null.mean(axis=0)) / _spread(null) for kind, null in nulls.items()}
    place = int(np.argmax(np.min(list(scaled.values()), axis=0))) if at is None else list(counts).index(at)
    known = real[counts[place]][np.isfinite(real[counts[place]])]
    again = known[rng.integers(0, len(known), (_BOOTSTRAP, len(known)))].mean(axis=1)
    chance = {kind: _best_by_chance(null)[:, None] * _spread(null) + null.mean(axis=0) for kind, null in nulls.items()}
    gains = {kind: _gain(means[place], again, chance[kind][:, place], rng, len(prepared)) for kind in KINDS}
    nearest = min(KINDS, key=lambda kind: gains[kind].low)
    return StructureTest(
        verdict=_verdict(gains),
        clusters=counts[place],
        silhouette=_estimate(float(means[place]), again, "bootstrap of rows", len(prepared)),
        baseline=_estimate(
            float(chance[nearest][:, place].mean()),
            chance[nearest][:, place],
            f"{draws} sets of rows without groups: {nearest}",
            len(prepared),
        ),
        gain=gains[nearest],
        nearest=nearest,
        gaps={kind: gains[kind].value for kind in KINDS},
    )


def _spread(null: Floats) -> Floats:
    return np.asarray(np.maximum(null.std(axis=0, ddof=1), _LEAST_SPREAD))


def _best_by_chance(null: Floats) -> Floats:
    """The largest standardised silhouette over all numbers of groups, of each set against the others; (draws,)."""
    best = np.empty(len(null))
    for draw in range(len(null)):
        others = np.delete(null, draw, axis=0)
        best[draw] = ((null[draw] - others.mean(axis=0)) / _spread(others)).max()
    return best


def _gain(observed: float, again: Floats, chance: Floats, rng: np.random.Generator, rows: int) -> Estimate:
    differences = again - rng.choice(chance, len(again))
    method = f"bootstrap of rows against {len(chance)} sets of rows without groups"
    return _estimate(observed - float(chance.mean()), differences, method, rows)


def _estimate(value: float, drawn: Floats, method: str, rows: int) -> Estimate:
    low, high = (float(end) for end in np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]))
    return Estimate(value=value, low=min(low, value), high=max(high, value), method=method, rows=rows)


def _verdict(gains: dict[Kind, Estimate]) -> Literal["learnable", "not_above_baseline", "unsure"]:
    if gains["one cloud"].low <= 0 or gains["an even spread"].low <= 0:
        return "not_above_baseline"
    return "learnable" if gains["shuffled columns"].low > 0 else "unsure"


def chance_on_new_rows(
    prepared: Floats,
    blocks: Sequence[Block],
    fit_and_ask: Callable[[Floats, Floats], Ints],
    *,
    new_rows: int,
    draws: int = 19,
    seed: int = 0,
) -> dict[Kind, Floats]:
    """Silhouettes of new rows without groups, under groups that were made of other rows without groups; (draws,) by kind.

    Parameters
    ----------
    prepared : numpy.ndarray of shape (n, p)
        Development rows in the space of distances.
    blocks : sequence of Block
        Which of its columns stem from one feature.
    fit_and_ask : callable
        Rows to fit on and rows to ask about, to the group of each of the latter.
    new_rows : int
        How many rows are asked about.
    draws : int
        Sets of each kind.
    seed : int
        Random state.
    """
    rng = np.random.default_rng(seed)
    found: dict[Kind, Floats] = {}
    for kind in KINDS:
        values = []
        for _ in range(draws):
            known = draw_structureless(prepared, blocks, kind, rows=len(prepared), rng=rng)
            asked = draw_structureless(prepared, blocks, kind, rows=new_rows, rng=rng)
            values.append(float(np.nanmean(row_silhouettes(asked, fit_and_ask(known, asked)))))
        found[kind] = np.array(values)
    return found


def beyond_chance(values: Floats, chance: dict[Kind, Floats], *, seed: int = 0) -> tuple[Kind, Estimate, Estimate]:
    """The kind of rows without groups that comes nearest to the real ones, its silhouette, and the difference.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Silhouettes of real rows; NaN where not looked at.
    chance : dict
        From `chance_on_new_rows`.
    seed : int
        Random state.
    """
    rng = np.random.default_rng(seed)
    known = values[np.isfinite(values)]
    again = known[rng.integers(0, len(known), (_BOOTSTRAP, len(known)))].mean(axis=1)
    gains = {kind: _gain(float(known.mean()), again, null, rng, len(known)) for kind, null in chance.items()}
    nearest = min(gains, key=lambda kind: gains[kind].low)
    null = chance[nearest]
    return (
        nearest,
        _estimate(float(null.mean()), null, f"{len(null)} sets of rows without groups: {nearest}", len(known)),
        gains[nearest],
    )
