"""The development rows that the model got most wrong, out of fold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.evaluation import WorstRow

__all__ = ["find_worst_rows", "row_errors"]


def row_errors(outcomes: Outcomes) -> npt.NDArray[np.float64]:
    """Absolute error, or one minus the probability given to the actual class (1 or 0 without probabilities), (n,).

    Of several labels a row, the mean of these over labels: of having a label it has, and of not having one it has not.
    """
    if outcomes.task == "multilabel":
        said = outcomes.predicted if outcomes.probabilities is None else outcomes.probabilities
        return np.asarray(np.abs(np.asarray(said, dtype=float) - outcomes.actual).mean(axis=1))
    if outcomes.task == "regression":
        return np.asarray(np.abs(outcomes.predicted.astype(float) - outcomes.actual.astype(float)))
    if outcomes.probabilities is None:
        return np.asarray(outcomes.predicted != outcomes.actual, dtype=float)
    return np.asarray(1 - outcomes.probabilities[np.arange(outcomes.rows), outcomes.actual.astype(int)], dtype=float)


def find_worst_rows(
    outcomes: Outcomes, row_numbers: npt.NDArray[np.integer], classes: tuple[str, ...], *, most: int = 10
) -> tuple[WorstRow, ...]:
    """The rows with the largest errors, worst first.

    Parameters
    ----------
    outcomes : Outcomes
        Out-of-fold predictions of n development rows; never held-out rows.
    row_numbers : numpy.ndarray of shape (n,)
        Row number in the source.
    classes : tuple of str
        Class labels; empty for regression.
    most : int
        How many to give.
    """
    errors = row_errors(outcomes)
    order = np.argsort(-errors, kind="stable")[:most]
    return tuple(
        WorstRow(
            row=int(row_numbers[place]),
            actual=_as_text(outcomes.actual[place], classes),
            predicted=_as_text(outcomes.predicted[place], classes),
            error=float(errors[place]),
        )
        for place in order
    )


def _as_text(value: npt.NDArray[np.generic] | np.generic, classes: tuple[str, ...]) -> str:
    if isinstance(value, np.ndarray):
        return ", ".join(label for label, has in zip(classes, value, strict=True) if has) or "(no label)"
    return classes[int(value)] if classes else f"{float(value):.6g}"
