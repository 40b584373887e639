"""The champion's out-of-fold predictions as outcomes, and the groups of people compared on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml_engineer.statistics.fairness import assess_fairness
from ml_engineer.statistics.group_measures import choose_use
from ml_engineer.statistics.label_sets import chosen_labels, membership
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.ordinal import in_level_order
from ml_engineer.vocabulary.fairness import FairnessAssessment
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["assess_groups", "entities", "out_of_fold_outcomes"]


def out_of_fold_outcomes(
    problem: ProblemDefinition, frame: pd.DataFrame, predictions: pd.DataFrame
) -> tuple[Outcomes, np.ndarray]:
    """What was predicted for the development rows by models that had not seen them.

    Parameters
    ----------
    problem : ProblemDefinition
        The framed problem.
    frame : pandas.DataFrame of shape (n, columns)
        Development rows; the index is the row number in the source.
    predictions : pandas.DataFrame
        With columns ``row``, ``fold``, ``predicted`` and, for classification, ``p0`` to ``p{k-1}``.

    Returns
    -------
    outcomes : Outcomes
        Of the m rows that have a prediction.
    kept : numpy.ndarray of shape (m,)
        Their positions in `frame`.
    """
    scored = predictions[predictions["fold"] >= 0].set_index("row")
    kept = np.flatnonzero(frame.index.isin(scored.index))
    scored = scored.loc[frame.index[kept]]
    rows = frame.iloc[kept]
    columns = [f"p{code}" for code in range(len(problem.classes))]
    with_probabilities = bool(columns) and set(columns) <= set(scored.columns)
    return (
        Outcomes(
            task=problem.form,
            # Coded over all rows, so that a class missing among some of them does not shift the others.
            actual=_actual(problem, frame[problem.target])[kept],
            predicted=_predicted(problem, scored),
            probabilities=scored[columns].to_numpy(dtype=float) if with_probabilities else None,
            n_classes=len(problem.classes),
            positive=problem.classes.index(problem.positive_class) if problem.positive_class in problem.classes else 1,
            costs=problem.costs,
            clusters=entities(problem, rows),
            named=problem.named,
            quantile=problem.quantile,
        ),
        kept,
    )


def _predicted(problem: ProblemDefinition, scored: pd.DataFrame) -> np.ndarray:
    labelled = problem.form == "multilabel"
    return chosen_labels(scored, len(problem.classes)) if labelled else scored["predicted"].to_numpy()


def _actual(problem: ProblemDefinition, target: pd.Series) -> np.ndarray:
    if problem.form == "regression":
        return target.to_numpy(dtype=float)
    if problem.form == "multilabel":
        return membership(target, problem.classes)
    if problem.judged_as == "ordinal":
        return in_level_order(target, problem.classes).cat.codes.to_numpy(dtype=int)
    return pd.factorize(target, sort=True)[0]


def entities(problem: ProblemDefinition, rows: pd.DataFrame) -> np.ndarray | None:
    """Number of the entity of each row, where rows share one: those of a declared group are not independent."""
    columns = list(problem.split.group_columns)
    if not columns or not set(columns) <= set(rows.columns):
        return None
    return rows.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()


def assess_groups(
    problem: ProblemDefinition,
    frame: pd.DataFrame,
    predictions: pd.DataFrame,
    groups: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
) -> FairnessAssessment:
    """Compare the groups of every sensitive column on out-of-fold predictions.

    Parameters
    ----------
    problem, frame, predictions
        As in `out_of_fold_outcomes`.
    groups : mapping of str to numpy.ndarray of shape (n,)
        Group of each row of `frame`, by sensitive column.
    seed : int
        Random state.
    """
    outcomes, kept = out_of_fold_outcomes(problem, frame, predictions)
    use, reason = choose_use(
        outcomes.task, given=problem.fairness_use, costs=problem.costs, positive=problem.positive_class
    )
    return assess_fairness(
        outcomes,
        {name: labels[kept] for name, labels in groups.items()},
        basis="out-of-fold",
        use=use,
        use_reason=reason,
        tolerance=problem.fairness_tolerance,
        seed=seed,
    )
