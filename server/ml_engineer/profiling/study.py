"""Development rows, looked at with the target: roles, suspects, metric, baseline and signal in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import InputError
from ml_engineer.profiling.after_the_fact import Suspicion, find_suspects
from ml_engineer.profiling.columns import ColumnsProfile
from ml_engineer.profiling.decisions import ColumnDecisions, decide_columns
from ml_engineer.profiling.label_suspects import suspects_of_labels
from ml_engineer.profiling.metric_choice import choose_metric
from ml_engineer.profiling.names import quoted
from ml_engineer.profiling.quick_inputs import encode_inputs
from ml_engineer.profiling.quick_model import FoldPairs, QuickTarget
from ml_engineer.profiling.roles import Structure, read_roles
from ml_engineer.profiling.signal import SignalReading, measure_signal
from ml_engineer.profiling.target import TargetReading
from ml_engineer.statistics.label_sets import membership
from ml_engineer.statistics.resampling import sample_whole
from ml_engineer.statistics.survival_curves import martingale_residuals
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import ProblemColumn

__all__ = ["DevelopmentRows", "Study", "study_development"]

_MOST_ROWS: Final = 10_000
_FEWEST_ROWS: Final = 2_000
_MOST_CELLS: Final = 2_000_000
"""What is looked at for suspects and signal: with more, the answer is the same and the wait is longer."""


@dataclass(frozen=True)
class DevelopmentRows:
    """Development rows and how they depend on one another.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, columns)
        The rows.
    folds : numpy.ndarray of shape (n,)
        Fold of each row.
    pairs : callable
        Folds of some rows to training and test positions among them.
    groups : numpy.ndarray of shape (n,) or None
        Group of each row.
    time_column : str or None
        Column that orders the rows, where the split is by time.
    more_folds : tuple of numpy.ndarray of shape (n,)
        Further foldings, where rows are few.
    """

    frame: pd.DataFrame
    folds: npt.NDArray[np.integer]
    pairs: Callable[[npt.NDArray[np.integer]], FoldPairs]
    groups: npt.NDArray[np.integer] | None = None
    time_column: str | None = None
    more_folds: tuple[npt.NDArray[np.integer], ...] = ()


@dataclass(frozen=True)
class Study:
    """What development rows say about the problem.

    Parameters
    ----------
    columns : tuple of ProblemColumn
        Every column with its final role, use and availability.
    suspects : dict of str to Suspicion
        Columns that may be known only after the fact, whatever was decided of them.
    metric, metric_reason : str
        Primary metric and why.
    result : SignalReading
        Baseline and signal test.
    target : QuickTarget
        The target of all development rows.
    """

    columns: tuple[ProblemColumn, ...]
    suspects: dict[str, Suspicion]
    metric: Metric
    metric_reason: str
    result: SignalReading
    target: QuickTarget


def study_development(
    rows: DevelopmentRows,
    profile: ColumnsProfile,
    *,
    structure: Structure,
    reading: TargetReading,
    decisions: ColumnDecisions,
    metric: Metric | None,
    counts: bool,
    quantile: float | None,
    has_costs: bool,
    seed: int,
) -> Study:
    """Look at development rows with their target.

    Parameters
    ----------
    rows : DevelopmentRows
        The rows; held-out rows are not among them.
    profile : ColumnsProfile
        What their columns look like.
    structure, reading
        What was found before the rows were dealt.
    decisions : ColumnDecisions
        What the person said about columns.
    metric : Metric, optional
        Primary metric that the person named.
    counts, quantile
        Whether numbers count things, and the quantile that is wanted of them.
    has_costs : bool
        Whether the costs of errors are known.
    seed : int
        Random state.

    Raises
    ------
    InputError
        If the target does not vary among development rows.
    """
    target = _quick_target(rows.frame[structure.target], reading)
    if len(np.unique(target.values)) < 2:
        raise InputError(
            f"The target {quoted(structure.target)} does not vary among the development rows",
            found=f"{len(target.values):,} rows with one value; all others are held out",
            remedy="Pass another split, or bring more rows",
        )
    chosen, why = choose_metric(
        reading.judged_as,
        target.values,
        positive=target.positive,
        has_costs=has_costs,
        wanted=metric,
        counts=counts,
        quantile=quantile,
    )
    target = replace(target, absolute=chosen in _ABSOLUTE, quantile=quantile)
    judged = None
    if reading.task_type == "survival":
        # Columns are looked at by what their rows had of events beyond what follow-up leads to expect.
        judged, target = target.values, QuickTarget(target.task, martingale_residuals(target.values))
    inferred = read_roles(rows.frame, profile, structure)
    unsuspected = decide_columns(inferred, {}, decisions)
    queries = rows.groups if reading.task_type == "ranking" else None
    sample = _sample(rows, columns=sum(column.used for column in unsuspected), seed=seed, whole=queries)
    frame, sampled = rows.frame.iloc[sample], target.take(sample)
    pairs = rows.pairs(rows.folds[sample])
    used = [column for column in unsuspected if column.used]
    inputs = encode_inputs(frame, used)
    find = partial(
        find_suspects,
        frame,
        used,
        target_name=structure.target,
        inputs=inputs,
        pairs=pairs,
        halves=rows.folds[sample] % 2 == 0,
        seed=seed,
    )
    labelled = sampled.task == "multilabel"
    suspects = suspects_of_labels(find, sampled, reading.classes) if labelled else find(target=sampled)
    columns = decide_columns(inferred, suspects, decisions)
    left = [column for column in columns if column.used]
    result = measure_signal(
        inputs if len(left) == len(used) else encode_inputs(frame, left),
        sampled,
        pairs,
        metric=chosen,
        seed=seed,
        clusters=None if rows.groups is None else rows.groups[sample],
        blocks=rows.time_column is not None,
        judged=None if judged is None else judged[sample],
    )
    return Study(columns, suspects, chosen, why, result, target)


_ABSOLUTE: Final[frozenset[Metric]] = frozenset({"mae", "median_absolute_error"})


def _quick_target(column: pd.Series, reading: TargetReading) -> QuickTarget:
    if reading.task == "regression":
        return QuickTarget("regression", column.to_numpy(dtype=float))
    if reading.task == "multilabel":
        return QuickTarget("multilabel", membership(column, reading.classes), len(reading.classes))
    codes, values = pd.factorize(column)
    place = {label: code for code, label in enumerate(reading.classes)}
    known = np.array([place[str(value)] for value in values])
    positive = place[reading.positive_class] if reading.positive_class is not None else 1
    return QuickTarget(reading.task, known[codes], len(reading.classes), positive)


def _sample(
    rows: DevelopmentRows, *, columns: int, seed: int, whole: npt.NDArray[np.integer] | None
) -> npt.NDArray[np.intp]:
    """Positions of the rows to look at, in time order where the split is by time; all or none of the rows of `whole`."""
    size = int(np.clip(_MOST_CELLS // max(columns, 1), _FEWEST_ROWS, _MOST_ROWS))
    positions: Sequence[int] | npt.NDArray[np.intp] = np.arange(len(rows.frame))
    if len(positions) > size and whole is not None:
        return sample_whole(whole, size, np.random.default_rng(seed))
    if len(positions) > size:
        positions = np.sort(np.random.default_rng(seed).choice(len(rows.frame), size, replace=False))
    positions = np.asarray(positions, dtype=np.intp)
    if rows.time_column is None:
        return positions
    order = np.argsort(rows.frame[rows.time_column].to_numpy()[positions], kind="stable")
    return positions[order]
