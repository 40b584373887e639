"""Orders between two columns that always hold, and would not if the columns had nothing to do with each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ml_engineer.vocabulary.contract import Relation

__all__ = ["find_relations"]

_MOST_COLUMNS = 40
_MOST_RELATIONS = 20
_FEWEST_ROWS = 100
_EXPECTED_BREACHES = 20.0
_SAMPLE = 2_000


def find_relations(frame: pd.DataFrame) -> tuple[Relation, ...]:
    """Pairs of numbers, or of time stamps, of which one is never the larger.

    Ranges that do not meet make an order that says nothing: counted is in how many rows the order would break if one
    column were shuffled, and it must be at least 20 and 5 % of the rows.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        Development rows; at most 40 comparable columns of each kind are looked at.
    """
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].nunique() > 5]
    moments = [name for name in frame if pd.api.types.is_datetime64_any_dtype(frame[name])]
    found = [
        relation
        for names in (numbers[:_MOST_COLUMNS], moments[:_MOST_COLUMNS])
        for first, second in combinations(names, 2)
        if (relation := _order(frame, str(first), str(second))) is not None
    ]
    return tuple(found[:_MOST_RELATIONS])


def _order(frame: pd.DataFrame, first: str, second: str) -> Relation | None:
    both = frame[[first, second]].dropna()
    if len(both) < _FEWEST_ROWS:
        return None
    one, other = both[first].to_numpy(), both[second].to_numpy()
    if np.all(one <= other):
        low, high, left, right = one, other, first, second
    elif np.all(other <= one):
        low, high, left, right = other, one, second, first
    else:
        return None
    if np.array_equal(one, other):
        return None
    stride = max(1, len(high) // _SAMPLE)
    # Share of pairs of different rows that break the order: what shuffling would give, without a random number.
    ranks = np.searchsorted(np.sort(high[::stride]), low, side="left")
    share = float(ranks.mean()) / len(high[::stride])
    if share < 0.05 or share * len(both) < _EXPECTED_BREACHES:
        return None
    operator = "<" if np.all(low < high) else "<="
    return Relation(left=left, operator=operator, right=right)
