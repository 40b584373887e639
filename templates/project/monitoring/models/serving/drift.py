"""Has a column changed? Population stability against a threshold made for this very comparison.

The usual fixed thresholds (0.1, 0.25) flag most unchanged columns in a window of 50 rows and miss real shifts in one
of 5,000. Here the threshold is simulated: what would the statistic be if nothing had changed, given so many reference
rows, so many rows in the window, and so many columns looked at together? Rows are taken to be independent; windows
made of a few groups or of one season can raise more alarms than stated.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.features.contract import Column

BINS = 10
MOST_CATEGORIES = 20
FEW_VALUES = 12  # numbers with no more values than this are compared value by value
PRIOR = 0.5  # added to every count, so that an empty bin is rare and not impossible
DRAWS = 4000


@dataclass(frozen=True)
class Bins:
    """Where values fall: ranges or single values, then what the reference never had, then missing."""

    edges: np.ndarray | None
    values: pd.Index | None
    rarer: frozenset[object]

    @property
    def size(self) -> int:
        """Number of bins."""
        if self.edges is not None:
            return len(self.edges) + 2
        return (0 if self.values is None else len(self.values)) + 3

    def count(self, column: pd.Series) -> np.ndarray:
        """Count the values of a column per bin."""
        known = column.dropna()
        if self.edges is not None:
            places = np.searchsorted(self.edges, known.to_numpy(float), side="left")
        else:
            places = pd.Index([] if self.values is None else self.values).get_indexer(pd.Index(known))
            strange = np.where(known.isin(list(self.rarer)), self.size - 3, self.size - 2)
            places = np.where(places < 0, strange, places)
        counts = np.bincount(places, minlength=self.size)
        counts[-1] = len(column) - len(known)
        return counts


def comparable(values: pd.Series, column: Column) -> pd.Series | None:
    """Give what is compared of a column: its values, the length of running text, or nothing for time stamps.

    Time always moves on; whether its parts change is a question to the features made of it.
    """
    if column.storage == "datetime":
        return None
    if column.storage == "string":
        return values if column.categories is not None else values.str.len().astype("float64")
    return values.astype("float64")


def make_bins(reference: pd.Series) -> Bins:
    """Choose bins by the reference: its most frequent values, or its deciles with its range at both ends."""
    counts = reference.value_counts()
    if len(counts) <= FEW_VALUES or not pd.api.types.is_float_dtype(reference):
        return Bins(None, counts.index[:MOST_CATEGORIES], frozenset(counts.index[MOST_CATEGORIES:]))
    known = reference.dropna().to_numpy(float)
    inner = np.quantile(known, np.linspace(0, 1, BINS + 1))
    inner[0] = np.nextafter(inner[0], -np.inf)  # bins are open on the left: the smallest value is inside
    return Bins(np.unique(inner), None, frozenset())


def stability_index(reference: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Population stability index of counts of shape (..., k) against reference counts of shape (k,)."""
    expected = (reference + PRIOR) / (reference + PRIOR).sum()
    found = (window + PRIOR) / (window + PRIOR).sum(axis=-1, keepdims=True)
    return ((found - expected) * np.log(found / expected)).sum(axis=-1)


def thresholds(
    references: list[np.ndarray], window_rows: int, *, false_alarm_rate: float, draws: int = DRAWS, seed: int = 0
) -> list[float]:
    """Simulate, for each column, the index that a window of unchanged rows exceeds only by chance.

    All columns together raise an alarm in a share `false_alarm_rate` of unchanged windows: the threshold is a
    quantile of the largest of the standardised indices.

    Parameters
    ----------
    references : list of numpy.ndarray
        Reference counts of each column.
    window_rows : int
        Rows that are compared with them.
    false_alarm_rate : float
        Between 0 and 1.
    draws : int
        Simulated windows.
    seed : int
        Random state; the same question has the same answer.
    """
    rng = np.random.default_rng(seed)
    largest = np.full(draws, -np.inf)
    scales = []
    for counts in references:
        shares = rng.dirichlet(counts + PRIOR, size=draws)  # what the true shares may be, given the reference
        # The index is close to a chi-square; its cube root is close to normal, alike for many bins and few.
        roots = np.cbrt(stability_index(counts, rng.multinomial(window_rows, shares)))
        mean, spread = float(roots.mean()), max(float(roots.std()), 1e-12)
        scales.append((mean, spread))
        np.maximum(largest, (roots - mean) / spread, out=largest)
    height = float(np.quantile(largest, 1 - false_alarm_rate)) if references else 0.0
    return [max(mean + height * spread, 0.0) ** 3 for mean, spread in scales]
