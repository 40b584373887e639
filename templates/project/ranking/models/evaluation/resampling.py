"""How sure a score is: intervals from resampling whole queries."""

import numpy as np
import pandas as pd

from models.evaluation.metrics import METRICS, by_query
from models.training.development import query_numbers

LEVEL = 0.95


def clusters_of(rows: pd.DataFrame) -> np.ndarray:
    """Number the queries."""
    return query_numbers(rows)


def intervals(
    actual: np.ndarray, table: pd.DataFrame, clusters: np.ndarray, *, replicates: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Score every metric, with a percentile interval from resampling queries; `clusters` numbers them."""
    rng = np.random.default_rng(seed)
    outcome = np.column_stack([actual[:, 0], clusters])
    results = {}
    for name in METRICS:
        values = np.array(list(by_query(name, outcome, table["predicted"].to_numpy(float)).values()))
        if not len(values):
            continue
        means = values[rng.integers(len(values), size=(replicates, len(values)))].mean(axis=1)
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        value = float(values.mean())
        results[name] = {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
    return results
