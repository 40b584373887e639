"""Probabilities that mean what they say: whether out-of-fold predictions show that a champion's do not, and the mend.

What is learned here is a fixed, increasing map of log-odds with few parameters. It is learned on out-of-fold
predictions, once from all of them for the model on all rows, and for each fold from the predictions of the others: so
that the predictions that are scored were calibrated without knowing what came true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.isotonic import IsotonicRegression

from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.intervals import gain
from ml_engineer.vocabulary.estimates import Estimate

__all__ = ["SMALLEST", "Calibration", "Calibrator", "Method", "choose_calibration", "learn_calibrator"]

Method = Literal["temperature", "sigmoid", "isotonic"]
Floats = npt.NDArray[np.float64]

SMALLEST = 1e-6
"""Probabilities are taken as at least this before their logarithm is."""
_STEEPEST = 20.0
_FEWEST_ROWS, _FEWEST_OF_CLASS, _RAREST_SHARE = 50, 5, 0.002
"""A class must also occur where a sample of 10,000 rows is fitted, so that the model knows as many classes as its map."""
_ISOTONIC_ROWS, _ISOTONIC_OF_CLASS = 5_000, 1_000
"""Isotonic regression has as many parameters as it likes, so it needs rows; fewer, and it fits noise."""
_STEPS = 20
_WORTH = 0.002
"""Share of the log loss that a calibration must save: less is nobody's gain, however sure."""
_REPLICATES = 400
_MOST_ROWS = 50_000
"""As many predictions tell the slope to the third digit."""


@dataclass(frozen=True)
class Calibrator:
    """An increasing map of log-odds (two classes) or of log probabilities (several).

    Parameters
    ----------
    slope, offset : float
        ``slope * x + offset``; below 1 the slope makes an over-confident model humbler.
    levels, values : tuple of float
        Points of an isotonic map, which is straight between them; empty for the others.
    """

    slope: float = 1.0
    offset: float = 0.0
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def apply(self, probabilities: Predictions) -> Predictions:
        """Calibrated probabilities, shape (n, k)."""
        logs = np.log(np.clip(probabilities, SMALLEST, 1.0))
        if logs.shape[1] > 2:
            return np.asarray(softmax(self.slope * logs, axis=1))
        odds = self.mapped(logs[:, 1] - logs[:, 0])
        return np.column_stack([expit(-odds), expit(odds)])

    def mapped(self, odds: Floats) -> Floats:
        """Log-odds after the map, shape (n,)."""
        if self.levels:
            return np.asarray(np.interp(odds, self.levels, self.values))
        return np.asarray(self.slope * odds + self.offset)


@dataclass(frozen=True)
class Calibration:
    """How a champion's probabilities are mended.

    Parameters
    ----------
    method : {'temperature', 'sigmoid', 'isotonic'}
        What kind of map.
    everything : Calibrator
        Learned on all out-of-fold predictions; for the model on all rows.
    by_fold : dict of int to Calibrator
        For each fold, what the predictions of the other folds teach; by time, of the earlier ones.
    gain : Estimate
        Log loss that it saves on rows whose calibrator did not know them, paired.
    """

    method: Method
    everything: Calibrator
    by_fold: dict[int, Calibrator]
    gain: Estimate

    def apply(self, fold: int, probabilities: Predictions) -> Predictions:
        """Calibrated out-of-fold probabilities of a fold."""
        return self.by_fold[fold].apply(probabilities)


def choose_calibration(
    data: TrainingData, predictions: Predictions, folds: Sequence[int], *, seed: int
) -> tuple[Calibration | None, str]:
    """The calibration that helps, if one helps beyond noise.

    Each method is judged by cross-fitting: the predictions of a fold are mapped by what the other folds teach. It is
    taken if the paired 95 % interval of what it saves of the log loss lies above zero, and it saves a five-hundredth.

    Parameters
    ----------
    data : TrainingData
        n development rows; a task with classes.
    predictions : numpy.ndarray of shape (n, k)
        Out of fold, not calibrated; NaN where a row was never predicted.
    folds : sequence of int
        Positions of the folds that they come from.
    seed : int
        Random state of the intervals.

    Returns
    -------
    calibration : Calibration or None
        The best that helps.
    reason : str
        Why this one or none, in one sentence.

    Notes
    -----
    Platt (1999) for sigmoid, here of log-odds, so that it can leave good probabilities as they are; Zadrozny and Elkan
    (2002) for isotonic; Guo et al. (2017) for temperature.
    """
    reason = _why_not(data, predictions, folds)
    if reason:
        return None, f"Probabilities are left as they are: {reason}."
    loss = _log_loss(predictions, data)
    told, helping = [], []
    for method in _methods(data, predictions):
        by_fold, mended = _cross_fitted(method, data, predictions, folds)
        saved = loss - _log_loss(mended, data)
        if saved < _WORTH * loss:
            # Too little, however sure: the interval would decide nothing, and takes most of the time.
            told.append(f"{method} {saved:+.4g}")
            continue
        gained = _gain(mended, predictions, data, seed=seed)
        told.append(f"{method} {gained.value:+.4g} [{gained.low:+.4g}, {gained.high:+.4g}]")
        if gained.low > 0 and gained.value >= _WORTH * loss:
            helping.append((method, by_fold, gained))
    if not helping:
        return None, (
            f"Probabilities are left as they are: no calibration saves log loss beyond noise ({'; '.join(told)})."
        )
    method, by_fold, gained = max(helping, key=lambda one: one[2].value)
    rows = data.predicted_rows(predictions)
    everything = learn_calibrator(method, predictions[rows], data.actual[rows])
    return Calibration(method, everything, by_fold, gained), (
        f"Probabilities are calibrated ({method}): what each saves of the log loss {loss:.4g} is {'; '.join(told)}."
    )


def learn_calibrator(method: Method, probabilities: Predictions, actual: npt.NDArray[np.generic]) -> Calibrator:
    """The map that fits best.

    Parameters
    ----------
    method : {'temperature', 'sigmoid', 'isotonic'}
        The latter two for two classes only.
    probabilities : numpy.ndarray of shape (n, k)
        Of rows that the model was not fitted on.
    actual : numpy.ndarray of shape (n,)
        Class codes.
    """
    chosen = _some(len(actual))
    logs, codes = np.log(np.clip(probabilities[chosen], SMALLEST, 1.0)), actual[chosen].astype(int)
    if logs.shape[1] > 2:
        rows = np.arange(len(codes))
        return Calibrator(_least(lambda x: -log_softmax(x[0] * logs, axis=1)[rows, codes].mean(), start=[1.0])[0])
    odds, sign = logs[:, 1] - logs[:, 0], np.where(codes == 1, 1.0, -1.0)
    if method == "temperature":
        return Calibrator(_least(lambda x: -log_expit(sign * x[0] * odds).mean(), start=[1.0])[0])
    slope, offset = _least(lambda x: -log_expit(sign * (x[0] * odds + x[1])).mean(), start=[1.0, 0.0])
    return Calibrator(slope, offset) if method == "sigmoid" else _isotonic(odds, codes, slope=slope)


def _least(loss: object, *, start: list[float]) -> list[float]:
    """Slope, and offset if there is one, of the least loss; the slope stays positive, so that ranks are kept."""
    bounds = [(1 / _STEEPEST, _STEEPEST), (-_STEEPEST, _STEEPEST)][: len(start)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)  # type: ignore[call-overload]  # a callable
    return [float(value) for value in found.x]


def _isotonic(odds: Floats, codes: npt.NDArray[np.integer], *, slope: float) -> Calibrator:
    """Isotonic regression as a few points, as many rows apart from each other; beyond them it rises as the sigmoid does."""
    steps = IsotonicRegression(out_of_bounds="clip").fit(odds, codes)
    parts = np.array_split(np.sort(odds), _STEPS)
    levels = np.array([part.mean() for part in parts])
    share = np.array([steps.predict(part).mean() for part in parts])
    least = 0.5 / len(parts[0])
    values = np.log(np.clip(share, least, 1 - least)) - np.log1p(-np.clip(share, least, 1 - least))
    levels, first = np.unique(levels, return_index=True)
    values, edge = values[first], -np.log(SMALLEST) + 1.0
    low, high = values[0] + slope * (-edge - levels[0]), values[-1] + slope * (edge - levels[-1])
    return Calibrator(
        levels=tuple(float(one) for one in (-edge, *levels, edge)),
        values=tuple(float(one) for one in (low, *values, high)),
    )


def _why_not(data: TrainingData, predictions: Predictions, folds: Sequence[int]) -> str:
    """Why nothing can be learned; empty if it can."""
    counts = np.bincount(data.actual[data.predicted_rows(predictions)].astype(int), minlength=len(data.classes))
    if len(folds) < 2:
        return "one fold alone cannot teach and judge"
    if counts.sum() < _FEWEST_ROWS or counts.min() < max(_FEWEST_OF_CLASS, _RAREST_SHARE * counts.sum()):
        return f"{counts.sum()} predictions, {counts.min()} of the rarest class, are too few to learn from"
    if any(len(np.unique(data.actual[data.pairs[fold][0]])) < len(data.classes) for fold in folds):
        return "a class is missing from what some fold learns"
    return ""


def _methods(data: TrainingData, predictions: Predictions) -> tuple[Method, ...]:
    if data.task != "binary":
        return ("temperature",)
    counts = np.bincount(data.actual[data.predicted_rows(predictions)].astype(int), minlength=2)
    many = counts.sum() >= _ISOTONIC_ROWS and counts.min() >= _ISOTONIC_OF_CLASS
    return ("temperature", "sigmoid", "isotonic") if many else ("temperature", "sigmoid")


def _cross_fitted(
    method: Method, data: TrainingData, predictions: Predictions, folds: Sequence[int]
) -> tuple[dict[int, Calibrator], Predictions]:
    """The map for each fold, learned on the others, and what the maps make of the predictions."""
    by_fold, mended = {}, np.full_like(predictions, np.nan)
    for fold in folds:
        teachers = [one for one in folds if (one < fold if data.time_order is not None else one != fold)]
        rows = np.concatenate([data.pairs[one][1] for one in teachers]) if teachers else np.empty(0, dtype=int)
        known = len(np.unique(data.actual[rows])) == len(data.classes)
        by_fold[fold] = learn_calibrator(method, predictions[rows], data.actual[rows]) if known else Calibrator()
        test = data.pairs[fold][1]
        mended[test] = by_fold[fold].apply(predictions[test])
    return by_fold, mended


def _gain(mended: Predictions, predictions: Predictions, data: TrainingData, *, seed: int) -> Estimate:
    """Log loss that is saved, paired."""
    judged = _some(len(data.predicted_rows(predictions)))
    before, after = (data.outcomes(values).take(judged) for values in (predictions, mended))
    return gain("log_loss", after, before, replicates=_REPLICATES, seed=seed)


def _some(rows: int) -> npt.NDArray[np.integer]:
    """Positions of at most so many rows as are needed, evenly spread."""
    return np.arange(rows) if rows <= _MOST_ROWS else np.linspace(0, rows - 1, _MOST_ROWS).astype(int)


def _log_loss(predictions: Predictions, data: TrainingData) -> float:
    rows = data.predicted_rows(predictions)
    chosen = predictions[rows, data.actual[rows].astype(int)]
    return float(-np.log(np.clip(chosen, 1e-15, 1.0)).mean())
