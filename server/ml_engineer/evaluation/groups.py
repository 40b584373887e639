"""Metrics per sensitive group: with intervals, and never for groups too small to say anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.statistics.fairness import assess_fairness
from ml_engineer.statistics.group_cells import FEWEST_ROWS
from ml_engineer.statistics.group_measures import choose_use
from ml_engineer.statistics.intervals import estimate, share_of_rows
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import GroupResult
from ml_engineer.vocabulary.fairness import FairnessAssessment
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["compare_held_out_groups", "group_labels", "score_groups", "worst_group"]

_MOST_GROUPS = 12
_MISSING = "(missing)"
_OTHER = "(other values)"
_METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("selection_rate", "accuracy", "recall", "false_positive_rate", "precision"),
    "multiclass": ("accuracy",),
    "regression": ("mae",),
}


def group_labels(column: pd.Series, reference: pd.Series) -> npt.NDArray[np.object_]:
    """Name of the group that each row belongs to.

    Numbers with more than ten distinct values are cut into ranges: decades where they look like ages (within 0 to
    120 and at least 30 apart), quarters of the reference rows otherwise. Of many text values the most frequent
    are kept and the rest is pooled. Cuts and choices come from `reference`, never from the rows that are judged.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        Rows to name.
    reference : pandas.Series of shape (m,)
        Development rows of the same column.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        column, reference = column.dt.year, reference.dt.year
    numeric = pd.api.types.is_numeric_dtype(reference) and not pd.api.types.is_bool_dtype(reference)
    if numeric and reference.nunique() > 10:
        return _ranges(pd.to_numeric(column, errors="coerce").to_numpy(dtype=float), reference.dropna().to_numpy(float))
    known = [_as_text(value) for value in reference.value_counts().index]
    kept = set(known if len(known) <= _MOST_GROUPS else known[: _MOST_GROUPS - 1])
    names = [_MISSING if pd.isna(value) else _as_text(value) for value in column]
    return np.array([name if name in kept or name == _MISSING else _OTHER for name in names], dtype=object)


def _as_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _ranges(values: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    low, high = reference.min(), reference.max()
    if low >= 0 and high <= 120 and high - low >= 30:
        edges = np.arange(10 * (low // 10 + 1), high + 1, 10)
    else:
        edges = np.unique(np.quantile(reference, [0.25, 0.5, 0.75]))
    edges = edges[edges > low]
    if not len(edges):
        # Three quarters of the rows share the lowest value: it is one group, all else the other.
        edges = np.array([reference[reference > low].min()])
    texts = [f"{edge:g}" for edge in edges]
    between = (f"{first} to below {second}" for first, second in pairwise(texts))
    names = np.array([f"below {texts[0]}", *between, f"{texts[-1]} and above"], dtype=object)
    labels = names[np.searchsorted(edges, values, side="right")]
    labels[np.isnan(values)] = _MISSING
    return labels


def compare_held_out_groups(
    problem: ProblemDefinition,
    outcomes: Outcomes,
    groups: Mapping[str, npt.NDArray[np.object_]],
    *,
    seed: int = 0,
) -> FairnessAssessment | None:
    """The groups of every sensitive column compared on held-out rows, in aggregate; none without such a column.

    Parameters
    ----------
    problem : ProblemDefinition
        Tells use and tolerance.
    outcomes : Outcomes
        The model on n held-out rows.
    groups : mapping of str to numpy.ndarray of shape (n,)
        Group of each row, by sensitive column.
    seed : int
        Random state.
    """
    if not groups:
        return None
    use, reason = choose_use(
        outcomes.task, given=problem.fairness_use, costs=problem.costs, positive=problem.positive_class
    )
    return assess_fairness(
        outcomes,
        groups,
        basis="held-out",
        use=use,
        use_reason=reason,
        tolerance=problem.fairness_tolerance,
        seed=seed,
    )


def score_groups(
    column: str, labels: npt.NDArray[np.object_], outcomes: Outcomes, *, seed: int = 0
) -> Iterator[GroupResult]:
    """Each metric of the task for each group, largest group first; too small ones are named with the reason.

    Parameters
    ----------
    column : str
        Sensitive column.
    labels : numpy.ndarray of shape (n,)
        Group of each row.
    outcomes : Outcomes
        The model on the same rows.
    seed : int
        Random state of the bootstrap.

    Yields
    ------
    GroupResult
    """
    names, sizes = np.unique(labels.astype(str), return_counts=True)
    for place in np.argsort(-sizes, kind="stable"):
        members = outcomes.take(labels == names[place])
        for metric in _METRICS[outcomes.task]:
            value, note = _score(metric, members, seed)
            yield GroupResult(
                column=column, group=str(names[place]), rows=members.rows, metric=metric, estimate=value, note=note
            )


def _score(metric: str, members: Outcomes, seed: int) -> tuple[Estimate | None, str]:
    """Value of a metric in a group, or why there is none."""
    if metric == "mae":
        if members.rows < FEWEST_ROWS:
            return None, _too_few(members.rows, "rows")
        return estimate("mae", members, seed=seed), ""
    counted, hits, what = _share(metric, members)
    if counted.sum() < FEWEST_ROWS:
        return None, _too_few(int(counted.sum()), what)
    return share_of_rows(hits[counted], members.take(counted), seed=seed), ""


def _too_few(rows: int, what: str) -> str:
    return f"too few {what}: {rows}, and at least {FEWEST_ROWS} are needed"


def _share(metric: str, members: Outcomes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], str]:
    """Rows in the denominator, rows with the property, and what the denominator is called."""
    everyone = np.ones(members.rows, dtype=bool)
    positive, called = members.actual == members.positive, members.predicted == members.positive
    return {
        "accuracy": (everyone, members.actual == members.predicted, "rows"),
        "selection_rate": (everyone, called, "rows"),
        "recall": (positive, called, "rows of the positive class"),
        "false_positive_rate": (~positive, called, "rows of the negative class"),
        "precision": (called, positive, "rows that were called positive"),
    }[metric]


def worst_group(results: Sequence[GroupResult]) -> str | None:
    """The group with the poorest value, in words; none if no column has two groups with a value.

    Compared by recall for two classes, accuracy for several, MAE for numbers.
    """
    for metric in ("recall", "mae", "accuracy"):
        valued = [
            (result, result.estimate) for result in results if result.metric == metric and result.estimate is not None
        ]
        if len(valued) >= 2:
            sign = -1 if metric == "mae" else 1
            worst, value = min(valued, key=lambda pair: sign * pair[1].value)
            return f"{worst.column} = {worst.group}: {metric} {value} on {value.rows} rows"
    return None
