"""Metrics of scores of survival; NaN where one is not defined.

Times are signed: the time of the event, or minus the time up to which a row was followed without it.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from models.training.survival import split_times

Metric = Callable[[np.ndarray, np.ndarray], float]


def concordance(signed: np.ndarray, scores: np.ndarray) -> float:
    """Harrell's: of two rows of which one surely had the event first, how often it has the higher score."""
    times, events = split_times(signed)
    agreeing, pairs = 0.0, 0
    for row in np.flatnonzero(events):
        later = (times > times[row]) | ((times == times[row]) & ~events)
        difference = scores[row] - scores[later]
        tied = np.abs(difference) <= 1e-8
        agreeing += float(((difference > 0) & ~tied).sum() + tied.sum() / 2)
        pairs += int(later.sum())
    return agreeing / pairs if pairs else float("nan")


METRICS: dict[str, Metric] = {"concordance": concordance}


def score(metric: str, actual: np.ndarray, table: pd.DataFrame) -> float:
    """Score predictions.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    actual : numpy.ndarray of shape (n,)
        Signed times.
    table : pandas.DataFrame of n rows
        Column ``predicted``: a score, higher for rows whose event comes sooner.
    """
    return float(METRICS[metric](actual, table["predicted"].to_numpy(float)))


def baseline(_: np.ndarray, rows: int) -> pd.DataFrame:
    """Give `rows` rows the same score."""
    return pd.DataFrame({"predicted": 1.0}, index=range(rows))
