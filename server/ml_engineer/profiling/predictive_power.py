"""How well one column alone predicts the target, on rows it was not learned from.

A table of bins against the target, learned on one half of the rows and judged on the other: fast enough for
thousands of columns. Areas under the ROC curve for classes, explained share of rank variance for numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from ml_engineer.profiling.quick_model import QuickTarget

__all__ = ["CHANCE_AREA", "bins_of", "power_alone", "target_table"]

CHANCE_AREA: Final = 0.5
_BINS: Final = 64
_FEWEST_BINS: Final = 8
_ROWS_A_BIN: Final = 20
_MOST_EXACT: Final = 200
_PRIOR_ROWS: Final = 1.0
_MOST_CLASSES: Final = 20

Bins = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


def bins_of(values: pd.Series) -> Bins:
    """A small code per row: each value if they are few, quantiles of numbers and times, the commonest texts.

    Missing cells are a value of their own, coded last.
    """
    if isinstance(values.dtype, pd.StringDtype):
        codes, levels = pd.factorize(values)
        if len(levels) > _MOST_EXACT:
            common = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(levels)), kind="stable")
            place = np.full(len(levels), _MOST_EXACT, dtype=np.intp)
            place[common[:_MOST_EXACT]] = np.arange(_MOST_EXACT)
            codes = np.where(codes < 0, -1, place[codes])
    else:
        numbers = _numbers(values)
        present = numbers[~np.isnan(numbers)]
        edges = np.unique(present)
        if len(edges) > min(_MOST_EXACT, max(_FEWEST_BINS, len(present) // _ROWS_A_BIN)):
            cuts = int(np.clip(len(present) // _ROWS_A_BIN, _FEWEST_BINS, _BINS))
            edges = np.unique(np.quantile(present, np.linspace(0, 1, cuts + 1)[:-1]))
        codes = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right") - 1)
    codes = codes.astype(np.intp)
    return np.where(codes < 0, codes.max(initial=-1) + 1, codes)


def _numbers(values: pd.Series) -> Floats:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        stamps = values.to_numpy().astype("datetime64[us]").astype(np.int64).astype(float)
        return np.where(values.isna(), np.nan, stamps)
    return values.to_numpy(dtype=float, na_value=np.nan)


def target_table(target: QuickTarget) -> Floats:
    """Indicators of the (at most 20 commonest) classes, shape (n, k), or ranks between 0 and 1, shape (n, 1)."""
    if target.task == "regression":
        ranks: Floats = (rankdata(target.values) - 0.5) / len(target.values)
        return ranks.reshape(-1, 1)
    if target.task == "binary":
        hits: Floats = np.asarray(target.values == target.positive, dtype=float)
        return hits.reshape(-1, 1)
    counts = np.bincount(target.values, minlength=target.n_classes)
    common = np.argsort(-counts, kind="stable")[:_MOST_CLASSES]
    return np.asarray(target.values[:, None] == common[None, :], dtype=float)


def power_alone(bins: Bins, table: Floats, halves: npt.NDArray[np.bool_], *, classes: bool) -> float:
    """Mean power over both directions: learned on one half, judged on the other.

    Parameters
    ----------
    bins : numpy.ndarray of shape (n,)
        From `bins_of`.
    table : numpy.ndarray of shape (n, k)
        From `target_table`.
    halves : numpy.ndarray of shape (n,)
        Which half each row belongs to.
    classes : bool
        Whether the table holds classes: area under the ROC curve (mean over classes) rather than explained variance.
    """
    size = int(bins.max(initial=0)) + 1
    powers = []
    for train in (halves, ~halves):
        rows = np.bincount(bins[train], minlength=size).astype(float)
        if not rows.any() or train.all():
            continue
        powers.append(_judge(bins, table, train, rows, classes=classes))
    return float(np.mean(powers)) if powers else (CHANCE_AREA if classes else 0.0)


def _judge(bins: Bins, table: Floats, train: npt.NDArray[np.bool_], rows: Floats, *, classes: bool) -> float:
    size, test = len(rows), ~train
    there = np.bincount(bins[test], minlength=size).astype(float)
    powers: list[Any] = []
    for column in table.T:
        mean = column[train].mean()
        # Bins with few rows lean towards the mean, so that a rare value cannot claim much.
        rates = (np.bincount(bins[train], column[train], minlength=size) + _PRIOR_ROWS * mean) / (rows + _PRIOR_ROWS)
        if classes:
            hits = np.bincount(bins[test], column[test], minlength=size).astype(float)
            powers.append(_area(rates, hits, there - hits))
        else:
            spread = ((column[test] - column[test].mean()) ** 2).sum()
            powers.append(1 - ((column[test] - rates[bins[test]]) ** 2).sum() / spread if spread > 0 else 0.0)
    defined = [power for power in powers if np.isfinite(power)]
    return float(np.mean(defined)) if defined else CHANCE_AREA


def _area(rates: Floats, positives: Floats, negatives: Floats) -> float:
    """Area under the ROC curve of rows that share a rate by bin."""
    levels, place = np.unique(rates, return_inverse=True)
    positives = np.bincount(place, positives, minlength=len(levels)).astype(float)
    negatives = np.bincount(place, negatives, minlength=len(levels)).astype(float)
    pairs = positives.sum() * negatives.sum()
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs) if pairs else float("nan")
