"""How sure a score is: intervals from resampling whole clusters of rows."""

import numpy as np
import pandas as pd

from data.features.contract import PROBLEM
from models.evaluation.metrics import METRICS, score

LEVEL = 0.95


def clusters_of(rows: pd.DataFrame) -> np.ndarray:
    """Number the pieces that are resampled whole: groups, stretches of time, or single rows."""
    if PROBLEM.group_columns:
        keys = rows[PROBLEM.group_columns]
        codes = keys.groupby(PROBLEM.group_columns, sort=False, dropna=False).ngroup().to_numpy(copy=True)
        # A row without a key is a group of its own.
        lonely = keys.isna().any(axis=1).to_numpy()
        codes[lonely] = codes.max(initial=0) + 1 + np.arange(lonely.sum())
        return codes
    if PROBLEM.split == "time" and PROBLEM.time_column is not None:
        order = rows[PROBLEM.time_column].rank(method="first").to_numpy(float)
        stretch = max(1, round(len(rows) ** (1 / 3)))  # neighbours in time depend on each other
        return (np.nan_to_num(order) // stretch).astype("int64")
    return np.arange(len(rows))


def intervals(
    actual: np.ndarray, table: pd.DataFrame, clusters: np.ndarray, *, replicates: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Score every metric, with a percentile interval from resampling whole clusters."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(clusters == cluster) for cluster in np.unique(clusters)]
    samples: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(replicates):
        drawn = rng.integers(len(members), size=len(members))
        chosen = np.concatenate([members[cluster] for cluster in drawn])
        outcome, predicted = actual[chosen], table.iloc[chosen]
        for name, values in samples.items():
            values.append(score(name, outcome, predicted))
    results = {}
    for name, values in samples.items():
        value = score(name, actual, table)
        known = [one for one in values if np.isfinite(one)]
        if np.isfinite(value) and known:
            low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            results[name] = {"value": value, "low": float(low), "high": float(high)}
    return results
