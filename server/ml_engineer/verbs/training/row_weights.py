"""What each development row counts for when a model is fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["row_weights"]


def row_weights(problem: ProblemDefinition, frame: pd.DataFrame) -> npt.NDArray[np.float64] | None:
    """What each row counts for, 1 on average, so that regularisation means the same whatever the weights' unit.

    Raises
    ------
    InputError
        If a weight is missing, negative or infinite, or all are 0.
    """
    name = problem.weight_column
    if name is None:
        return None
    weights = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any() or weights.sum() == 0:
        found = f"{int(wrong.sum())} rows without, first row {frame.index[wrong][0]}" if wrong.any() else "all are 0"
        raise InputError(
            f"Column {name!r} has the role 'weight', but not every row has a weight of 0 or more",
            found=found,
            remedy=f"Fill the cells, or give {name!r} the role 'ignored' (roles of frame_problem, or problem.yaml)",
        )
    return np.asarray(weights / weights.mean())
