"""Whether two groupings say the same: what random halves of the rows, or other rows, would make of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from ml_engineer.unsupervised.rows import Floats, Ints, sample_positions

__all__ = ["aligned", "halves", "prediction_strength", "rand", "row_silhouettes"]

_MOST_SILHOUETTES = 2_000


def row_silhouettes(prepared: Floats, labels: Ints) -> Floats:
    """Silhouette of each row (Rousseeuw 1987), on at most 2,000 rows; NaN for the others, 0 if there is one group only.

    Parameters
    ----------
    prepared : numpy.ndarray of shape (n, p)
        Rows in the space of distances.
    labels : numpy.ndarray of shape (n,)
        Group of each.
    """
    values = np.full(len(labels), np.nan)
    chosen = sample_positions(len(labels), most=_MOST_SILHOUETTES)
    groups = len(np.unique(labels[chosen]))
    values[chosen] = 0.0
    if 1 < groups < len(chosen):
        values[chosen] = silhouette_samples(prepared[chosen], labels[chosen])
    return values


def prediction_strength(own: Ints, foreign: Ints) -> float:
    """The worst group's share of pairs that another grouping keeps together (Tibshirani and Walther 2005).

    Parameters
    ----------
    own : numpy.ndarray of shape (n,)
        Groups that a model found in these very rows.
    foreign : numpy.ndarray of shape (n,)
        Groups that a model fitted elsewhere puts them in.

    Returns
    -------
    float
        From 0 to 1; a group of one row keeps nothing together and counts as 0.
    """
    table = pd.crosstab(own, foreign).to_numpy().astype(float)
    sizes = table.sum(axis=1)
    kept = (table * (table - 1)).sum(axis=1) / np.maximum(sizes * (sizes - 1), 1)
    return float(kept.min())


def rand(first: Ints, second: Ints) -> float:
    """Adjusted Rand index of two groupings of the same rows: 1 if they are the same, 0 as chance would have it."""
    return float(adjusted_rand_score(first, second))


def aligned(labels: Ints, reference: Ints) -> Ints:
    """`labels` under the numbers of `reference`, matched so that as many rows as possible agree."""
    names, places = np.unique(labels, return_inverse=True)
    known, others = np.unique(reference, return_inverse=True)
    table = np.zeros((len(names), len(known)))
    np.add.at(table, (places, others), 1)
    mine, theirs = linear_sum_assignment(-table)
    number = {int(names[place]): int(known[other]) for place, other in zip(mine, theirs, strict=True)}
    spare = iter(sorted(set(range(len(names) + len(known))) - set(number.values())))
    for name in names:
        if int(name) not in number:
            number[int(name)] = next(spare)
    return np.array([number[int(label)] for label in labels])


def halves(rows: int, *, clusters: Ints | None, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Positions of two random halves; rows that belong together stay together."""
    units = np.arange(rows) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    drawn = rng.permutation(int(units.max()) + 1)
    first = np.isin(units, drawn[: len(drawn) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)
