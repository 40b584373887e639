"""What is compared between groups, row by row, and which measure decides: by what the answer is used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_engineer.statistics.metrics import Outcomes, Task
from ml_engineer.vocabulary.fairness import FairnessMeasure, FairnessUse
from ml_engineer.vocabulary.problem import Costs

__all__ = ["Measured", "choose_use", "deciding_measure", "measures_of"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_MEASURES: dict[FairnessUse, tuple[FairnessMeasure, ...]] = {
    "allocation": ("recall", "selection_rate", "calibration"),
    "alarm": ("false_positive_rate", "precision", "calibration"),
    "scores": ("calibration", "selection_rate"),
}
_HOW_TO_CHANGE = "set fairness_use in problem.yaml if this is not how the answer is used"


@dataclass(frozen=True)
class Measured:
    """A measure as one value a row, and the rows it is defined for.

    Parameters
    ----------
    measure : FairnessMeasure
        What the mean of the values is.
    values : numpy.ndarray of shape (n,)
        0 or 1 for shares; errors otherwise.
    counted : numpy.ndarray of shape (n,), bool
        Rows in the denominator.
    is_share : bool
        Whether values are 0 or 1.
    scale : float
        What differences are divided by before they meet the tolerance: 1 for shares, the mean absolute error of all
        rows for errors of numbers.
    counted_as : str
        What the denominator counts, in words.
    """

    measure: FairnessMeasure
    values: Floats
    counted: Flags
    is_share: bool
    scale: float = 1.0
    counted_as: str = "rows"


def choose_use(
    task: Task, *, given: FairnessUse | None, costs: Costs | None, positive: str | None
) -> tuple[FairnessUse | None, str]:
    """What the answer is used for, and a sentence that says which measure decides and why.

    Parameters
    ----------
    task : {'binary', 'multiclass', 'regression'}
        Kind of task.
    given : {'allocation', 'alarm', 'scores'}, optional
        What the person said.
    costs : Costs, optional
        What errors cost.
    positive : str, optional
        Label of the positive class.
    """
    if task == "regression":
        return (
            None,
            "numbers are predicted: the mean absolute error of each group decides, its mean error stands beside",
        )
    if task == "multiclass":
        return None, "several classes are predicted: the accuracy in each group decides"
    if given is not None:
        return given, f"{_explained(given, positive)}, because problem.yaml sets fairness_use to {given!r}"
    if costs is not None and costs.false_positive > costs.false_negative:
        because = f"a false alarm costs more ({costs.false_positive:g}) than a miss ({costs.false_negative:g})"
        return "alarm", f"{_explained('alarm', positive)}, because {because}; {_HOW_TO_CHANGE}"
    if costs is not None:
        because = f"a miss costs no less ({costs.false_negative:g}) than a false alarm ({costs.false_positive:g})"
    else:
        because = "no costs were given and a positive answer is taken to be something that people want or need"
    return "allocation", f"{_explained('allocation', positive)}, because {because}; {_HOW_TO_CHANGE}"


def _explained(use: FairnessUse, positive: str | None) -> str:
    called = f"'{positive}'" if positive is not None else "positive"
    return {
        "allocation": f"who is missed counts: recall of {called} decides, the selection rate stands beside",
        "alarm": f"who is wrongly called {called} counts: the false positive rate decides, precision stands beside",
        "scores": "probabilities are read as they are: calibration within each group decides",
    }[use]


def deciding_measure(task: Task, use: FairnessUse | None) -> FairnessMeasure:
    """The measure whose difference between groups is judged first."""
    if task == "regression":
        return "mae"
    return "accuracy" if task == "multiclass" or use is None else _MEASURES[use][0]


def measures_of(outcomes: Outcomes, use: FairnessUse | None) -> list[Measured]:
    """The measures for a use, the deciding one first; calibration only where there are probabilities."""
    if outcomes.task == "regression":
        return _errors(outcomes)
    if outcomes.task == "multiclass" or use is None:
        hits = (outcomes.actual == outcomes.predicted).astype(float)
        return [Measured("accuracy", hits, np.ones(outcomes.rows, dtype=bool), is_share=True)]
    found = (_binary(measure, outcomes) for measure in _MEASURES[use])
    return [measured for measured in found if measured is not None]


def _errors(outcomes: Outcomes) -> list[Measured]:
    errors = outcomes.predicted.astype(float) - outcomes.actual.astype(float)
    everyone = np.ones(outcomes.rows, dtype=bool)
    scale = float(np.abs(errors).mean()) or 1.0
    return [
        Measured("mae", np.abs(errors), everyone, is_share=False, scale=scale),
        Measured("mean_error", errors, everyone, is_share=False, scale=scale),
    ]


def _binary(measure: FairnessMeasure, outcomes: Outcomes) -> Measured | None:
    everyone = np.ones(outcomes.rows, dtype=bool)
    positive, called = outcomes.actual == outcomes.positive, outcomes.predicted == outcomes.positive
    if measure == "calibration":
        if outcomes.probabilities is None:
            return None
        expected = np.asarray(outcomes.probabilities, dtype=float)[:, outcomes.positive]
        return Measured(measure, positive - expected, everyone, is_share=False)
    values, counted, counted_as = {
        "selection_rate": (called, everyone, "rows"),
        "recall": (called, positive, "rows of the positive class"),
        "false_positive_rate": (called, ~positive, "rows of the negative class"),
        "precision": (positive, called, "rows that were called positive"),
    }[measure]
    return Measured(measure, values.astype(float), counted, is_share=True, counted_as=counted_as)
