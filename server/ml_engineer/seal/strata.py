"""Strata: what is kept in proportion between the sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml_engineer.statistics.label_sets import holds_label_sets, rarest_label

__all__ = ["Strata", "strata_codes"]

_RANGES = 10
_MANY_VALUES = 20


@dataclass(frozen=True)
class Strata:
    """The stratum of each row.

    Parameters
    ----------
    codes : numpy.ndarray
        (n,) int32 from 0.
    classes : bool
        Whether strata are classes rather than ranges of a number.
    """

    codes: np.ndarray
    classes: bool


def strata_codes(target: pd.Series) -> Strata:
    """Sort rows by class, or by range (of equally many rows) if the target is a measured number.

    Whole numbers count as classes if there are at most 20 of them or each is met ten times on average. Rows
    without a target value are a stratum of their own. Of sets of labels, the rarest label of a row decides.
    """
    if holds_label_sets(target):
        return Strata(codes=rarest_label(target).astype("int32"), classes=True)
    codes, values = pd.factorize(target, sort=True, use_na_sentinel=True)
    measured = _is_measurement(target, n_values=len(values))
    if measured:
        numbers = target.to_numpy(dtype="float64", na_value=np.nan)
        # Ranks rather than values: ties and infinities fall into one range.
        ranks = pd.Series(numbers).rank(method="average", pct=True).to_numpy()
        rows = int(np.sum(~np.isnan(ranks)))
        ranges = max(1, min(_RANGES, rows // _RANGES))
        codes = np.where(np.isnan(ranks), -1, np.ceil(np.nan_to_num(ranks) * ranges).astype("int64") - 1)
    missing = codes < 0
    if missing.any():
        codes = np.where(missing, codes.max() + 1, codes)
    # Codes are few: those that are met are counted through, which is much cheaper than sorting the rows.
    place = np.cumsum(np.bincount(codes) > 0, dtype="int32") - np.int32(1)
    return Strata(codes=place[codes], classes=not measured)


def _is_measurement(target: pd.Series, *, n_values: int) -> bool:
    if pd.api.types.is_bool_dtype(target.dtype) or not pd.api.types.is_numeric_dtype(target.dtype):
        return False
    if n_values <= _MANY_VALUES:
        return False
    whole = bool((target.dropna() % 1 == 0).all())
    return not (whole and len(target) >= 10 * n_values)
