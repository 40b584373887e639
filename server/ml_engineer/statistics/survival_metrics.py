"""What predictions of survival are worth, as functions of row weights.

Times are signed: the time of the event, or minus the time up to which a row was followed without one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.survival_curves import kaplan_meier, split_times

__all__ = ["brier_by_row", "concordance"]

Floats = npt.NDArray[np.float64]
Weighted = Callable[[Floats], Floats]

_TIED = 1e-8
_CELLS = 4_000_000


def concordance(signed: npt.NDArray[np.generic], scores: Floats) -> Weighted:
    """Harrell's concordance: of two rows of which one surely had the event first, how often it has the higher score.

    Parameters
    ----------
    signed : numpy.ndarray of shape (n,)
        Signed times.
    scores : numpy.ndarray of shape (n,)
        Higher means sooner; equal scores count half.

    Returns
    -------
    callable
        Weights of shape (r, n) to values of shape (r,); NaN where no two rows can be compared. With all weights equal
        the value is exact; otherwise it is that of the first-order expansion around equal weights (Hájek's projection
        of the two sums over pairs), which needs no pass over the pairs per replicate.

    References
    ----------
    F. E. Harrell, K. L. Lee and D. B. Mark (1996), Multivariable prognostic models.
    """
    right, comparable = _by_row(*split_times(signed), scores)
    pairs, agreeing = comparable.sum() / 2, right.sum() / 2

    def compute(weights: Floats) -> Floats:
        mean = np.maximum(weights.mean(axis=1), 1e-300)
        below, above = weights @ comparable / mean - pairs, weights @ right / mean - agreeing
        values: Floats = np.divide(above, below, out=np.full(len(weights), np.nan), where=below > 0)
        return np.clip(values, 0.0, 1.0)

    return compute


def _by_row(times: Floats, events: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Agreeing and comparable pairs that each row is part of, both of shape (n,)."""
    rows = len(times)
    right, comparable = np.zeros(rows), np.zeros(rows)
    firsts = np.flatnonzero(events)
    for chunk in np.array_split(firsts, max(1, len(firsts) * rows // _CELLS)):
        later = (times[None, :] > times[chunk, None]) | ((times[None, :] == times[chunk, None]) & ~events[None, :])
        difference = scores[chunk, None] - scores[None, :]
        agree = np.where(np.abs(difference) <= _TIED, 0.5, (difference > 0).astype(float)) * later
        comparable[chunk] += later.sum(axis=1)
        comparable += later.sum(axis=0)
        right[chunk] += agree.sum(axis=1)
        right += agree.sum(axis=0)
    return right, comparable


def brier_by_row(signed: npt.NDArray[np.generic], survival: Floats, at: Floats) -> Floats:
    """Each row's part of the integrated Brier score, shape (n,); their mean is the score.

    Rows that were lost from sight count by those like them that were not: weights are one over the chance of being
    followed so long, by Kaplan and Meier's curve of the follow-up (Graf, Schmoor, Sauerbrei and Schumacher 1999).

    Parameters
    ----------
    signed : numpy.ndarray of shape (n,)
        Signed times.
    survival : numpy.ndarray of shape (n, m)
        Chance of no event by each of the times.
    at : numpy.ndarray of shape (m,)
        Times, ascending; the score is integrated over them by trapezoids and divided by their range.
    """
    times, events = split_times(signed)
    # Where an event and a loss fall on one moment, the loss comes after, and has happened when the moment is over.
    after = np.where(events, times, np.nextafter(times, np.inf))
    followed_till_end = kaplan_meier(after, ~events, np.nextafter(times, np.inf))
    followed = kaplan_meier(after, ~events, np.nextafter(at, np.inf))
    had = events[:, None] & (times[:, None] <= at)
    still = times[:, None] > at
    errors = np.zeros_like(survival)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors += np.where(had, survival**2 / followed_till_end[:, None], 0.0)
        errors += np.where(still, (1 - survival) ** 2 / followed[None, :], 0.0)
    if len(at) == 1:
        return errors[:, 0]
    return np.asarray(np.trapezoid(errors, at, axis=1) / (at[-1] - at[0]))
