"""Turn a fitted grouping into answers: the number of the group, and how clearly a row belongs there."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import silhouette_samples
from sklearn.pipeline import Pipeline

from models.training.development import sample_positions

MOST_SILHOUETTES = 2_000  # rows of a fold whose silhouette is computed


def as_table(rows: np.ndarray) -> pd.DataFrame:
    """Make an empty table of answers, one line a row, where nothing was looked at yet."""
    return pd.DataFrame({"row": rows, "fold": -1, "predicted": np.nan, "value": np.nan})


def predict(model: Pipeline, features: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Give the number of the group of each row; `threshold` has no meaning here and is None."""
    return pd.DataFrame({"predicted": np.asarray(model.predict(features), dtype="float64")}, index=features.index)


def judge(model: Pipeline, features: pd.DataFrame, number: int) -> pd.DataFrame:
    """Give the group of rows that the model has not seen, and as ``value`` the silhouette of each (Rousseeuw 1987).

    `number` is the number of their fold; nothing is left to chance here.
    """
    judged = predict(model, features, None)
    labels = judged["predicted"].to_numpy().astype(int)
    prepared = np.asarray(model[:-1].transform(features), dtype=float)
    values = np.full(len(labels), np.nan)
    chosen = sample_positions(len(labels), MOST_SILHOUETTES)
    values[chosen] = 0.0
    if 1 < len(np.unique(labels[chosen])) < len(chosen):
        values[chosen] = silhouette_samples(prepared[chosen], labels[chosen])
    return judged.assign(value=values)


def match(judged: pd.DataFrame, whole: Pipeline, features: pd.DataFrame) -> pd.DataFrame:
    """Give the groups of a fold's model the numbers that the model of all rows has for them, as far as they agree."""
    names, places = np.unique(judged["predicted"].to_numpy().astype(int), return_inverse=True)
    known, others = np.unique(np.asarray(whole.predict(features), dtype=int), return_inverse=True)
    table = np.zeros((len(names), len(known)))
    np.add.at(table, (places, others), 1)
    mine, theirs = linear_sum_assignment(-table)
    number = {int(names[place]): int(known[other]) for place, other in zip(mine, theirs, strict=True)}
    spare = iter(sorted(set(range(len(names) + len(known))) - set(number.values())))
    for name in names:
        if int(name) not in number:
            number[int(name)] = next(spare)
    return judged.assign(predicted=[float(number[int(names[place])]) for place in places])


def clearness(model: Pipeline, features: pd.DataFrame) -> np.ndarray:
    """Say how clearly each row belongs to its group: 0 between two groups, 1 in the middle of its own; NaN if unknown."""
    last, prepared = model[-1], model[:-1].transform(features)
    if hasattr(last, "predict_proba"):
        return np.asarray(last.predict_proba(prepared)).max(axis=1)
    if not hasattr(last, "transform"):
        return np.full(len(features), np.nan)
    distances = np.asarray(last.transform(prepared), dtype=float)
    groups = getattr(last, "subcluster_labels_", np.arange(distances.shape[1]))
    nearest = np.sort(
        np.column_stack([distances[:, groups == group].min(axis=1) for group in np.unique(groups)]), axis=1
    )
    if nearest.shape[1] < 2:
        return np.ones(len(features))
    with np.errstate(invalid="ignore"):  # a value far outside lies infinitely far from every group
        return 1 - nearest[:, 0] / np.maximum(nearest[:, 1], 1e-300)
