"""Scores of survival in time: chances of no event yet, groups by risk, and rows that surprised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.survival_curves import judged_times, kaplan_meier, median_times, split_times, survival_at
from ml_engineer.vocabulary.evaluation import WorstRow
from ml_engineer.vocabulary.survival import SurvivalCurve

__all__ = ["RiskGroup", "by_risk", "find_surprises", "in_time", "same_for_all"]

Floats = npt.NDArray[np.float64]

_NAMES = ("highest third of risk", "middle third", "lowest third")


@dataclass(frozen=True)
class RiskGroup:
    """Rows of alike risk.

    Parameters
    ----------
    name : str
        Which they are.
    rows : int
        How many.
    times, observed, predicted : numpy.ndarray of shape (m,)
        Share without the event by each time: as it came, and on average as it was told.
    """

    name: str
    rows: int
    times: Floats
    observed: Floats
    predicted: Floats


def in_time(outcomes: Outcomes, curve: SurvivalCurve) -> Outcomes:
    """The outcomes with the chance of no event by each time that the curve is judged at."""
    at = judged_times(curve)
    survival = survival_at(curve, outcomes.predicted.astype(float), at)
    return replace(outcomes, probabilities=survival, horizons=tuple(at.tolist()))


def same_for_all(outcomes: Outcomes, development_actual: npt.NDArray[np.generic]) -> Outcomes:
    """What the naive rule says of the same rows: for all of them Kaplan and Meier's curve of the development rows."""
    curve = kaplan_meier(*split_times(development_actual), np.array(outcomes.horizons))
    survival = np.tile(curve, (outcomes.rows, 1))
    return replace(outcomes, predicted=np.zeros(outcomes.rows), probabilities=survival)


def by_risk(outcomes: Outcomes) -> tuple[RiskGroup, ...]:
    """Thirds of the rows by score, the riskiest first; aggregates, so that held-out rows may be drawn."""
    assert outcomes.probabilities is not None
    at = np.array(outcomes.horizons)
    times, events = split_times(outcomes.actual)
    order = np.argsort(-outcomes.predicted.astype(float), kind="stable")
    return tuple(
        RiskGroup(
            name,
            len(rows),
            at,
            kaplan_meier(times[rows], events[rows], at),
            np.asarray(outcomes.probabilities[rows].mean(axis=0)),
        )
        for name, rows in zip(_NAMES, np.array_split(order, len(_NAMES)), strict=True)
        if len(rows)
    )


def find_surprises(
    outcomes: Outcomes, row_numbers: npt.NDArray[np.integer], curve: SurvivalCurve, *, most: int = 10
) -> tuple[WorstRow, ...]:
    """The rows whose outcome was least likely: an event although it was told to be late, or none although it was told soon.

    Parameters
    ----------
    outcomes : Outcomes
        Out-of-fold scores of n development rows; never held-out rows.
    row_numbers : numpy.ndarray of shape (n,)
        Row number in the source.
    curve : SurvivalCurve
        What scores mean in time.
    most : int
        How many to give.
    """
    times, events = split_times(outcomes.actual)
    scores = outcomes.predicted.astype(float)
    # The chance of what happened, of each row at its own time.
    still = np.array([survival_at(curve, scores[[row]], times[[row]])[0, 0] for row in range(outcomes.rows)])
    surprise = np.where(events, still, 1 - still)
    medians = median_times(curve, scores)
    worst = np.argsort(-surprise, kind="stable")[:most]
    return tuple(
        WorstRow(
            row=int(row_numbers[row]),
            actual=f"{'event at' if events[row] else 'followed without to'} {times[row]:.6g}",
            predicted="median beyond the data" if np.isnan(medians[row]) else f"median {medians[row]:.6g}",
            error=float(surprise[row]),
        )
        for row in worst
    )
