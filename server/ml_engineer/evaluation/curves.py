"""The numbers behind the pictures: curves on a coarse grid and bins of many rows, so that no row shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_curve

from ml_engineer.statistics.intervals import wilson
from ml_engineer.statistics.metrics import Outcomes

__all__ = ["Calibration", "Curve", "calibration", "precision_recall", "roc"]

Floats = npt.NDArray[np.float64]

_GRID = np.linspace(0, 1, 51)
_MOST_BINS = 10
_FEWEST_ROWS_PER_BIN = 20


@dataclass(frozen=True)
class Curve:
    """One class against the rest, as a function on [0, 1].

    Parameters
    ----------
    label : str
        The class.
    x, y : numpy.ndarray of shape (g,)
        Grid and values.
    share : float
        Share of rows of the class.
    """

    label: str
    x: Floats
    y: Floats
    share: float


@dataclass(frozen=True)
class Calibration:
    """What was foretold and what came true, in bins of like predictions.

    Parameters
    ----------
    foretold, observed, low, high : numpy.ndarray of shape (b,)
        Mean probability, share that came true, and its 95 % Wilson interval.
    rows : numpy.ndarray of shape (b,)
        Rows in each bin.
    """

    foretold: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: npt.NDArray[np.int64]


def _one_against_rest(outcomes: Outcomes, classes: tuple[str, ...]) -> list[tuple[str, npt.NDArray[np.bool_], Floats]]:
    """Label, membership and probability of each class that has rows inside and outside."""
    if outcomes.probabilities is None:
        return []
    codes = [outcomes.positive] if outcomes.task == "binary" else range(len(classes))
    labelled = outcomes.task == "multilabel"
    members = [(code, outcomes.actual[:, code] == 1 if labelled else outcomes.actual == code) for code in codes]
    return [
        (classes[code], inside, np.asarray(outcomes.probabilities[:, code], dtype=float))
        for code, inside in members
        if 0 < inside.sum() < outcomes.rows
    ]


def roc(outcomes: Outcomes, classes: tuple[str, ...]) -> list[Curve]:
    """Recall as a function of the false-positive rate, per class (binary: the positive one)."""
    curves = []
    for label, inside, scores in _one_against_rest(outcomes, classes):
        alarms, hits, _ = roc_curve(inside, scores)
        # Where the curve rises straight up, the grid takes its top; it starts at 0 all the same.
        values = np.interp(_GRID, *_highest_per_x(alarms, hits))
        curves.append(Curve(label, np.r_[0.0, _GRID], np.r_[0.0, values], float(inside.mean())))
    return curves


def precision_recall(outcomes: Outcomes, classes: tuple[str, ...]) -> list[Curve]:
    """Precision as a function of recall, per class (binary: the positive one)."""
    curves = []
    for label, inside, scores in _one_against_rest(outcomes, classes):
        precision, recall, _ = precision_recall_curve(inside, scores)
        # The best precision that still reaches a recall: the curve itself saws up and down.
        reachable = np.array([precision[recall >= wanted].max() for wanted in _GRID[1:]])
        curves.append(Curve(label, _GRID[1:], reachable, float(inside.mean())))
    return curves


def _highest_per_x(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    last = np.r_[x[1:] != x[:-1], True]
    return x[last], y[last]


def calibration(outcomes: Outcomes) -> Calibration | None:
    """Foretold against observed shares: of the positive class, or of being right where there are several.

    Bins hold equal numbers of rows, at least 20; none if there are too few rows for two bins.
    """
    if outcomes.probabilities is None:
        return None
    if outcomes.task == "binary":
        foretold, came_true = outcomes.probabilities[:, outcomes.positive], outcomes.actual == outcomes.positive
    else:
        foretold = outcomes.probabilities.max(axis=1)
        came_true = outcomes.actual == outcomes.probabilities.argmax(axis=1)
    bins = min(_MOST_BINS, outcomes.rows // _FEWEST_ROWS_PER_BIN)
    edges = np.unique(np.quantile(foretold, np.linspace(0, 1, bins + 1)[1:-1])) if bins >= 2 else np.array([])
    place = np.searchsorted(edges, foretold, side="left")
    filled = [place == number for number in range(len(edges) + 1) if (place == number).any()]
    if len(filled) < 2:
        return None
    shares = [wilson(int(came_true[inside].sum()), int(inside.sum())) for inside in filled]
    return Calibration(
        foretold=np.array([foretold[inside].mean() for inside in filled]),
        observed=np.array([share.value for share in shares]),
        low=np.array([share.low for share in shares]),
        high=np.array([share.high for share in shares]),
        rows=np.array([share.rows for share in shares]),
    )
