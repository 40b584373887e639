"""Groups of rows as cells: small ones pooled upward by name, never dropped; rates drawn towards each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

__all__ = ["FEWEST_COUNTED", "FEWEST_ROWS", "Pooling", "cross", "pool_small", "shrink"]

FEWEST_ROWS = 30
"""Rows that a group needs to be judged by itself; with fewer, Wilson's interval is wider than 0.3 at a share of one half."""
FEWEST_COUNTED = 10
"""Rows in the denominator that a group needs, where that is only a part of its rows."""

SEPARATOR = " & "

Names = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pooling:
    """Groups after small ones were pooled.

    Parameters
    ----------
    labels : numpy.ndarray of shape (n,)
        Group of each row after pooling.
    notes : dict of str to str
        For each group that is not judged by itself: why, and where its rows went.
    judged : tuple of str
        Groups of `labels` that are large enough, most rows first.
    """

    labels: Names
    notes: dict[str, str]
    judged: tuple[str, ...]


def cross(first: Names, second: Names) -> Names:
    """Names of the intersections of two groupings, shape (n,)."""
    return np.array([f"{a}{SEPARATOR}{b}" for a, b in zip(first, second, strict=True)], dtype=object)


def pool_small(
    labels: Names, counted: npt.NDArray[np.bool_], *, parents: Names | None = None, counted_as: str = "rows"
) -> Pooling:
    """Pool groups with too few rows: within their parent first, then all that are left.

    Parameters
    ----------
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    counted : numpy.ndarray of shape (n,), bool
        Rows in the denominator.
    parents : numpy.ndarray of shape (n,), optional
        For intersections: the group of the first column.
    counted_as : str
        What the denominator counts, in words.
    """
    labels, notes = labels.copy(), {}
    levels = [None] if parents is None else [parents, None]
    for level in levels:
        small = _small(labels, counted, counted_as)
        for key in [""] if level is None else [str(name) for name in np.unique(level.astype(str))]:
            within = np.ones(len(labels), dtype=bool) if level is None else level.astype(str) == key
            members = [name for name in small if within[labels == name].all()]
            if len(members) < 2:
                continue
            pooled = f"{key}{SEPARATOR if key else ''}(pooled: {len(members)} small groups)"
            for name in members:
                notes[name] = f"{small[name]}; pooled into {pooled}"
                labels[labels == name] = pooled
    left = _small(labels, counted, counted_as)
    notes |= {name: f"{reason}; nothing to pool it with" for name, reason in left.items()}
    names, rows = np.unique(labels.astype(str), return_counts=True)
    order = np.argsort(-rows, kind="stable")
    return Pooling(labels, notes, tuple(str(names[place]) for place in order if names[place] not in left))


def _small(labels: Names, counted: npt.NDArray[np.bool_], counted_as: str) -> dict[str, str]:
    """Groups with too few rows, and how many they have, in words."""
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    rows, part = np.bincount(codes), np.bincount(codes, weights=counted).astype(int)
    reasons = {}
    for name, total, some in zip(names, rows, part, strict=True):
        if total < FEWEST_ROWS:
            reasons[str(name)] = f"too small: {total} rows, {FEWEST_ROWS} are needed"
        elif some < FEWEST_COUNTED:
            reasons[str(name)] = f"too small: {some} {counted_as}, {FEWEST_COUNTED} are needed"
    return reasons


def shrink(successes: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of k groups drawn towards their common mean by a beta-binomial model, with 95 % credible intervals.

    The prior is fitted to the groups themselves by moments (Kleinman 1973): the less they differ beyond chance, the
    further a small group is drawn.

    Parameters
    ----------
    successes, counts : numpy.ndarray of shape (k,)
        Counts of each group; those without a row get the prior.

    Returns
    -------
    mean, low, high : numpy.ndarray of shape (k,)
    """
    total = counts.sum()
    overall = min(max(successes.sum() / total, 0.5 / (total + 1)), 1 - 0.5 / (total + 1))
    shares = np.divide(successes, counts, out=np.full(len(counts), overall), where=counts > 0)
    within = overall * (1 - overall)
    spread = float((counts * (shares - overall) ** 2).sum()) - (len(counts) - 1) * within
    between = spread / max(total - (counts**2).sum() / total, 1e-9)
    strength = float(np.clip(within / max(between, 1e-12) - 1, 1.0, 1e5))
    hits, misses = successes + overall * strength, counts - successes + (1 - overall) * strength
    return hits / (hits + misses), betaincinv(hits, misses, 0.025), betaincinv(hits, misses, 0.975)
