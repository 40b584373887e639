"""The number that decides, and why."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ml_engineer.errors import InputError
from ml_engineer.statistics.metrics import metrics_for, primary_metrics_for
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import TaskType

__all__ = ["choose_metric", "require_metric"]

_RARE: Final = 0.05
_SMALL_COUNTS: Final = 10.0
_HEAVY: Final = 8.0
"""How many times farther the 1 % tail lies from the median than the quartile (normal 3.4, exponential 5.6)."""

_USUAL: Final[dict[TaskType, tuple[Metric, str]]] = {
    "multiclass": (
        "log_loss",
        "it judges the probabilities of all classes at once, whatever threshold is used later",
    ),
    "ordinal": (
        "ranked_probability_score",
        "it judges the probabilities of all levels at once, and a miss by two levels more than by one",
    ),
    "ranking": ("ndcg_at_10", "it judges the order of each query's rows by relevance, and its first places most"),
    "multilabel": (
        "average_precision",
        "it judges, label by label, how pure the rows ranked first for it are; every label counts the same, rare ones too",
    ),
    "survival": (
        "concordance",
        "it judges whether rows with the event sooner get the higher score, however long each was followed",
    ),
}
"""The metric of a task whose values do not speak for another, and why."""


def require_metric(metric: Metric, task: TaskType, *, has_costs: bool) -> None:
    """Refuse a metric that does not fit the task, or that candidates cannot be compared by.

    Raises
    ------
    InputError
        Naming those that do.
    """
    allowed = primary_metrics_for(task, has_costs=has_costs)
    if metric not in allowed and metric in metrics_for(task, has_costs=has_costs):
        raise InputError(
            f"The metric {metric!r} judges what only the champion of a {task} task tells, and cannot choose it",
            found=f"candidates are compared by {', '.join(allowed)}",
            remedy=f"Pass metric={allowed[0]!r}, or leave it out: evaluate reports {metric} beside it",
        )
    if metric not in allowed:
        needs = " (expected_cost needs both costs)" if metric == "expected_cost" and task == "binary" else ""
        raise InputError(
            f"The metric {metric!r} does not fit a {task} task{needs}",
            found=f"allowed: {', '.join(allowed)}",
            remedy="Pass one of them as metric, or leave it out",
        )


def choose_metric(
    task: TaskType,
    values: npt.NDArray[np.number],
    *,
    positive: int = 1,
    has_costs: bool = False,
    wanted: Metric | None = None,
    counts: bool = False,
    quantile: float | None = None,
) -> tuple[Metric, str]:
    """The primary metric and the reason in a sentence.

    Parameters
    ----------
    task : TaskType
        What the task is judged as.
    values : numpy.ndarray of shape (n,)
        Class codes or numbers of the development rows.
    positive : int
        Code of the positive class; binary tasks.
    has_costs : bool
        Whether the costs of errors are known.
    wanted : Metric, optional
        What the person said.
    counts : bool
        Whether numbers count things.
    quantile : float, optional
        The quantile that the person asked for.

    Raises
    ------
    InputError
        If `wanted` does not fit the task.
    """
    if quantile is not None:
        return "pinball", f"it is least where the prediction is the {quantile:g} quantile, as asked"
    if wanted is not None:
        require_metric(wanted, task, has_costs=has_costs)
        return wanted, "named by the person"
    if task in _USUAL:
        return _USUAL[task]
    if task == "regression":
        return _for_numbers(values.astype(float), counts=counts)
    share = float((values == positive).mean())
    if share < _RARE:
        pure = "it judges how pure the rows ranked first are, where accuracy would reward never finding one"
        return "average_precision", f"only {share:.1%} of the rows are positive: {pure}"
    ranked = f"it judges how well positive rows are ranked above negative ones ({share:.0%} are positive)"
    return "roc_auc", f"{ranked}, whatever threshold is used later"


def _for_numbers(values: npt.NDArray[np.float64], *, counts: bool) -> tuple[Metric, str]:
    if counts and values.mean() < _SMALL_COUNTS:
        told = "the target counts things and most counts are small: an error of one is much beside an expected one"
        return "poisson_deviance", told
    low, lower, median, upper, high = np.percentile(values, [1, 25, 50, 75, 99])
    above = (high - median) / (upper - median) if upper > median else np.inf if high > median else 0.0
    below = (median - low) / (median - lower) if median > lower else np.inf if median > low else 0.0
    if max(above, below) > _HEAVY:
        return "mae", "the target has a heavy tail: squared errors would be decided by a few extreme rows"
    return "rmse", "it is in the target's unit and weighs large errors more, and no few rows dominate it"
