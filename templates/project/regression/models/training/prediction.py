"""Turn a fitted regressor into predictions."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin

from models.training.intervals import interval_ends, learn_interval

__all__ = ["as_table", "interval_ends", "learn_interval", "predict"]


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of predictions, one line a row, where nothing is predicted yet."""
    return pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan})


def predict(model: RegressorMixin, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Predict numbers; `threshold` has no meaning here and is None."""
    predicted = np.asarray(model.predict(features), dtype="float64")
    return pd.DataFrame({"predicted": predicted}, index=features.index)


def more_about(_: np.ndarray, __: pd.DataFrame) -> dict[str, Any]:
    """Tell what serving needs to know beyond the predictions: nothing."""
    return {}
