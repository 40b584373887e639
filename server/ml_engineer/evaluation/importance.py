"""Which columns the model needs: how much the score falls when one is shuffled, on rows it was not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from ml_engineer.evaluation.prediction import Predictions, make_outcomes, predict
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.statistics.query_fit import fit_told
from ml_engineer.statistics.resampling import sample_whole
from ml_engineer.vocabulary.estimates import direction_of
from ml_engineer.vocabulary.evaluation import Importance
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["CrossFit", "Shuffler", "cross_fit", "permutation_importance"]

_MOST_COLUMNS = 40
_SHUFFLES = 2
_REPLICATES = 200
_ROWS_AT_ONCE = 12_000


@dataclass(frozen=True)
class _FittedPart:
    """A model fitted without the rows it is asked about."""

    model: Any
    rows: npt.NDArray[np.intp]


@dataclass(frozen=True)
class CrossFit:
    """Models fitted on folds, and a sample of the rows that each had not seen.

    Parameters
    ----------
    parts : tuple
        Fitted model and positions of its test rows, for each fold that there was time for.
    """

    parts: tuple[_FittedPart, ...]

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Positions of all sampled rows, part after part."""
        return np.concatenate([part.rows for part in self.parts])

    @property
    def part_of_row(self) -> npt.NDArray[np.intp]:
        """Number of the part that each of `rows` belongs to."""
        return np.repeat(np.arange(len(self.parts)), [len(part.rows) for part in self.parts])


@dataclass(frozen=True)
class Shuffler:
    """Out-of-fold predictions with some raw columns shuffled.

    The raw column is shuffled, so everything that features.py derives from it moves with it.

    Parameters
    ----------
    fitted : CrossFit
        Models and the rows they had not seen.
    frame : pandas.DataFrame of shape (n, columns)
        Development rows.
    problem : ProblemDefinition
        Names the features and the primary metric.
    build_features : callable
        The project's features.py.
    threshold : float or None
        Decision threshold in force.
    rng : numpy.random.Generator
        Source of the shuffles.
    """

    fitted: CrossFit
    frame: pd.DataFrame
    problem: ProblemDefinition
    build_features: Callable[[pd.DataFrame], pd.DataFrame]
    threshold: float | None
    rng: np.random.Generator

    def answers(self, shuffles: Sequence[Sequence[str]]) -> list[Predictions]:
        """Predictions for `fitted.rows`, once for each set of columns that is shuffled together within folds.

        All of them go through features.py and the models in one piece, which costs little more than one alone.
        """
        rows = self.fitted.rows
        sample = self.frame.iloc[rows]
        copies = pd.concat([self._shuffled(sample, columns) for columns in shuffles], ignore_index=True)
        features = self.build_features(copies)
        part_of_row = np.tile(self.fitted.part_of_row, len(shuffles))
        answers = [
            predict(part.model, features[part_of_row == number], self.problem, threshold=self.threshold)
            for number, part in enumerate(self.fitted.parts)
        ]
        order = np.argsort(np.argsort(part_of_row, kind="stable"), kind="stable")
        together = _take(_stack(answers), order)
        return [_take(together, np.arange(start, start + len(rows))) for start in range(0, len(order), len(rows))]

    def _shuffled(self, sample: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        order = np.arange(len(sample))
        for number in range(len(self.fitted.parts)):
            places = np.flatnonzero(self.fitted.part_of_row == number)
            order[places] = self.rng.permutation(places)
        # Not by assign(): a column may be called 'self'.
        shuffled = sample.copy(deep=False)
        for column in columns:
            shuffled[column] = sample[column].array[order]
        return shuffled


def cross_fit(
    model: Any,
    features: pd.DataFrame,
    target: npt.NDArray[Any],
    pairs: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    *,
    queries: npt.NDArray[np.integer] | None = None,
    clock: Callable[[], float],
    budget_seconds: float,
    most_rows: int = 1500,
    most_fit_rows: int = 20_000,
    seed: int = 0,
) -> CrossFit:
    """Fit fresh copies of `model` on the training part of each fold until time is up; the first is always fitted.

    Parameters
    ----------
    model : estimator
        The champion; only its parameters are used.
    features : pandas.DataFrame of shape (n, m)
        What features.py gave for the development rows.
    target : numpy.ndarray of shape (n,)
        The target's own values.
    pairs : sequence of (train, test) positions
        The planned folds.
    queries : numpy.ndarray of shape (n,), optional
        Query of each row of a ranking; samples hold whole queries then.
    clock : callable
        Monotonic seconds.
    budget_seconds : float
        No fold is begun that would, as slow as the slowest before, end later than this.
    most_rows : int
        Test rows kept over all folds together.
    most_fit_rows : int
        Training rows used in each fold.
    seed : int
        Random state of both samples.
    """
    rng = np.random.default_rng(seed)
    started = clock()
    slowest = 0.0
    parts: list[_FittedPart] = []
    for train, test in pairs:
        begun = clock()
        if parts and begun - started + slowest > budget_seconds:
            break
        fit_rows = _sample(train, most_fit_rows, rng, queries)
        known = None if queries is None else queries[fit_rows]
        fitted = fit_told(clone(model), features.iloc[fit_rows], target[fit_rows], queries=known)
        parts.append(_FittedPart(fitted, _sample(test, ceil(most_rows / len(pairs)), rng, queries)))
        slowest = max(slowest, clock() - begun)
    return CrossFit(tuple(parts))


def _sample(
    positions: npt.NDArray[np.intp], most: int, rng: np.random.Generator, queries: npt.NDArray[np.integer] | None
) -> npt.NDArray[np.intp]:
    if len(positions) <= most:
        return positions
    if queries is not None:
        return positions[sample_whole(queries[positions], most, rng)]
    return np.sort(rng.choice(positions, most, replace=False))


def permutation_importance(
    shuffler: Shuffler,
    actual: npt.NDArray[np.generic],
    *,
    clusters: npt.NDArray[np.integer] | None,
    clock: Callable[[], float],
    budget_seconds: float,
    seed: int = 0,
) -> tuple[Importance, ...]:
    """Loss of primary metric when a raw column is shuffled within each fold's test rows.

    The interval is that of the paired difference, resampled by row (by cluster where there are groups), each row
    together with all its shuffles.

    Parameters
    ----------
    shuffler : Shuffler
        Fitted models and the rows they had not seen.
    actual : numpy.ndarray of shape (n,)
        Class codes or numbers of all development rows.
    clusters : numpy.ndarray of shape (n,), optional
        Group of each development row.
    clock, budget_seconds
        Columns that there is no time for are left out; with many columns the leading suspects come first.
    seed : int
        Random state of the bootstrap.

    Returns
    -------
    tuple of Importance
        Most needed first; empty if the primary metric is undefined on the sampled rows.
    """
    problem, rows = shuffler.problem, shuffler.fitted.rows
    # Two shuffles of a query beside each other would be one query of twice the rows.
    shuffles = 1 if problem.task_type == "ranking" else _SHUFFLES
    units = np.tile(rows if clusters is None else clusters[rows], shuffles)
    (plain,) = shuffler.answers([()])
    model = make_outcomes(
        problem, np.concatenate([actual[rows]] * shuffles), _stack([plain] * shuffles), clusters=units
    )
    metric = problem.primary_metric
    if not isfinite(metric_value(metric, model)):
        return ()
    started = clock()
    found: list[Importance] = []
    columns = _suspects(shuffler, actual[rows], units[: len(rows)])
    at_once = max(1, _ROWS_AT_ONCE // (shuffles * len(rows)))
    for start in range(0, len(columns), at_once):
        if found and clock() - started > budget_seconds:
            break
        batch = columns[start : start + at_once]
        shuffled = shuffler.answers([(column,) for column in batch for _ in range(shuffles)])
        for place, column in enumerate(batch):
            answers = _stack(shuffled[place * shuffles : (place + 1) * shuffles])
            worse = make_outcomes(problem, model.actual, answers, clusters=units)
            drop = gain(metric, model, worse, replicates=_REPLICATES, seed=seed)
            # Without groups, a unit is one row with its shuffles.
            method = drop.method if clusters is not None else drop.method.replace(" groups,", " rows,")
            told = drop.model_copy(update={"rows": len(rows), "method": method})
            found.append(Importance(feature=column, drop=told))
    return tuple(sorted(found, key=lambda importance: -importance.drop.value))


def _take(answers: Predictions, places: npt.NDArray[np.intp]) -> Predictions:
    probabilities = None if answers.probabilities is None else answers.probabilities[places]
    return Predictions(answers.predicted[places], probabilities)


def _stack(parts: Sequence[Predictions]) -> Predictions:
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return Predictions(
        np.concatenate([part.predicted for part in parts]),
        np.concatenate(probabilities) if len(probabilities) == len(parts) else None,
    )


def _suspects(shuffler: Shuffler, actual: npt.NDArray[np.generic], units: npt.NDArray[np.integer]) -> list[str]:
    """The columns to look at one by one.

    With more columns than that, blocks of columns are shuffled together, and the columns of the blocks whose
    shuffling hurts most are taken: a few dozen predictions instead of thousands.
    """
    problem = shuffler.problem
    names = [column.name for column in problem.features]
    if len(names) <= _MOST_COLUMNS:
        return names
    size = ceil(len(names) / _MOST_COLUMNS)
    blocks = [names[start : start + size] for start in range(0, len(names), size)]
    sign = 1 if direction_of(problem.primary_metric) == "higher" else -1
    answers = [shuffler.answers([block])[0] for block in blocks]
    shuffled = [make_outcomes(problem, actual, one, clusters=units) for one in answers]
    score = [sign * metric_value(problem.primary_metric, one) for one in shuffled]
    ranked = [name for place in np.argsort(score, kind="stable") for name in blocks[place]]
    return ranked[:_MOST_COLUMNS]
