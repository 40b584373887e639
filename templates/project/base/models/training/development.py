"""Development rows, their target, and the stored folds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from data.features.contract import PROBLEM

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT = ROOT / "data" / "processed" / "development.parquet"
FOLDS = ROOT / "data" / "processed" / "folds.parquet"


def load_development() -> tuple[pd.DataFrame, np.ndarray]:
    """Load the cleaned development rows and the fold number of each."""
    rows = pd.read_parquet(DEVELOPMENT)
    folds = pd.read_parquet(FOLDS)
    if not np.array_equal(folds["row"].to_numpy(), rows.index.to_numpy()):
        raise ValueError(f"{DEVELOPMENT.name} and {FOLDS.name} do not hold the same rows: frame the problem again")
    return rows, folds["fold"].to_numpy()


def learned_target(rows: pd.DataFrame) -> np.ndarray:
    """Give the target as models learn it: labels as they stand in the data, places of ordered levels, or numbers.

    Where a row may have several labels, 1 and 0 for each, of shape (n, k).
    """
    values = rows[PROBLEM.target].to_numpy()
    if PROBLEM.task == "multilabel":
        return _membership(values)
    if PROBLEM.task == "ordinal":
        return _codes(values)
    return values if PROBLEM.classes else values.astype("float64")


def row_weights(rows: pd.DataFrame) -> np.ndarray | None:
    """Give what each row counts for in fitting, 1 on average over these rows; None if all count the same."""
    if PROBLEM.weight_column is None:
        return None
    weights = rows[PROBLEM.weight_column].to_numpy("float64")
    return weights / weights.mean()


def scored_target(rows: pd.DataFrame) -> np.ndarray:
    """Give the target as metrics take it: class codes, or numbers; of several labels a row 1 and 0 for each."""
    if PROBLEM.task == "multilabel":
        return learned_target(rows)
    return _codes(rows[PROBLEM.target].to_numpy()) if PROBLEM.classes else learned_target(rows)


def _codes(values: np.ndarray) -> np.ndarray:
    code = {label: number for number, label in enumerate(PROBLEM.classes)}
    return np.array([code[str(value)] for value in values], dtype="int64")


def _membership(values: np.ndarray) -> np.ndarray:
    """Tell which row has which label: cells hold JSON lists of labels."""
    code = {label: number for number, label in enumerate(PROBLEM.classes)}
    has = np.zeros((len(values), len(PROBLEM.classes)), dtype="int64")
    for row, cell in enumerate(values):
        has[row, [code[label] for label in json.loads(cell)]] = 1
    return has


def fold_pairs(folds: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """List each fold's number with the positions to train on and to predict.

    Where rows have an order in time, a fold is predicted from earlier folds only, and the first one never is.
    """
    numbers = sorted(int(number) for number in np.unique(folds) if number >= 0)
    if PROBLEM.split != "time":
        return [(k, np.flatnonzero((folds != k) & (folds >= 0)), np.flatnonzero(folds == k)) for k in numbers]
    return [(k, np.flatnonzero((folds < k) & (folds >= 0)), np.flatnonzero(folds == k)) for k in numbers[1:]]
