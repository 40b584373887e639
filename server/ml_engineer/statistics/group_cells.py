"""Groups of rows as cells: small ones pooled upward by name, never dropped; rates drawn towards each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv

__all__ = ["FEWEST_COUNTED", "FEWEST_ROWS", "Grouping", "Pooling", "cross", "pool_small", "shrink"]

FEWEST_ROWS = 30
"""Rows that a group needs to be judged by itself; with fewer, Wilson's interval is wider than 0.3 at a share of one half."""
FEWEST_COUNTED = 10
"""Rows in the denominator that a group needs, where that is only a part of its rows."""

_AND = " & "
_RANGE = re.compile(r"(?:below )?(-?[\d.]+(?:e[+-]?\d+)?)(?: to below | and above|$)")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Grouping:
    """Which group each row belongs to.

    Parameters
    ----------
    names : tuple of str
        Names of the k groups.
    codes : numpy.ndarray of shape (n,)
        Place of each row's group among the names.
    parents : tuple of str, optional
        For intersections: the group of the first column that each lies in.
    """

    names: tuple[str, ...]
    codes: Ints
    parents: tuple[str, ...] | None = None

    @classmethod
    def of(cls, labels: npt.NDArray[np.object_]) -> Grouping:
        """The groups of rows labelled by name, shape (n,)."""
        codes, values = pd.factorize(np.asarray(labels, dtype=object))
        order = np.argsort([str(value) for value in values], kind="stable")
        return cls(tuple(str(values[place]) for place in order), np.argsort(order)[codes].astype(np.intp))


def cross(first: Grouping, second: Grouping) -> Grouping:
    """The intersections of two groupings of the same rows that have a row."""
    width = len(second.names)
    cells, codes = np.unique(first.codes * width + second.codes, return_inverse=True)
    parents = tuple(first.names[cell // width] for cell in cells)
    names = tuple(f"{parent}{_AND}{second.names[cell % width]}" for parent, cell in zip(parents, cells, strict=True))
    return Grouping(names, codes.astype(np.intp), parents)


@dataclass
class Pooling:
    """Groups after small ones were pooled.

    Parameters
    ----------
    members : dict of str to list of int
        Groups that are left, and the places of the original ones that each is made of.
    notes : dict of str to str
        For each group that is not judged by itself: why, and where its rows went.
    judged : tuple of str
        Groups that are large enough, most rows first.
    """

    members: dict[str, list[int]]
    notes: dict[str, str] = field(default_factory=dict)
    judged: tuple[str, ...] = ()

    def merge(self, names: Sequence[str], pooled: str, reasons: dict[str, str]) -> None:
        """Put groups together under one name."""
        self.members[pooled] = [place for name in names for place in self.members.pop(name)]
        for name in names:
            self.notes[name] = f"{reasons[name]}; pooled into {pooled}"


def pool_small(grouping: Grouping, counted: npt.NDArray[np.bool_], *, counted_as: str = "rows") -> Pooling:
    """Pool groups with too few rows.

    Intersections are pooled within their first column's group, then all that are left; ranges of numbers with their
    neighbours only, since the young and the old have little in common; everything else together.

    Parameters
    ----------
    grouping : Grouping
        The groups of n rows.
    counted : numpy.ndarray of shape (n,), bool
        Rows in the denominator.
    counted_as : str
        What the denominator counts, in words.
    """
    size = len(grouping.names)
    rows = np.bincount(grouping.codes, minlength=size)
    part = np.bincount(grouping.codes, weights=counted, minlength=size).astype(int)
    pooling = Pooling({name: [place] for place, name in enumerate(grouping.names)})

    def small() -> dict[str, str]:
        return {
            name: reason
            for name, places in pooling.members.items()
            if (reason := _too_small(int(rows[places].sum()), int(part[places].sum()), counted_as))
        }

    if grouping.parents is not None:
        parents = dict(zip(grouping.names, grouping.parents, strict=True))
        for parent in dict.fromkeys(grouping.parents):
            reasons = small()
            inside = [name for name in reasons if parents.get(name) == parent]
            if len(inside) > 1:
                pooling.merge(inside, f"{parent}{_AND}(pooled: {len(inside)} small groups)", reasons)
    reasons = small()
    runs = _runs(grouping.names, reasons) if grouping.parents is None else None
    for run in [list(reasons)] if runs is None else runs:
        if len(run) > 1:
            name = f"(pooled: {len(run)} small groups)" if runs is None else f"(pooled: {run[0]} … {run[-1]})"
            pooling.merge(run, name, reasons)
    left = small()
    pooling.notes |= {name: f"{reason}; nothing to pool it with" for name, reason in left.items()}
    by_rows = sorted(pooling.members, key=lambda name: -int(rows[pooling.members[name]].sum()))
    pooling.judged = tuple(name for name in by_rows if name not in left)
    return pooling


def _too_small(rows: int, counted: int, counted_as: str) -> str:
    """Why a group is too small, in words; empty if it is not."""
    if rows < FEWEST_ROWS:
        return f"too small: {rows} rows, {FEWEST_ROWS} are needed"
    return f"too small: {counted} {counted_as}, {FEWEST_COUNTED} are needed" if counted < FEWEST_COUNTED else ""


def _runs(names: Sequence[str], small: dict[str, str]) -> list[list[str]] | None:
    """Small ranges that lie side by side, from low to high; none if the groups are no ranges."""
    places = {
        name: (float(found.group(1)), not name.startswith("below")) for name in names if (found := _RANGE.match(name))
    }
    if len(places) < len([name for name in names if not name.startswith("(")]) or len(places) < 2:
        return None
    if not any("below" in name for name in names):
        return None
    runs: list[list[str]] = [[]]
    for name in sorted(places, key=places.__getitem__):
        if name in small:
            runs[-1].append(name)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


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
