"""Development rows, their relevance and queries, and the stored folds."""

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


def query_numbers(rows: pd.DataFrame) -> np.ndarray:
    """Number the queries in the order in which they come; a row without a key is a query of its own."""
    keys = rows[PROBLEM.group_columns]
    numbers = keys.groupby(PROBLEM.group_columns, sort=False, dropna=False).ngroup().to_numpy(copy=True)
    lonely = keys.isna().any(axis=1).to_numpy()
    numbers[lonely] = numbers.max(initial=0) + 1 + np.arange(lonely.sum())
    return numbers


def learned_target(rows: pd.DataFrame) -> np.ndarray:
    """Give what is learned of each row, in two columns: its relevance, and the number of its query."""
    return np.column_stack([rows[PROBLEM.target].to_numpy("float64"), query_numbers(rows)])


def scored_target(rows: pd.DataFrame) -> np.ndarray:
    """Give what an order is scored by: the same two columns."""
    return learned_target(rows)


def row_weights(_: pd.DataFrame) -> np.ndarray | None:
    """Give no weights: every query counts the same."""
    return None


def fold_pairs(folds: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """List each fold's number with the positions to train on and to predict; a query lies in one fold."""
    numbers = sorted(int(number) for number in np.unique(folds) if number >= 0)
    return [(k, np.flatnonzero((folds != k) & (folds >= 0)), np.flatnonzero(folds == k)) for k in numbers]
