"""Arithmetic that gives a numeric target from other columns: then they are parts of it, not causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Restatement", "find_restatements"]

_ROWS: Final = 5_000
_MOST_COLUMNS: Final = 200
_MOST_PARTS: Final = 5
_PAIR_COLUMNS: Final = 20
_FEWEST_ROWS: Final = 30
_EXACT: Final = 1e-6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Restatement:
    """Columns from which the target can be computed.

    Parameters
    ----------
    columns : tuple of str
        The columns.
    formula : str
        How, in words with the names left out, e.g. 'their sum'.
    certain : bool
        Whether the columns are parts of the target or the target itself; a product may be two honest features.
    rows : int
        Rows it was checked on.
    """

    columns: tuple[str, ...]
    formula: str
    certain: bool
    rows: int


def find_restatements(names: list[str], matrix: Floats, target: Floats) -> tuple[Restatement, ...]:
    """Columns that the target is computed from.

    Parameters
    ----------
    names : list of str
        Names of the numeric columns.
    matrix : numpy.ndarray of shape (n, columns)
        Their values; NaN where missing.
    target : numpy.ndarray of shape (n,)
        The target.
    """
    if len(names) > _MOST_COLUMNS or len(target) < _FEWEST_ROWS:
        keep = _closest(matrix, target)[:_MOST_COLUMNS]
        names, matrix = [names[index] for index in keep], matrix[:, keep]
    matrix, target = matrix[:_ROWS], target[:_ROWS]
    found = [copy for index, name in enumerate(names) if (copy := _same_order(name, matrix[:, index], target))]
    taken = {name for copy in found for name in copy.columns}
    rest = [index for index, name in enumerate(names) if name not in taken]
    if len(rest) >= 2:
        names, matrix = [names[index] for index in rest], matrix[:, rest]
        sum_ = _sum(names, matrix, target)
        found += [sum_] if sum_ else _products(names, matrix, target)
    return tuple(found)


def _same_order(name: str, values: Floats, target: Floats) -> Restatement | None:
    present = ~np.isnan(values)
    values, target = values[present], target[present]
    if present.sum() < _FEWEST_ROWS or len(np.unique(values)) <= 20 or len(np.unique(target)) <= 20:
        return None
    ranks, wanted = pd.Series(values).rank(), pd.Series(target).rank()
    if abs(np.corrcoef(ranks, wanted)[0, 1]) < 1 - _EXACT:
        return None
    return Restatement((name,), "it orders the rows exactly as the target does", certain=True, rows=len(target))


def _sum(names: list[str], matrix: Floats, target: Floats) -> Restatement | None:
    """A sum or difference of a few columns, found greedily; equal weights tell it from a lucky linear fit."""
    complete = ~np.isnan(matrix).any(axis=1)
    if complete.sum() < _FEWEST_ROWS:
        few = np.isnan(matrix).mean(axis=0) < 0.2
        names, matrix = [name for name, keep in zip(names, few, strict=True) if keep], matrix[:, few]
        complete = ~np.isnan(matrix).any(axis=1)
    matrix, target = matrix[complete], target[complete]
    if len(target) < _FEWEST_ROWS or matrix.shape[1] < 2:
        return None
    chosen: list[int] = []
    residual = target - target.mean()
    spread = float((residual**2).sum())
    while len(chosen) < min(_MOST_PARTS, matrix.shape[1]) and spread > 0:
        best = next(int(index) for index in _closest(matrix, residual) if index not in chosen)
        chosen.append(best)
        design = np.column_stack([matrix[:, chosen], np.ones(len(target))])
        weights = np.linalg.lstsq(design, target, rcond=None)[0]
        residual = target - design @ weights
        if float((residual**2).sum()) < _EXACT**2 * spread:
            sizes = np.abs(weights[:-1])
            if len(chosen) < 2 or np.ptp(sizes) > 1e-4 * sizes.max():
                return None
            formula = "their sum" if (weights[:-1] > 0).all() else "a sum and difference of them"
            return Restatement(tuple(names[index] for index in chosen), formula, certain=True, rows=len(target))
    return None


def _products(names: list[str], matrix: Floats, target: Floats) -> list[Restatement]:
    keep = _closest(matrix, target)[:_PAIR_COLUMNS]
    scale = np.abs(target) + _EXACT
    for place, first in enumerate(keep):
        for second in keep[place + 1 :]:
            one, two = matrix[:, first], matrix[:, second]
            with np.errstate(all="ignore"):
                for formula, value in (
                    ("their product", one * two),
                    ("their ratio", one / two),
                    ("their ratio", two / one),
                ):
                    known = np.isfinite(value)
                    if known.sum() < max(_FEWEST_ROWS, 0.5 * len(value)):
                        continue
                    if float((np.abs(value - target)[known] < _EXACT * scale[known]).mean()) > 0.99:
                        pair = (names[int(first)], names[int(second)])
                        return [Restatement(pair, formula, certain=False, rows=int(known.sum()))]
    return []


def _closest(matrix: Floats, target: Floats) -> npt.NDArray[np.intp]:
    """Columns by how strongly they go with `target`, strongest first; missing cells count as the mean."""
    with np.errstate(all="ignore"):
        centred = np.where(np.isnan(matrix), 0.0, matrix - _means(matrix))
        strength = np.abs(centred.T @ (target - target.mean())) / np.sqrt((centred**2).sum(axis=0))
    return np.argsort(-np.nan_to_num(strength), kind="stable")


def _means(matrix: Floats) -> Floats:
    known = ~np.isnan(matrix)
    means: Floats = np.where(known, matrix, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means
