"""What learning from further rows was worth, on rows that neither model learned from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.modelling.fits import predict
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.verbs.training.further_rows import FurtherPart
from ml_engineer.vocabulary.estimates import Estimate

__all__ = ["Compared", "RowsApart"]


@dataclass(frozen=True)
class Compared:
    """Two models on the same rows: the metric before and after, and the paired gain; positive is better."""

    rows: int
    before: float
    after: float
    gain: Estimate


@dataclass
class RowsApart:
    """Further rows that nothing learns from: features, class codes or numbers, and units, part after part."""

    features: list[pd.DataFrame] = field(default_factory=list)
    actual: list[npt.NDArray[np.float64]] = field(default_factory=list)
    units: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    def add(self, features: pd.DataFrame, part: FurtherPart, chosen: npt.NDArray[np.bool_]) -> None:
        """Set the `chosen` rows (n,) of a part apart."""
        self.features.append(features[chosen])
        self.actual.append(part.actual[chosen])
        self.units.append(part.units[chosen])

    def compare(self, data: TrainingData, after: Any, before: Any, *, seed: int) -> Compared | None:
        """Two fitted models, by the metric of `data`; None if there are no rows or the metric is undefined on them."""
        actual = np.concatenate([*self.actual, np.zeros(0)])
        if not len(actual):
            return None
        here = data.with_features(pd.concat(self.features))
        units = np.unique(np.concatenate(self.units), return_inverse=True)[1]
        then, now = (_outcomes(here, model, actual, units) for model in (before, after))
        scores = [metric_value(data.metric, one) for one in (then, now)]
        if not np.isfinite(scores).all():
            return None
        return Compared(len(actual), scores[0], scores[1], gain(data.metric, now, then, seed=seed))


def _outcomes(
    data: TrainingData, model: Any, actual: npt.NDArray[np.float64], units: npt.NDArray[np.integer]
) -> Outcomes:
    """What a model says of rows apart, whose features `data` holds."""
    predictions = predict(model, data, np.arange(len(actual)))
    classes = data.task != "regression"
    return Outcomes(
        data.task,
        actual.astype("int64") if classes else actual,
        data.labels(predictions) if classes else predictions,
        probabilities=predictions if classes else None,
        n_classes=len(data.classes),
        positive=data.positive if data.task == "binary" else 1,
        costs=data.costs,
        clusters=None if units.max() + 1 == len(units) else units,
        named=data.named,
        quantile=data.quantile,
    )
