"""How a model's errors differ between a group and everybody else, with intervals, and how many rows would settle it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ml_engineer.statistics.intervals import wilson

__all__ = ["FEWEST_ROWS", "Gap", "Measured", "gaps", "judge"]

FEWEST_ROWS: Final = 30
"""Rows a share must rest on; with fewer, Wilson's interval is wider than 0.3 at a share of one half."""

Judgement = Literal["disparity shown", "within the tolerance you set", "not enough data"]


@dataclass(frozen=True)
class Measured:
    """One value a row, and the rows it is defined for.

    Parameters
    ----------
    name : str
        What is averaged: 'recall', 'accuracy', 'mean absolute error', ...
    values : numpy.ndarray of shape (n,)
        0 or 1 for shares; absolute errors over their overall mean for numbers.
    counted : numpy.ndarray of shape (n,), bool
        Rows in the denominator.
    is_share : bool
        Whether values are 0 or 1.
    """

    name: str
    values: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]
    is_share: bool


@dataclass(frozen=True)
class Gap:
    """A group against everybody else.

    Parameters
    ----------
    group : str
        Its name.
    rows : int
        Rows of the group that count.
    value, elsewhere : float
        Mean in the group and in the rest.
    difference, low, high : float
        Group minus rest, with an interval that holds for all groups of the column at once (Bonferroni).
    needed : int
        Rows of the group that would settle on which side of the tolerance it lies, if the difference stays.
    """

    group: str
    rows: int
    value: float
    elsewhere: float
    difference: float
    low: float
    high: float
    needed: int

    def judge(self, tolerance: float) -> Judgement:
        """Where the interval lies: outside the tolerance, inside, or across its border."""
        if self.rows >= FEWEST_ROWS and (self.low > tolerance or self.high < -tolerance):
            return "disparity shown"
        if self.rows >= FEWEST_ROWS and -tolerance <= self.low and self.high <= tolerance:
            return "within the tolerance you set"
        return "not enough data"


def gaps(
    measured: Measured, groups: npt.NDArray[np.object_], *, tolerance: float, independent: float = 1.0
) -> Iterator[Gap]:
    """Each group against the rest, largest group first.

    Parameters
    ----------
    measured : Measured
        What is compared.
    groups : numpy.ndarray of shape (n,)
        Group of each row.
    tolerance : float
        Difference that is tolerated.
    independent : float
        Share of rows that count as independent: groups of rows (people, machines) over rows.
    """
    names, codes = np.unique(groups[measured.counted].astype(str), return_inverse=True)
    if len(names) < 2:
        return
    values, level = measured.values[measured.counted], 1 - 0.05 / len(names)
    sizes = np.bincount(codes)
    for place in np.argsort(-sizes, kind="stable"):
        inside = codes == place
        one = _Mean.of(values[inside], level=level, independent=independent, is_share=measured.is_share)
        rest = _Mean.of(values[~inside], level=level, independent=independent, is_share=measured.is_share)
        difference = one.value - rest.value
        # Newcombe (1998), method 10: the two intervals' arms, added as squares.
        down = float(np.hypot(one.value - one.low, rest.high - rest.value))
        up = float(np.hypot(one.high - one.value, rest.value - rest.low))
        yield Gap(
            group=str(names[place]),
            rows=int(sizes[place]),
            value=one.value,
            elsewhere=rest.value,
            difference=difference,
            low=difference - down,
            high=difference + up,
            needed=_rows_needed(int(sizes[place]), difference, arm=max(down, up), tolerance=tolerance),
        )


@dataclass(frozen=True)
class _Mean:
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float64], *, level: float, independent: float, is_share: bool) -> _Mean:
        rows = max(1, round(independent * len(values)))
        mean = float(values.mean())
        if is_share:
            interval = wilson(round(mean * rows), rows, level=level)
            return cls(mean, min(mean, interval.low), max(mean, interval.high))
        arm = _quantile(level) * float(values.std(ddof=1) if len(values) > 1 else np.inf) / np.sqrt(rows)
        return cls(mean, mean - arm, mean + arm)


def _quantile(level: float) -> float:
    return float(norm.ppf(0.5 + level / 2))


def _rows_needed(rows: int, difference: float, *, arm: float, tolerance: float) -> int:
    """Rows for an interval whose arm reaches no further than the border of the tolerance (arms fall as 1/sqrt(rows))."""
    room = max(abs(tolerance - abs(difference)), tolerance / 10, 1e-3)
    return max(FEWEST_ROWS, rows + 1, int(np.ceil(rows * (arm / room) ** 2)))


def judge(found: list[Gap], *, tolerance: float) -> tuple[Judgement, Gap]:
    """The verdict on a column and the gap that decides it.

    A shown disparity decides. Otherwise the groups of at least 30 rows decide; smaller ones are for the caller to name.
    """
    shown = [gap for gap in found if gap.judge(tolerance) == "disparity shown"]
    if shown:
        return "disparity shown", max(shown, key=lambda gap: abs(gap.difference))
    large = [gap for gap in found if gap.rows >= FEWEST_ROWS]
    unsure = [gap for gap in large if gap.judge(tolerance) == "not enough data"]
    if unsure or len(large) < 2:
        return "not enough data", min(unsure or found[:2], key=lambda gap: gap.rows)
    return "within the tolerance you set", max(large, key=lambda gap: abs(gap.difference))
