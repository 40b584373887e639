"""From risk scores to survival: Kaplan and Meier's curve, and a Cox model of the score with Breslow's hazard.

Times are signed, as XGBoost's Cox objective takes them: the time of the event, or minus the time up to which a row was
followed without one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_engineer.vocabulary.survival import SurvivalCurve

__all__ = [
    "fit_curve",
    "judged_times",
    "kaplan_meier",
    "martingale_residuals",
    "median_times",
    "split_times",
    "survival_at",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_STEPS = 200
_JUDGED_TIMES = 30
_JUDGED_SHARE = 0.8
_HORIZONS = (0.25, 0.5, 0.75)
_ITERATIONS = 50


def split_times(signed: npt.NDArray[np.generic]) -> tuple[Floats, Bools]:
    """Time of each row, and whether the event happened then; both of shape (n,)."""
    numbers = signed.astype(float)
    return np.abs(numbers), numbers > 0


def kaplan_meier(times: Floats, events: Bools, at: Floats) -> Floats:
    """Share of rows without the event by each of the times `at` (Kaplan and Meier 1958).

    Parameters
    ----------
    times : numpy.ndarray of shape (n,)
        When a row had the event or was last seen.
    events : numpy.ndarray of shape (n,)
        Whether it had the event.
    at : numpy.ndarray of shape (m,)
        Times to tell of; a step at such a time has been taken.
    """
    moments, happened, followed = _moments(times, events)
    curve = np.cumprod(1 - happened / followed)
    return np.asarray(np.r_[1.0, curve][np.searchsorted(moments, at, side="right")])


def martingale_residuals(signed: npt.NDArray[np.generic]) -> Floats:
    """Events of each row beyond what its follow-up time leads to expect (Nelson and Aalen), shape (n,).

    A number that is high for early events and low for long follow-up without one, to look at columns with.
    """
    times, events = split_times(signed)
    moments, happened, followed = _moments(times, events)
    hazard = np.cumsum(happened / followed)
    return np.asarray(events - hazard[np.searchsorted(moments, times)])


def fit_curve(signed: npt.NDArray[np.generic], scores: Floats, *, horizons: tuple[float, ...] = ()) -> SurvivalCurve:
    """The curve that these scores and outcomes make, by Cox's partial likelihood with Breslow's handling of ties.

    Parameters
    ----------
    signed : numpy.ndarray of shape (n,)
        Signed times, at least one event among them.
    scores : numpy.ndarray of shape (n,)
        Risk scores of models that had not seen the rows; higher means sooner.
    horizons : tuple of float, optional
        Times to tell of; by default the quarters of the event times.
    """
    times, events = split_times(signed)
    logarithm = bool((scores > 0).all())
    z = np.log(scores) if logarithm else scores.astype(float)
    centre = float(z.mean())
    order = np.argsort(-times, kind="stable")
    slope = _slope(times[order], events[order], z[order] - centre)
    moments, happened, _ = _moments(times, events)
    ratio = np.exp(np.clip(slope * (z - centre), -50, 50))
    at_risk = np.array([ratio[times >= moment].sum() for moment in moments])
    hazard = np.cumsum(happened / at_risk)
    steps = happened > 0
    if steps.sum() > _STEPS:
        kept = np.flatnonzero(steps)[np.unique(np.linspace(0, steps.sum() - 1, _STEPS).astype(int))]
        steps = np.isin(np.arange(len(moments)), kept)
    return SurvivalCurve(
        logarithm=logarithm,
        centre=centre,
        slope=slope,
        times=tuple(float(moment) for moment in moments[steps]),
        hazard=tuple(float(value) for value in hazard[steps]),
        end=float(np.quantile(times, _JUDGED_SHARE)),
        horizons=horizons or tuple(float(f"{value:.3g}") for value in np.quantile(times[events], _HORIZONS)),
    )


def survival_at(curve: SurvivalCurve, scores: Floats, at: Floats) -> Floats:
    """Chance of no event by each time: scores of shape (n,) and times of shape (m,) to (n, m)."""
    z = np.log(np.maximum(scores, np.finfo(float).tiny)) if curve.logarithm else scores
    ratio = np.exp(np.clip(curve.slope * (z - curve.centre), -50, 50))
    steps = np.r_[0.0, curve.hazard][np.searchsorted(np.array(curve.times), at, side="right")]
    return np.asarray(np.exp(-np.outer(ratio, steps)))


def median_times(curve: SurvivalCurve, scores: Floats) -> Floats:
    """Time by which half of rows like each have had the event, shape (n,); NaN where the curve does not fall so far."""
    survival = survival_at(curve, scores, np.array(curve.times))
    reached = survival <= 0.5
    first = np.array(curve.times)[reached.argmax(axis=1)]
    return np.where(reached.any(axis=1), first, np.nan)


def judged_times(curve: SurvivalCurve) -> Floats:
    """Times over which a curve is judged, evenly up to its end."""
    return np.linspace(0, curve.end, _JUDGED_TIMES + 1)[1:]


def _moments(times: Floats, events: Bools) -> tuple[Floats, Floats, Floats]:
    """Distinct times, events at each, and rows that were followed at least so long."""
    moments, place = np.unique(times, return_inverse=True)
    happened = np.bincount(place, weights=events, minlength=len(moments))
    ended: Floats = np.bincount(place, minlength=len(moments)).astype(float)
    return moments, happened.astype(float), np.cumsum(ended[::-1])[::-1]


def _slope(times: Floats, events: Bools, z: Floats) -> float:
    """Newton's method on the partial likelihood of one centred covariate; rows from the longest time down."""
    last = np.flatnonzero(np.r_[np.diff(times) != 0, True])  # the last row of each run of equal times
    group = np.searchsorted(last, np.arange(len(times)))
    happened = np.bincount(group, weights=events)
    told = np.bincount(group, weights=events * z)
    slope, spread = 0.0, float(np.abs(z).max()) or 1.0
    for _ in range(_ITERATIONS):
        ratio = np.exp(np.clip(slope * z, -50, 50))
        zeroth, first, second = (np.cumsum(ratio * z**power)[last] for power in range(3))
        mean = first / zeroth
        gradient = float((told - happened * mean).sum())
        curvature = float((happened * (second / zeroth - mean**2)).sum())
        if curvature <= 1e-12:
            break
        step = float(np.clip(gradient / curvature, -2 / spread, 2 / spread))
        slope += step
        if abs(step) * spread < 1e-9:
            break
    return slope
