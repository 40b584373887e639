"""What learning from further rows was worth, on rows that neither model learned from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.independent_fits import Clock
from ml_engineer.modelling.fits import predict
from ml_engineer.modelling.training_data import TrainingData
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.verbs.training.further_rows import FurtherPart
from ml_engineer.vocabulary.estimates import Estimate

__all__ = ["Compared", "RowsApart"]

_PROBED_ROWS = 200
_FEWEST_ROWS = 500
"""On fewer, two models are hardly told apart."""
_INTERVAL_SECONDS = 5e-5
"""A row, for the bootstrap of the gain, on a busy machine."""


def _never() -> float:
    return 0.0


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

    def compare(
        self,
        data: TrainingData,
        after: Any,
        before: Any,
        *,
        seed: int,
        until: float = float("inf"),
        clock: Clock = _never,
    ) -> Compared | None:
        """Two fitted models, by the metric of `data`, on as many rows as they can predict by a reading of the clock.

        None if there are no rows, or the metric is undefined on them.

        Raises
        ------
        TimeoutError
            If there is no time to predict enough rows.
        """
        actual = np.concatenate([*self.actual, np.zeros(0)])
        if not len(actual):
            return None
        features, units = pd.concat(self.features), np.concatenate(self.units)
        rows = self._rows_in_time(data.with_features(features.iloc[:_PROBED_ROWS]), before, until=until, clock=clock)
        if rows < min(len(actual), _FEWEST_ROWS):
            msg = f"there was no time to compare the two models on {min(len(actual), _FEWEST_ROWS)} rows"
            raise TimeoutError(msg)
        if rows < len(actual):
            chosen = np.sort(np.random.default_rng(seed).choice(len(actual), rows, replace=False))
            features, actual, units = features.iloc[chosen], actual[chosen], units[chosen]
        here = data.with_features(features)
        clusters = np.unique(units, return_inverse=True)[1]
        then, now = (_outcomes(here, model, actual, clusters) for model in (before, after))
        scores = [metric_value(data.metric, one) for one in (then, now)]
        if not np.isfinite(scores).all():
            return None
        return Compared(len(actual), scores[0], scores[1], gain(data.metric, now, then, seed=seed))

    def _rows_in_time(self, probe: TrainingData, model: Any, *, until: float, clock: Clock) -> int:
        """Rows that two such models can predict by `until`, from what the rows of `probe` take: an average may be slow."""
        available = sum(map(len, self.actual))
        if until == float("inf"):
            return available
        probed, began = len(probe.features), clock()
        predict(model, probe, np.arange(probed))
        now = clock()
        each = 2 * (now - began) / probed + _INTERVAL_SECONDS
        return int(min(max(until - now, 0.0) / each, available))


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
