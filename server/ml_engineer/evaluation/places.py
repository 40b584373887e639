"""Where a ranking puts the rows of each query: relevance by place, and the rows that cost the most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.query_metrics import CUTOFF
from ml_engineer.vocabulary.evaluation import WorstRow

__all__ = ["ByPlace", "find_misplaced", "relevance_by_place"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ByPlace:
    """Mean relevance at each of the first places, over the queries that have so many rows.

    Parameters
    ----------
    reached, best, chance : numpy.ndarray of shape (places,)
        In the model's order, in the best order, and in a random one.
    """

    reached: Floats
    best: Floats
    chance: Floats


def relevance_by_place(outcomes: Outcomes, *, most: int = CUTOFF) -> ByPlace:
    """Mean relevance at each of the first `most` places; aggregates of n rows, one or more queries."""
    queries = [(outcomes.actual[rows].astype(float), rows) for rows in _queries(outcomes)]
    places = min(most, max(len(rows) for _, rows in queries))
    reached, best, chance = np.zeros(places), np.zeros(places), np.zeros(places)
    counts = np.zeros(places)
    for relevance, rows in queries:
        shown = min(places, len(rows))
        order = np.argsort(-outcomes.predicted[rows].astype(float), kind="stable")
        reached[:shown] += relevance[order][:shown]
        best[:shown] += np.sort(relevance)[::-1][:shown]
        chance[:shown] += relevance.mean()
        counts[:shown] += 1
    return ByPlace(reached / counts, best / counts, chance / counts)


def find_misplaced(outcomes: Outcomes, row_numbers: npt.NDArray[np.integer], *, most: int = 10) -> tuple[WorstRow, ...]:
    """The rows whose place costs their query the most discounted gain, worst first.

    Parameters
    ----------
    outcomes : Outcomes
        Out-of-fold scores of n development rows; never held-out rows.
    row_numbers : numpy.ndarray of shape (n,)
        Row number in the source.
    most : int
        How many to give.
    """
    cost, texts = np.zeros(outcomes.rows), np.empty(outcomes.rows, dtype=object)
    for rows in _queries(outcomes):
        relevance = outcomes.actual[rows].astype(float)
        place, ideal = _places(outcomes.predicted[rows].astype(float)), _places(relevance)
        discount = 1 / np.log2(np.arange(2, len(rows) + 2))
        cost[rows] = relevance * (discount[ideal] - discount[place])
        texts[rows] = [f"place {one + 1} of {len(rows)}" for one in place]
    worst = np.argsort(-cost, kind="stable")[:most]
    return tuple(
        WorstRow(
            row=int(row_numbers[place]),
            actual=f"relevance {float(outcomes.actual[place]):g}",
            predicted=str(texts[place]),
            error=float(cost[place]),
        )
        for place in worst
    )


def _queries(outcomes: Outcomes) -> Iterator[npt.NDArray[np.intp]]:
    """Positions of the rows of each query; of all rows if no query is known."""
    clusters = np.zeros(outcomes.rows, dtype=int) if outcomes.clusters is None else outcomes.clusters
    order = np.argsort(clusters, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)


def _places(values: Floats) -> npt.NDArray[np.intp]:
    """Place of each row, from 0, the highest value first."""
    return np.argsort(np.argsort(-values, kind="stable"), kind="stable")
