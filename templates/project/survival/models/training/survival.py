"""From a risk score to survival: a Cox model of the score alone, with Breslow's hazard.

Times are signed, as XGBoost's Cox objective takes them: the time of the event, or minus the time up to which a row was
followed without it. The chance of no event by t is exp(-hazard(t) exp(slope (z - centre))), where z is the logarithm of
the score if all scores are positive (hazard ratios), and the score itself otherwise.
"""

from typing import Any

import numpy as np

STEPS = 200
JUDGED_SHARE = 0.8
QUARTERS = (0.25, 0.5, 0.75)


def split_times(signed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the time of each row, and whether the event happened then."""
    return np.abs(signed), signed > 0


def fit_curve(signed: np.ndarray, scores: np.ndarray, horizons: list[float] | None = None) -> dict[str, Any]:
    """Find what scores mean in time, on rows that the scoring models had not seen."""
    times, events = split_times(signed)
    logarithm = bool((scores > 0).all())
    z = np.log(scores) if logarithm else scores
    centre = float(z.mean())
    slope = cox_slope(times, events, z - centre)
    moments = np.unique(times[events])
    ratio = np.exp(np.clip(slope * (z - centre), -50, 50))
    rises = [(events & (times == moment)).sum() / ratio[times >= moment].sum() for moment in moments]
    hazard = np.cumsum(rises)
    kept = np.unique(np.linspace(0, len(moments) - 1, min(len(moments), STEPS)).astype(int))
    return {
        "logarithm": logarithm,
        "centre": centre,
        "slope": slope,
        "times": moments[kept].tolist(),
        "hazard": hazard[kept].tolist(),
        "end": float(np.quantile(times, JUDGED_SHARE)),
        "horizons": horizons or [float(f"{value:.3g}") for value in np.quantile(times[events], QUARTERS)],
    }


def cox_slope(times: np.ndarray, events: np.ndarray, z: np.ndarray) -> float:
    """Maximise Cox's partial likelihood (ties as Breslow has them) over the slope of one centred number."""
    order = np.argsort(-times, kind="stable")
    times, events, z = times[order], events[order], z[order]
    last = np.searchsorted(-times, -times, side="right") - 1  # rows down to here were followed at least as long
    slope, spread = 0.0, float(np.abs(z).max()) or 1.0
    for _ in range(50):
        ratio = np.exp(np.clip(slope * z, -50, 50))
        zeroth, first, second = (np.cumsum(ratio * z**power)[last][events] for power in range(3))
        mean = first / zeroth
        curvature = float((second / zeroth - mean**2).sum())
        if curvature <= 1e-12:
            break
        step = float(np.clip((z[events] - mean).sum() / curvature, -2 / spread, 2 / spread))
        slope += step
        if abs(step) * spread < 1e-9:
            break
    return slope


def survival_at(curve: dict[str, Any], scores: np.ndarray, at: list[float]) -> np.ndarray:
    """Give the chance of no event by each of the times: n scores and m times to an array of shape (n, m)."""
    z = np.log(np.maximum(scores, np.finfo(float).tiny)) if curve["logarithm"] else scores
    ratio = np.exp(np.clip(curve["slope"] * (z - curve["centre"]), -50, 50))
    steps = np.r_[0.0, curve["hazard"]][np.searchsorted(curve["times"], at, side="right")]
    return np.exp(-np.outer(ratio, steps))


def median_times(curve: dict[str, Any], scores: np.ndarray) -> list[float | None]:
    """Give the time by which half of rows like each have had the event; None where the curve does not fall so far."""
    reached = survival_at(curve, scores, curve["times"]) <= 0.5
    return [curve["times"][int(row.argmax())] if row.any() else None for row in reached]
