"""Which pictures an evaluation has: curves of held-out rows in aggregate, single points of development rows only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_engineer.evaluation.curves import calibration, precision_recall, roc
from ml_engineer.evaluation.held_out import count_confusion
from ml_engineer.evaluation.label_scores import all_labels
from ml_engineer.evaluation.places import relevance_by_place
from ml_engineer.evaluation.plots import (
    draw_calibration,
    draw_confusion,
    draw_curves,
    draw_importance,
    draw_predicted_against_actual,
    draw_relevance_by_place,
    draw_residuals,
    draw_survival,
)
from ml_engineer.evaluation.survival import by_risk
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.vocabulary.evaluation import Importance
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = ["Picture", "draw_pictures"]

_MOST_MATRIX_CLASSES = 20


@dataclass(frozen=True)
class Picture:
    """One picture.

    Parameters
    ----------
    name : str
        Stem of its file, ASCII.
    title : str
        What it shows.
    svg : str
        The file's text.
    """

    name: str
    title: str
    svg: str


def draw_pictures(
    problem: ProblemDefinition,
    *,
    held_out: Outcomes,
    classes: tuple[str, ...],
    out_of_fold: Outcomes | None,
    importances: Sequence[Importance],
) -> Iterator[Picture]:
    """Every picture that the task has and the rows allow.

    Parameters
    ----------
    problem : ProblemDefinition
        Tells task, unit and primary metric.
    held_out : Outcomes
        Drawn in aggregate only.
    classes : tuple of str
        Labels of the codes in `held_out`.
    out_of_fold : Outcomes, optional
        Predictions of development rows; drawn point by point.
    importances : sequence of Importance
        Most needed first.
    """
    if held_out.named == "ranking":
        svg = draw_relevance_by_place(relevance_by_place(held_out))
        yield Picture("relevance_by_place", "Mean relevance by place, held-out queries", svg)
    elif held_out.named == "survival":
        svg = draw_survival(by_risk(held_out))
        yield Picture("survival_by_risk", "Survival by predicted risk, held-out rows", svg)
    elif held_out.task != "regression":
        yield from _classification(held_out, classes)
    elif out_of_fold is not None:
        unit = f" ({problem.unit})" if problem.unit else ""
        yield Picture(
            "predicted_actual",
            "Predicted against actual, out-of-fold development rows",
            draw_predicted_against_actual(out_of_fold, unit=unit),
        )
        yield Picture(
            "residuals", "Errors by prediction, out-of-fold development rows", draw_residuals(out_of_fold, unit=unit)
        )
    if importances:
        metric = problem.primary_metric.replace("_", " ")
        yield Picture("importance", "Permutation importance, out of fold", draw_importance(importances, metric=metric))


def _classification(held_out: Outcomes, classes: tuple[str, ...]) -> Iterator[Picture]:
    if curves := roc(held_out, classes):
        svg = draw_curves(curves, x="false-positive rate", y="recall", chance="diagonal")
        yield Picture("roc", "ROC curve, held-out rows", svg)
    if curves := precision_recall(held_out, classes):
        svg = draw_curves(curves, x="recall", y="precision", chance="share")
        yield Picture("precision_recall", "Precision and recall, held-out rows", svg)
    labelled = held_out.task == "multilabel"
    if (bins := calibration(all_labels(held_out) if labelled else held_out)) is not None:
        what = "Calibration over all labels, held-out rows" if labelled else "Calibration, held-out rows"
        yield Picture("calibration", what, draw_calibration(bins))
    matrix = count_confusion(held_out, classes)
    if matrix is not None and len(classes) <= _MOST_MATRIX_CLASSES:
        yield Picture("confusion", "Actual against predicted classes, held-out rows", draw_confusion(matrix))
