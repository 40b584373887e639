"""Turn a fitted model of survival into scores, and tell what they mean in time."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin

from models.training.survival import fit_curve


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of predictions, one line a row, where nothing is predicted yet."""
    return pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan})


def learn_interval(actual: np.ndarray, table: pd.DataFrame, features: pd.DataFrame) -> dict[str, float] | None:
    """Give no interval: a score has no unit, and the curve tells the chances over time instead."""
    return None


def predict(model: RegressorMixin, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Predict scores, higher for rows whose event comes sooner; `threshold` has no meaning here and is None."""
    predicted = np.asarray(model.predict(features), dtype="float64")
    return pd.DataFrame({"predicted": predicted}, index=features.index)


def more_about(actual: np.ndarray, table: pd.DataFrame) -> dict[str, Any]:
    """Tell what serving needs to know beyond the scores: what they mean in time, found on out-of-fold scores."""
    seen = table["fold"].to_numpy() >= 0
    return {"survival": fit_curve(actual[seen], table["predicted"].to_numpy(float)[seen])}
