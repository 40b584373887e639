"""Development rows and the stored folds. Nothing is learned from a target here; known anomalies only judge."""

from pathlib import Path

import numpy as np
import pandas as pd

from data.features.contract import PROBLEM

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT = ROOT / "data" / "processed" / "development.parquet"
FOLDS = ROOT / "data" / "processed" / "folds.parquet"
MOST_ROWS = 5_000  # that are looked at in cross-validation: more take time and change little


def load_development() -> tuple[pd.DataFrame, np.ndarray]:
    """Load the cleaned development rows and the fold number of each."""
    rows = pd.read_parquet(DEVELOPMENT)
    folds = pd.read_parquet(FOLDS)
    if not np.array_equal(folds["row"].to_numpy(), rows.index.to_numpy()):
        raise ValueError(f"{DEVELOPMENT.name} and {FOLDS.name} do not hold the same rows: frame the problem again")
    return rows, folds["fold"].to_numpy()


def sample_positions(rows: int, most: int = MOST_ROWS) -> np.ndarray:
    """Give the positions of at most `most` of `rows` rows, sorted; the same ones each time."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def learned_target(rows: pd.DataFrame) -> np.ndarray:
    """Give what models are handed as a target: the same for every row, for there is none."""
    return np.zeros(len(rows))


def scored_target(rows: pd.DataFrame) -> np.ndarray:
    """Give 1 for known anomalies, 0 for rows known to be usual, NaN where nobody knows."""
    if not PROBLEM.target:
        return np.full(len(rows), np.nan)
    values = rows[PROBLEM.target]
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")  # whole numbers with gaps: 1, not 1.0
    known = values.dropna().astype(str)
    marks = (known == str(PROBLEM.positive_class)).astype(float).reindex(rows.index)
    # Where only anomalies are marked, all other rows count as usual.
    return (marks.fillna(0.0) if known.nunique() == 1 else marks).to_numpy()


def fold_pairs(folds: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """List each fold's number with the positions to fit on and to judge on.

    Where rows have an order in time, a fold is judged by a model of earlier folds only, and the first one never is.
    """
    numbers = sorted(int(number) for number in np.unique(folds) if number >= 0)
    if PROBLEM.split != "time":
        return [(k, np.flatnonzero((folds != k) & (folds >= 0)), np.flatnonzero(folds == k)) for k in numbers]
    return [(k, np.flatnonzero((folds < k) & (folds >= 0)), np.flatnonzero(folds == k)) for k in numbers[1:]]
