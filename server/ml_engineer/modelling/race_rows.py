"""Rows on which candidates are tried cheaply and grow: all from the training part of one fold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.resampling import sample_whole

__all__ = ["race_rows"]

Rows = npt.NDArray[np.integer]
_MOST_LEARNED = 60_000
_MOST_WATCHED = 20_000


def race_rows(data: TrainingData, *, seed: int) -> tuple[Rows, Rows]:
    """Rows to learn from and rows to watch, both from the training part of one fold.

    That part's rows that are the test part of another fold are watched: groups, strata and time are then
    respected as the folds respect them. Where no other fold lies inside, a fifth of the rows is watched:
    the latest, whole groups, or at random. Of very many rows a sample is taken.

    Parameters
    ----------
    data : TrainingData
        Development rows with their folds.
    seed : int
        Random state, where chance decides.

    Returns
    -------
    learn, watch : numpy.ndarray of int
        Positions; disjoint.
    """
    # With folds in time the last one trains on the most rows; otherwise all are alike.
    place = len(data.pairs) - 1 if data.time_order is not None else 0
    train = np.asarray(data.pairs[place][0])
    learn, watch = _halves(data, train, place, seed=seed)
    rng = np.random.default_rng(seed)
    return _sample(data, learn, _MOST_LEARNED, rng), _sample(data, watch, _MOST_WATCHED, rng)


def _halves(data: TrainingData, train: Rows, place: int, *, seed: int) -> tuple[Rows, Rows]:
    for other, (_, test) in reversed(list(enumerate(data.pairs))):
        inside = np.isin(train, test)
        # Going backwards, the first such fold in time is the latest before the one that is left out.
        if other != place and len(test) == inside.sum() < len(train):
            return train[~inside], train[inside]
    return _last_fifth(data, train, seed=seed)


def _last_fifth(data: TrainingData, train: Rows, *, seed: int) -> tuple[Rows, Rows]:
    if data.time_order is not None:
        ordered = data.time_order[np.isin(data.time_order, train)]
        cut = len(ordered) - max(1, len(ordered) // 5)
        return ordered[:cut], ordered[cut:]
    units = data.units(train)
    shuffled = np.random.default_rng(seed).permutation(np.unique(units))
    watched = np.isin(units, shuffled[: max(1, len(shuffled) // 5)])
    return train[~watched], train[watched]


def _sample(data: TrainingData, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    if len(rows) <= most:
        return rows
    if data.queries is not None:
        return rows[sample_whole(data.queries[rows], most, rng)]
    return np.sort(rng.choice(rows, most, replace=False))
