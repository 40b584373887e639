"""What turns a probability into a decision and a number into a range, from out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.conformal import (
    constant_width,
    covered_out_of_fold,
    judge_widths,
    learn_interval,
    seconds_for_widths,
)
from ml_engineer.statistics.intervals import share_of_rows
from ml_engineer.statistics.label_metrics import best_threshold
from ml_engineer.statistics.label_sets import USUAL_THRESHOLD
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.training import PredictionInterval

__all__ = ["Threshold", "choose_threshold", "prediction_interval", "seconds_by_features"]


_OF_CHOSEN: frozenset[Metric] = frozenset({"f1", "micro_f1", "jaccard"})
"""Metrics of chosen labels that reward finding them; above one half there are fewest mistakes, not most finds."""


@dataclass(frozen=True)
class Threshold:
    """Probability from which the positive class is called, and how it was chosen; no value if there is none."""

    value: float | None
    reason: str = ""


def choose_threshold(data: TrainingData, predictions: Predictions) -> Threshold:
    """The threshold of a binary task, or the one from which labels are chosen where a row may have several.

    With costs, the one with the least cost over all out-of-fold predictions; where several cost the same, the one
    nearest to the threshold that is right for true probabilities, ``false_positive / (false_positive +
    false_negative)`` (Elkan 2001, The foundations of cost-sensitive learning).
    """
    if data.task == "multilabel":
        return _for_labels(data, predictions)
    if data.task != "binary":
        return Threshold(None)
    if data.costs is None:
        return Threshold(0.5, "0.5: the likelier class is called, because no costs of errors were given")
    costs = data.costs
    total = costs.false_positive + costs.false_negative
    right = costs.false_positive / total if total else 0.5
    rows = data.predicted_rows(predictions)
    scores = predictions[rows, data.positive]
    positive = data.actual[rows] == data.positive
    levels, place = np.unique(scores, return_inverse=True)
    positives = np.bincount(place, weights=positive, minlength=len(levels))
    negatives = np.bincount(place, weights=~positive, minlength=len(levels))
    # Calling everything from level i on: misses are the positives below, alarms the negatives from there on.
    misses = np.concatenate([[0.0], np.cumsum(positives)])
    alarms = negatives.sum() - np.concatenate([[0.0], np.cumsum(negatives)])
    cost = misses * costs.false_negative + alarms * costs.false_positive
    cuts = np.concatenate([[0.0], (levels[:-1] + levels[1:]) / 2, [(levels[-1] + 1) / 2]])
    # A threshold is at most 1, so a row with probability 1 is always called.
    possible = cuts > np.concatenate([[-1.0], levels])
    best = np.flatnonzero(possible & (cost <= cost[possible].min() + 1e-12))
    chosen = float(cuts[best[np.argmin(np.abs(cuts[best] - right))]])
    return Threshold(
        chosen,
        f"{chosen:.4g}: least cost over {len(rows)} out-of-fold predictions, with {costs.false_positive:g} a false "
        f"alarm and {costs.false_negative:g} a miss ({right:.4g} would be right if the probabilities were exact)",
    )


def _for_labels(data: TrainingData, predictions: Predictions) -> Threshold:
    """The one with the best F1 where F1, or Jaccard's coefficient which rises with it, decides; else one half."""
    rows = data.predicted_rows(predictions)
    if data.metric not in _OF_CHOSEN or not len(rows):
        return Threshold(USUAL_THRESHOLD, "0.5: a label is chosen where it is likelier than not")
    macro = data.metric == "f1"
    cut, worth = best_threshold(data.actual[rows], predictions[rows], macro=macro)
    what = "mean F1 of the labels" if macro else "F1 over all labels"
    return Threshold(cut, f"{cut:.2g}: the best {what}, {worth:.3g}, over {len(rows)} out-of-fold predictions")


def prediction_interval(
    data: TrainingData, predictions: Predictions, *, level: float = 0.9, seed: int = 0, by_features: bool = True
) -> PredictionInterval | None:
    """How wide prediction intervals are, with what they cover out of fold; None for classes and for too few rows.

    Rankings and survival have none either, for their scores have no unit, and quantiles, which are an end of an interval themselves.
    See `ml_engineer.statistics.conformal` for the method.

    Parameters
    ----------
    data : TrainingData
        Development rows with their folds.
    predictions : numpy.ndarray of shape (n,)
        Out of fold; NaN where a row was never predicted.
    level : float
        Share of outcomes that the intervals are to hold.
    seed : int
        Random state of the coverage's interval.
    by_features : bool
        Whether widths may follow the features too, where that pays.
    """
    if not _has_interval(data):
        return None
    rows = data.predicted_rows(predictions)
    actual, predicted, folds = data.actual[rows].astype(float), predictions[rows], data.fold_of_rows[rows]
    features = data.features.iloc[rows] if by_features else None
    judged = None
    if features is not None:
        judged = judge_widths(actual, predicted, folds, level=level, features=features)
    rule = learn_interval(actual, predicted, folds, level=level, features=features, judged=judged)
    if rule is None:
        return None
    if rule.spread is None:
        judged = None
    shown = np.arange(len(rows)) if judged is None else judged.rows
    low, high = rule.ends(predicted[shown], None if judged is None else data.features.iloc[rows[shown]])
    covered = covered_out_of_fold(actual, predicted, folds, level=level, judged=judged)
    outcomes = data.outcomes_of(rows[shown], predictions[rows[shown]])
    return PredictionInterval(
        level=level,
        at=tuple(rule.at.tolist()),
        below=tuple(rule.below.tolist()),
        above=tuple(rule.above.tolist()),
        least=rule.least,
        spread=rule.spread,
        coverage=None if covered is None else share_of_rows(covered[0], outcomes, seed=seed),
        mean_width=float((high - low).mean()),
        constant_width=constant_width(actual, predicted, level=level),
    )


def seconds_by_features(data: TrainingData) -> float:
    """What `prediction_interval` takes of a processor for widths that follow the features; 0 where there is none."""
    return seconds_for_widths(data.rows, len(data.pairs)) if _has_interval(data) else 0.0


def _has_interval(data: TrainingData) -> bool:
    return data.task == "regression" and not data.by_order and data.quantile is None
