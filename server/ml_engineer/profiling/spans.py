"""A numeric target that is the time between two columns of times: then the later one is known when it is over."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.suspicion import Suspicion

__all__ = ["find_spans"]

_UNITS: Final = {"seconds": 1.0, "minutes": 60.0, "hours": 3_600.0, "days": 86_400.0}
_MOST_COLUMNS: Final = 6
_FEWEST_ROWS: Final = 30
_SHARE: Final = 0.95
_ROUNDED: Final = 1.01
"""What a number that was cut or rounded to whole units may be off by."""
_SPREAD: Final = 5.0
"""Standard deviations, in units, below which being off by one says nothing."""


def find_spans(frame: pd.DataFrame, target: npt.NDArray[Any]) -> dict[str, Suspicion]:
    """Columns of times whose distance from another one is the target.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    target : numpy.ndarray of shape (n,)
        Numbers.
    """
    times = [str(name) for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    found: dict[str, Suspicion] = {}
    for first, last in permutations(times[:_MOST_COLUMNS], 2):
        seconds = (frame[last] - frame[first]).dt.total_seconds().to_numpy(dtype=float)
        known = np.isfinite(seconds) & np.isfinite(target.astype(float))
        if known.sum() < _FEWEST_ROWS:
            continue
        for unit, size in _UNITS.items():
            apart = np.abs(seconds[known] / size - target[known].astype(float))
            equal = int((apart <= (_ROUNDED if target[known].std() > _SPREAD else 1e-3)).sum())
            if equal >= _SHARE * known.sum() and np.ptp(target[known]) > 0:
                told = f"the target is the time from {quoted(first)} to {quoted(last)} in {unit} ({equal:,} of {known.sum():,} rows)"
                found[last] = Suspicion(last, "strong", told)
    return found
