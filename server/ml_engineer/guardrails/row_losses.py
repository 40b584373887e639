"""What a model's predictions cost row by row, beside a constant: the measure under the checks of fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.guardrails.evidence import Evidence

__all__ = ["RowLosses", "constant_losses", "row_losses"]

Floats = npt.NDArray[np.float64]

_SURE = 1e-4
"""Probabilities are kept this far from 0 and 1, so that one sure mistake does not decide a mean."""


@dataclass(frozen=True)
class RowLosses:
    """Losses of m rows: log loss for classes with probabilities, 0 or 1 without, squared error for numbers.

    Parameters
    ----------
    positions : numpy.ndarray of shape (m,)
        Which rows of the frame.
    losses : numpy.ndarray of shape (m,)
        Loss of each.
    constant : numpy.ndarray of shape (m,)
        Loss of saying the same of all rows: the class shares, or the mean.
    predicted : numpy.ndarray of shape (m,)
        Numbers or class codes.
    probabilities : numpy.ndarray of shape (m, k) or None
        Where the task has them.
    """

    positions: npt.NDArray[np.intp]
    losses: Floats
    constant: Floats
    predicted: Floats
    probabilities: Floats | None

    @property
    def skill(self) -> float:
        """Share of the constant's loss that the model takes away; 1 is faultless, 0 no better than a constant."""
        usual = float(self.constant.mean())
        return 1 - float(self.losses.mean()) / usual if usual > 0 else 0.0


def row_losses(evidence: Evidence, predictions: pd.DataFrame) -> RowLosses:
    """Losses of the rows that `predictions` (with columns as in `Evidence.predictions`) answers for."""
    table = predictions if "fold" not in predictions.columns else predictions[predictions["fold"] >= 0]
    table = table[table["row"].isin(evidence.frame.index)]
    positions = evidence.frame.index.get_indexer(pd.Index(table["row"]))
    columns = [f"p{code}" for code in range(len(evidence.problem.classes))]
    known = bool(columns) and set(columns) <= set(table.columns)
    probabilities = table[columns].to_numpy(dtype=float) if known else None
    predicted = table["predicted"].to_numpy(dtype=float)
    if not evidence.target.classes:
        actual = evidence.frame[evidence.problem.target].to_numpy(dtype=float)[positions]
        losses = (actual - predicted) ** 2
    else:
        actual = evidence.target.values[positions]
        if probabilities is None:
            losses = (actual != predicted).astype(float)
        else:
            losses = -np.log(np.clip(probabilities[np.arange(len(actual)), actual], _SURE, 1))
    share = probabilities is not None or not evidence.target.classes
    return RowLosses(
        np.asarray(positions, dtype=np.intp),
        losses,
        constant_losses(actual, evidence.target.classes, graded=share),
        predicted,
        probabilities,
    )


def constant_losses(actual: npt.NDArray[np.generic], classes: int, *, graded: bool = True) -> Floats:
    """Loss of each row if all were given the class shares (or, ungraded, the commonest class), or the mean."""
    if not classes:
        numbers = actual.astype(float)
        squared: Floats = (numbers - numbers.mean()) ** 2
        return squared
    counts = np.bincount(actual.astype(np.intp), minlength=classes)
    if not graded:
        missed: Floats = (actual != counts.argmax()).astype(float)
        return missed
    surprise: Floats = -np.log(np.clip(counts / max(len(actual), 1), _SURE, 1))[actual.astype(np.intp)]
    return surprise
