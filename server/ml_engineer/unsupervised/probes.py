"""Anomalies that are planted among real rows, so that detectors can be told apart where nobody knows the true ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_engineer.unsupervised.rows import Floats

__all__ = ["PROBES", "placement", "plant"]

PROBES = {
    "mixed rows": "each value taken from another row, so that only the way columns go together is wrong",
    "a third mixed": "a third of the values taken from other rows",
    "far values": "one number moved away by six standard deviations",
}
"""Kinds of planted rows, and what they are."""


def plant(features: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Spoil every row, once in each of the ways that the columns allow.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, d)
        Real rows.
    seed : int
        Random state: the same rows are spoilt in the same way.
    """
    rng = np.random.default_rng(seed)
    rows = len(features)
    planted: dict[str, pd.DataFrame] = {}
    if features.shape[1] > 1:
        mixed = features.copy()
        partly = features.copy()
        for name in features.columns:
            mixed[name] = features[name].to_numpy()[rng.permutation(rows)]
            other = features[name].to_numpy()[rng.permutation(rows)]
            partly[name] = features[name].where(rng.random(rows) > 1 / 3, pd.Series(other, index=features.index))
        planted |= {"mixed rows": mixed, "a third mixed": partly}
    numbers = [name for name in features.columns if features[name].dtype.kind in "if"]
    if numbers:
        far = features.astype(dict.fromkeys(numbers, "float64"))
        places = rng.integers(0, len(numbers), rows)
        signs = rng.choice([-6.0, 6.0], rows)
        for place, name in enumerate(numbers):
            moved = far[name] + signs * max(float(far[name].std()), 1e-9)
            far[name] = far[name].where(places != place, moved)
        planted["far values"] = far
    return planted


def placement(scores: Floats, planted: Floats) -> Floats:
    """For each planted row, the share of real rows that score lower (ties count half); their mean is the ROC AUC.

    Parameters
    ----------
    scores : numpy.ndarray of shape (n,)
        Anomaly scores of real rows.
    planted : numpy.ndarray of shape (m,)
        Anomaly scores of planted rows.
    """
    ordered = np.sort(scores)
    below = np.searchsorted(ordered, planted, side="left") + np.searchsorted(ordered, planted, side="right")
    return np.asarray(below / (2 * len(ordered)))
