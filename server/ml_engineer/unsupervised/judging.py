"""How an option is judged on one fold, and how two fits of it are held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ml_engineer.unsupervised.agreement import prediction_strength, rand, row_silhouettes
from ml_engineer.unsupervised.probes import placement, plant
from ml_engineer.unsupervised.rows import Floats
from ml_engineer.vocabulary.estimates import Metric

__all__ = ["Detectors", "Groupings", "Judge", "Judged", "anomaly_scores", "clearness", "group_labels"]


@dataclass(frozen=True)
class Judged:
    """What a model says of some rows.

    Parameters
    ----------
    answers : numpy.ndarray of shape (n,)
        Group, or anomaly score.
    values : numpy.ndarray of shape (n,)
        What the metric is the mean of; NaN where a row was not looked at.
    parts : dict of str to float
        The metric by kind, where it has several.
    """

    answers: Floats
    values: Floats
    parts: dict[str, float]


class Judge(Protocol):
    """What tells one option from another."""

    @property
    def metric(self) -> Metric:
        """What decides where no anomaly is known."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """What `agreement` measures."""
        ...

    @property
    def told(self) -> str:
        """Text that changes whenever what it says of a model may."""
        ...

    def judge(self, model: Any, features: pd.DataFrame, *, seed: int) -> Judged:
        """Rows that the model has not seen; `seed` is the number of their fold."""
        ...

    def agreement(self, first: Any, second: Any, features: pd.DataFrame) -> list[float]:
        """How far two models agree on rows; `features` are those that the second was fitted on."""
        ...


def group_labels(model: Any, features: pd.DataFrame) -> Floats:
    """Group of each row, as a number."""
    return np.asarray(model.predict(features), dtype=float)


def clearness(model: Any, features: pd.DataFrame) -> Floats:
    """How clearly each row belongs to its group: 0 between two groups, 1 in the middle of its own; NaN if unknown.

    The simplified silhouette, of the distances to the centres; of a mixture, the probability of the group.
    """
    last, prepared = model[-1], model[:-1].transform(features)
    if hasattr(last, "predict_proba"):
        return np.asarray(last.predict_proba(prepared), dtype=float).max(axis=1)
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
        return np.asarray(1 - nearest[:, 0] / np.maximum(nearest[:, 1], 1e-300))


def anomaly_scores(model: Any, features: pd.DataFrame) -> Floats:
    """Anomaly score of each row: higher is more unusual."""
    return -np.asarray(model.score_samples(features), dtype=float)


class Groupings:
    """Judges groupings by the silhouette of rows that did not make them."""

    metric: Metric = "silhouette"
    names: Sequence[str] = ("prediction strength", "adjusted Rand index")
    told = "silhouette"

    def judge(self, model: Pipeline, features: pd.DataFrame, *, seed: int) -> Judged:  # noqa: ARG002 -- as every judge
        """The silhouette of each row, in the space of distances that the model itself works in."""
        labels = group_labels(model, features)
        prepared = np.asarray(model[:-1].transform(features), dtype=float)
        return Judged(labels, row_silhouettes(prepared, labels.astype(int)), {})

    def agreement(self, first: Any, second: Any, features: pd.DataFrame) -> list[float]:
        """Prediction strength of the second's groups under the first, and the adjusted Rand index of both."""
        foreign, own = (group_labels(model, features).astype(int) for model in (first, second))
        return [prediction_strength(own, foreign), rand(own, foreign)]


@dataclass(frozen=True)
class Detectors:
    """Judges detectors by anomalies that are planted among rows that they have not seen.

    Parameters
    ----------
    fraction : float
        Share of rows that is to be flagged.
    """

    fraction: float
    metric: Metric = "planted_roc_auc"
    names: Sequence[str] = ("top overlap",)

    @property
    def told(self) -> str:
        """The share decides how far two detectors agree."""
        return f"{self.metric} {self.fraction!r}"

    def judge(self, model: Any, features: pd.DataFrame, *, seed: int) -> Judged:
        """For each row, how its spoilt copies are ranked among the real rows."""
        scores = anomaly_scores(model, features)
        by_kind = {
            kind: placement(scores, anomaly_scores(model, planted)) for kind, planted in plant(features, seed).items()
        }
        values = np.mean(list(by_kind.values()), axis=0) if by_kind else np.full(len(scores), 0.5)
        return Judged(scores, values, {kind: float(places.mean()) for kind, places in by_kind.items()})

    def agreement(self, first: Any, second: Any, features: pd.DataFrame) -> list[float]:
        """Of the rows that either puts at the top, the share that both do."""
        top = max(1, round(self.fraction * len(features)))
        tops = [set(np.argsort(-anomaly_scores(model, features), kind="stable")[:top]) for model in (first, second)]
        return [len(tops[0] & tops[1]) / top]
