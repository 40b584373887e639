"""Groups compared: every sensitive column and every pair of them, with one of four verdicts each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.disparity import Spread, rows_needed, spread_of_groups
from ml_engineer.statistics.group_cells import Grouping, Pooling, cross, pool_small, shrink
from ml_engineer.statistics.group_measures import Measured, measures_of
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.fairness import (
    FairnessAssessment,
    FairnessUse,
    FairnessVerdict,
    FourFifths,
    GroupCell,
    GroupComparison,
)

__all__ = ["assess_fairness", "compare_groups"]

Names = npt.NDArray[np.object_]

_MOST_PAIRS = 15


def assess_fairness(
    outcomes: Outcomes,
    groups: Mapping[str, Names],
    *,
    basis: str,
    use: FairnessUse | None,
    use_reason: str,
    tolerance: float,
    seed: int = 0,
) -> FairnessAssessment:
    """Compare the groups of every column under every measure, and of every pair of columns under the deciding one.

    Parameters
    ----------
    outcomes : Outcomes
        The model on n rows; its clusters are the entities that rows share.
    groups : mapping of str to numpy.ndarray of shape (n,)
        Group of each row, by sensitive column.
    basis : {'out-of-fold', 'held-out'}
        Which predictions these are.
    use, use_reason
        From `choose_use`.
    tolerance : float
        Largest difference that is tolerated, 0 to 1.
    seed : int
        Random state.
    """
    measures = measures_of(outcomes, use)
    constant = outcomes.task != "regression" and len(np.unique(outcomes.predicted)) == 1
    pointless = "the model gives every row the same answer" if constant else ""
    units = None if outcomes.clusters is None else np.asarray(outcomes.clusters)
    groupings = {column: Grouping.of(labels) for column, labels in groups.items()}
    found = [
        compare_groups(
            measured,
            grouping,
            columns=(column,),
            tolerance=tolerance,
            decides=place == 0,
            units=units,
            pointless="" if measured.measure == "calibration" else pointless,
            seed=seed,
        )
        for column, grouping in groupings.items()
        for place, measured in enumerate(measures)
    ]
    for first, second in list(combinations(groupings, 2))[:_MOST_PAIRS]:
        crossed = cross(groupings[first], groupings[second])
        found.append(
            compare_groups(
                measures[0],
                crossed,
                columns=(first, second),
                tolerance=tolerance,
                decides=True,
                units=units,
                pointless="" if measures[0].measure == "calibration" else pointless,
                seed=seed,
            )
        )
    return FairnessAssessment(
        basis="held-out" if basis == "held-out" else "out-of-fold",
        use=use,
        use_reason=use_reason,
        tolerance=tolerance,
        comparisons=tuple(found),
    )


def compare_groups(
    measured: Measured,
    groups: Grouping | Names,
    *,
    columns: Sequence[str],
    tolerance: float,
    decides: bool = True,
    units: npt.NDArray[np.integer] | None = None,
    pointless: str = "",
    seed: int = 0,
) -> GroupComparison:
    """One measure over the groups of one column, or of two that are crossed.

    Parameters
    ----------
    measured : Measured
        What is compared.
    groups : Grouping or numpy.ndarray of shape (n,)
        Group of each row.
    columns : sequence of str
        The sensitive column, or the two.
    tolerance : float
        Largest difference that is tolerated.
    decides : bool
        Whether this is the measure chosen for the use.
    units : numpy.ndarray of shape (n,), optional
        Entity of each row, where rows share one.
    pointless : str
        Why a comparison would say nothing, if that is so.
    seed : int
        Random state.
    """
    grouping = groups if isinstance(groups, Grouping) else Grouping.of(groups)
    pooling = pool_small(grouping, measured.counted, counted_as=measured.counted_as)
    spread = None
    if len(pooling.judged) >= 2:
        place_of = np.full(len(grouping.names), -1, dtype=np.intp)
        for place, name in enumerate(pooling.judged):
            place_of[pooling.members[name]] = place
        codes = place_of[grouping.codes]
        kept = measured.counted & (codes >= 0)
        spread = spread_of_groups(
            measured.values[kept],
            codes[kept],
            is_share=measured.is_share,
            units=None if units is None else units[kept].astype(np.intp),
            seed=seed,
        )
    cells = _cells(measured, grouping, pooling, spread)
    common = {"columns": tuple(columns), "measure": measured.measure, "decides": decides, "cells": cells}
    if spread is None or pointless:
        reason = f"not assessed: {pointless or _why_not(grouping, pooling)}"
        return GroupComparison(**common, verdict="not assessed", reason=reason)
    return GroupComparison(**common, **_judged(measured, pooling, spread, cells, tolerance))


def _why_not(grouping: Grouping, pooling: Pooling) -> str:
    if len(grouping.names) == 1:
        return f"all rows are of one group, {grouping.names[0]!r}"
    large = f"only {pooling.judged[0]!r}" if pooling.judged else "none"
    name, note = next(iter(pooling.notes.items()))
    return (
        f"of {len(grouping.names):,} groups {large} is large enough to compare, small ones pooled ({name!r} is {note})"
    )


def _judged(
    measured: Measured, pooling: Pooling, spread: Spread, cells: tuple[GroupCell, ...], tolerance: float
) -> dict[str, object]:
    """Verdict, reason and numbers of a comparison."""
    scale = measured.scale
    value, low, high = spread.difference / scale, spread.low / scale, spread.high / scale
    verdict: FairnessVerdict = "not enough data"
    if low > tolerance:
        verdict = "disparity shown"
    elif high <= tolerance:
        verdict = "within the tolerance you set"
    now = needed = None
    reason = str(verdict)
    if verdict == "not enough data":
        pair = (spread.highest, spread.lowest) if value > tolerance else spread.widest
        arm = value - low if value > tolerance else high - value
        short = min(pair, key=lambda place: spread.effective[place])
        counts = {cell.group: cell.counted for cell in cells}
        now = counts[pooling.judged[short]]
        # Right at the border no number of rows would settle it: an arm of half the tolerance is what is asked for then.
        needed = rows_needed(now, arm=arm, room=max(abs(tolerance - value), tolerance / 2))
        reason = f"not enough data: {now:,} {measured.counted_as} of {pooling.judged[short]!r} now, {needed:,} needed"
    return {
        "verdict": verdict,
        "reason": reason,
        "highest": pooling.judged[spread.highest],
        "lowest": pooling.judged[spread.lowest],
        "difference": Estimate(
            value=value,
            low=low,
            high=high,
            method=f"Newcombe's intervals of all pairs at once, critical value {spread.critical:.2f} from "
            f"{spread.replicates} replicates of a bootstrap stratified by group",
            rows=int(sum(cell.counted for cell in cells if cell.judged)),
        ),
        "expected_by_chance": spread.expected_by_chance / scale,
        "p_value": spread.p_value,
        "rows_now": now,
        "rows_needed": needed,
        "four_fifths": _four_fifths(spread) if measured.measure == "selection_rate" else None,
    }


def _four_fifths(spread: Spread) -> FourFifths | None:
    top = float(spread.values.max())
    if top == 0:
        return None
    highest = spread.chance.max(axis=1)
    ratios = np.divide(spread.chance.min(axis=1), highest, out=np.ones(len(highest)), where=highest > 0)
    ratio = float(spread.values.min()) / top
    return FourFifths(ratio=ratio, below=ratio < 0.8, false_alarm_rate=float((ratios < 0.8).mean()))


def _cells(measured: Measured, grouping: Grouping, pooling: Pooling, spread: Spread | None) -> tuple[GroupCell, ...]:
    """Every group that was found and every pool, most rows first."""
    size, codes = len(grouping.names), grouping.codes
    rows = np.bincount(codes, minlength=size)
    counted = np.bincount(codes, weights=measured.counted, minlength=size).astype(float)
    sums = np.bincount(codes, weights=np.where(measured.counted, measured.values, 0.0), minlength=size).astype(float)
    with_shares = measured.is_share and bool(measured.counted.any())
    shrunk: Sequence[Estimate | None] = _shrunk(sums, counted) if with_shares else [None] * size
    members = {name: [place] for place, name in enumerate(grouping.names)} | pooling.members
    places = {name: place for place, name in enumerate(pooling.judged)} if spread is not None else {}
    cells = []
    for name, parts in members.items():
        number = int(counted[parts].sum())
        cells.append(
            GroupCell(
                group=name,
                rows=int(rows[parts].sum()),
                counted=number,
                estimate=_estimate(spread, places.get(name), number, measured),
                shrunk=shrunk[parts[0]] if len(parts) == 1 else None,
                judged=name in pooling.judged,
                note=pooling.notes.get(name, ""),
            )
        )
    return tuple(sorted(cells, key=lambda cell: -cell.rows))


def _estimate(spread: Spread | None, place: int | None, counted: int, measured: Measured) -> Estimate | None:
    if spread is None or place is None:
        return None
    method = "Wilson" if measured.is_share else f"bootstrap within the group, {spread.replicates} replicates"
    return Estimate(
        value=float(spread.values[place]),
        low=float(spread.lows[place]),
        high=float(spread.highs[place]),
        method=method,
        rows=counted,
    )


def _shrunk(sums: npt.NDArray[np.float64], counted: npt.NDArray[np.float64]) -> Sequence[Estimate | None]:
    return [
        Estimate(value=float(mean), low=float(low), high=float(high), method="beta-binomial", rows=int(rows))
        for mean, low, high, rows in zip(*shrink(sums, counted), counted, strict=True)
    ]
