"""Turn a fitted detector into answers: an anomaly score for each row, higher for rows less like the others."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from models.evaluation.probes import placement, plant


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of answers, one line a row, where nothing was looked at yet."""
    return pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan, "value": np.nan})


def predict(model: Pipeline, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Give the anomaly score of each row; what `threshold` makes of it is the service's business."""
    return pd.DataFrame({"predicted": scores(model, features)}, index=features.index)


def scores(model: Pipeline, features: pd.DataFrame) -> np.ndarray:
    """Give the anomaly score of each row."""
    return -np.asarray(model.score_samples(features), dtype="float64")


def judge(model: Pipeline, features: pd.DataFrame, number: int) -> pd.DataFrame:
    """Score rows that the model has not seen; ``value`` says how each row's spoilt copies rank among the real rows.

    `number` is the number of their fold: it seeds how rows are spoilt.
    """
    judged = predict(model, features, None)
    own = judged["predicted"].to_numpy()
    values = [placement(own, scores(model, planted)) for planted in plant(features, number).values()]
    return judged.assign(value=np.mean(values, axis=0) if values else 0.5)


def match(judged: pd.DataFrame, whole: Pipeline, features: pd.DataFrame) -> pd.DataFrame:
    """Give the scores as they are: those of several models are compared as they come."""
    return judged
