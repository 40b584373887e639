"""Anomalies that are planted among real rows, so that detectors can be told apart where nobody knows the true ones.

Whether real anomalies look like these, no number can say.
"""

import numpy as np
import pandas as pd


def plant(features: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Spoil every row, once in each of the ways that the columns allow.

    Mixed rows take each value from another row, or a third of them, so that columns no longer go together; far values
    move one number away by six standard deviations.
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


def placement(scores: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """Give, for each planted row, the share of real rows that score lower, ties by half; their mean is the ROC AUC."""
    ordered = np.sort(scores)
    below = np.searchsorted(ordered, planted, side="left") + np.searchsorted(ordered, planted, side="right")
    return below / (2 * len(ordered))
