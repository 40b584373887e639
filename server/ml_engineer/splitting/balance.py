"""Putting whole units into folds so that each fold holds its share of every stratum."""

from __future__ import annotations

import numpy as np

__all__ = ["balanced_folds"]


def balanced_folds(units: np.ndarray, strata: np.ndarray, draws: np.ndarray, *, folds: int) -> np.ndarray:
    """Put whole units into folds so that each fold gets its share of rows and of each stratum.

    Units of several rows first, the largest first, each into the fold that holds least of what it brings; then single
    rows in the order of their draws, levelling what is uneven.

    Parameters
    ----------
    units : numpy.ndarray
        (n,) int, the unit of each row.
    strata : numpy.ndarray
        (n,) int, the stratum of each row.
    draws : numpy.ndarray
        (u,) the number each unit drew; it decides between equals.
    folds : int
        How many.
    """
    n_strata = int(strata.max()) + 1
    sizes = np.bincount(units)
    fold_of_unit = np.zeros(len(sizes), dtype="int64")
    held = np.zeros((folds, n_strata))
    several = np.flatnonzero(sizes > 1)
    place = np.full(len(sizes), -1)
    place[several] = np.arange(len(several))
    rows = place[units] >= 0
    flat = np.bincount(place[units[rows]] * n_strata + strata[rows], minlength=len(several) * n_strata)
    counts = flat.reshape(len(several), n_strata)
    # Ranges of a target that takes few values may be empty.
    rarity = 1 / np.maximum(np.bincount(strata, minlength=n_strata), 1) + 1 / len(units)
    for one in np.lexsort((draws[several], -sizes[several])):
        fold = int(np.argmin((held * rarity) @ counts[one] + held.sum(axis=1) * counts[one].sum() / len(units)))
        fold_of_unit[several[one]] = fold
        held[fold] += counts[one]
    single_rows = np.flatnonzero(sizes[units] == 1)
    single_rows = single_rows[np.argsort(draws[units[single_rows]], kind="stable")]
    for stratum in range(n_strata):
        members = units[single_rows[strata[single_rows] == stratum]]
        added = _levelling(held[:, stratum], held.sum(axis=1), len(members))
        fold_of_unit[members] = np.repeat(np.arange(folds), added)
        held[:, stratum] += added
    return np.asarray(fold_of_unit[units])


def _levelling(held: np.ndarray, totals: np.ndarray, rows: int) -> np.ndarray:
    """How many of `rows` each fold gets, (folds,), so that what they hold is as level as can be."""
    order = np.lexsort((totals, held))
    added = np.zeros(len(held), dtype="int64")
    for lowest in range(1, len(held) + 1):
        chosen = order[:lowest]
        level = int(rows + held[chosen].sum()) // lowest
        if lowest == len(held) or level <= held[order[lowest]]:
            added[chosen] = level - held[chosen].astype("int64")
            left = rows - int(added.sum())
            added[chosen[np.argsort(totals[chosen], kind="stable")[:left]]] += 1
            break
    return added
