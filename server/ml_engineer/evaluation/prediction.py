"""What a fitted model says of some rows, in the problem's own class codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import ProjectStateError
from ml_engineer.statistics.label_sets import as_matrix, called_labels, membership
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.statistics.ordinal import called_level
from ml_engineer.vocabulary.problem import ProblemDefinition

__all__ = [
    "UNKNOWN_CLASS",
    "Predictions",
    "class_codes",
    "decide",
    "encode_target",
    "learned_target",
    "make_outcomes",
    "positive_code",
    "predict",
]

UNKNOWN_CLASS = -1
"""Code of a class label that the problem does not name."""


@dataclass(frozen=True)
class Predictions:
    """A model's answers for n rows.

    Parameters
    ----------
    predicted : numpy.ndarray of shape (n,)
        Class codes, or numbers in the target's unit; of several labels a row 0 and 1, of shape (n, k).
    probabilities : numpy.ndarray of shape (n, k), optional
        Probability of each class in the problem's order; none for regression and for models without.
    """

    predicted: npt.NDArray[np.generic]
    probabilities: npt.NDArray[np.float64] | None = None


def class_codes(labels: npt.ArrayLike | pd.Series, classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Place of each label among `classes`, `UNKNOWN_CLASS` where it is not among them.

    Labels are compared as text and, failing that, as numbers: a table in which the column holds ``1.0`` has the
    class ``'1'``.
    """
    codes, distinct = pd.factorize(pd.Series(labels), use_na_sentinel=True)
    places = {name: code for code, name in enumerate(classes)}
    numbers = {number: code for name, code in places.items() if (number := _as_number(name)) is not None}
    found = [_place(str(value), places, numbers) for value in distinct]
    # The last entry serves the sentinel -1 of missing labels.
    return np.array([*found, UNKNOWN_CLASS], dtype=np.int64)[codes]


def _place(text: str, places: dict[str, int], numbers: dict[float, int]) -> int:
    if text in places:
        return places[text]
    number = _as_number(text)
    return UNKNOWN_CLASS if number is None else numbers.get(number, UNKNOWN_CLASS)


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def positive_code(problem: ProblemDefinition) -> int:
    """Code of the positive class; 1 where 'positive' has no meaning."""
    return 1 if problem.positive_class is None else problem.classes.index(problem.positive_class)


def encode_target(target: pd.Series, problem: ProblemDefinition) -> npt.NDArray[np.generic]:
    """Class codes (`UNKNOWN_CLASS` for labels that the problem does not name) or numbers (NaN where missing), (n,).

    Of several labels a row 0 and 1, (n, k).
    """
    if problem.form == "multilabel":
        return membership(target, problem.classes)
    if problem.form == "regression":
        return target.to_numpy(dtype=float)
    return class_codes(target, problem.classes)


def learned_target(target: pd.Series, problem: ProblemDefinition) -> npt.NDArray[np.generic]:
    """The target as models learn it, (n,): its own values; of ordered levels their places, from 0.

    Of several labels a row 0 and 1, (n, k).
    """
    if problem.judged_as in {"ordinal", "multilabel"}:
        return encode_target(target, problem)
    return target.to_numpy()


def _columns(model: Any, problem: ProblemDefinition) -> npt.NDArray[np.int64]:
    """Code of each class that the model knows."""
    known = np.asarray(model.classes_)
    return known.astype(np.int64) if problem.judged_as == "ordinal" else class_codes(known, problem.classes)


def predict(
    model: Any, features: pd.DataFrame, problem: ProblemDefinition, *, threshold: float | None = None
) -> Predictions:
    """Ask a fitted scikit-learn model for its answers.

    Parameters
    ----------
    model : estimator
        Fitted on `learned_target`; its ``classes_`` are values of it.
    features : pandas.DataFrame of shape (n, m)
        What features.py gave.
    problem : ProblemDefinition
        Tells the classes and their order.
    threshold : float, optional
        Probability from which the positive class is predicted, binary tasks; the likelier class without it.

    Raises
    ------
    ProjectStateError
        If the model gives missing values, or classes that the problem does not name.
    """
    if problem.form == "regression":
        numbers = np.asarray(model.predict(features), dtype=float)
        _refuse_missing(numbers)
        return Predictions(numbers)
    if problem.form == "multilabel":
        return _of_labels(model, features, problem, threshold)
    columns = _columns(model, problem)
    if (columns == UNKNOWN_CLASS).any():
        raise ProjectStateError(
            "The model predicts classes that the problem does not name",
            found=f"{[str(name)[:40] for name in model.classes_[columns == UNKNOWN_CLASS][:3]]}",
            remedy="Call train again, so that model and problem belong together",
        )
    if not hasattr(model, "predict_proba"):
        called = np.asarray(model.predict(features))
        return Predictions(called if problem.judged_as == "ordinal" else class_codes(called, problem.classes))
    given = np.asarray(model.predict_proba(features), dtype=float)
    _refuse_missing(given)
    # A model refitted on a part of the rows may not know every class; those it does not know get 0.
    probabilities = np.zeros((len(features), len(problem.classes)))
    probabilities[:, columns] = given
    return Predictions(decide(probabilities, problem, threshold), probabilities)


def _of_labels(model: Any, features: pd.DataFrame, problem: ProblemDefinition, threshold: float | None) -> Predictions:
    """What a model says of several labels a row; one without probabilities says which labels alone."""
    if not hasattr(model, "predict_proba"):
        return Predictions(np.asarray(model.predict(features), dtype=np.int64))
    probabilities = as_matrix(model.predict_proba(features), model.classes_)
    _refuse_missing(probabilities)
    if probabilities.shape[1] != len(problem.classes):
        raise ProjectStateError(
            "The model predicts other labels than the problem names",
            found=f"{probabilities.shape[1]} labels instead of {len(problem.classes)}",
            remedy="Call train again, so that model and problem belong together",
        )
    return Predictions(decide(probabilities, problem, threshold), probabilities)


def _refuse_missing(values: npt.NDArray[np.float64]) -> None:
    rows = int((~np.isfinite(values.reshape(len(values), -1))).any(axis=1).sum())
    if rows:
        raise ProjectStateError(
            "The model gives no usable prediction for some rows",
            found=f"{rows} of {len(values)} predictions are missing or infinite",
            remedy="Let features.py or the model's own pipeline fill missing values, then call train again",
        )


def decide(
    probabilities: npt.NDArray[np.float64], problem: ProblemDefinition, threshold: float | None
) -> npt.NDArray[np.int64]:
    """Code of the class to call for each row of `probabilities` (n, k); a threshold is for binary tasks.

    Of several labels a row 0 and 1, (n, k): those from the threshold on.
    """
    if problem.form == "multilabel":
        return called_labels(probabilities, threshold)
    if problem.judged_as == "ordinal":
        return called_level(probabilities, problem.primary_metric)
    if threshold is None or problem.form != "binary":
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)
    positive = positive_code(problem)
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive).astype(np.int64)


def make_outcomes(
    problem: ProblemDefinition,
    actual: npt.NDArray[np.generic],
    predictions: Predictions,
    *,
    clusters: npt.NDArray[np.integer] | None = None,
    blocks: bool = False,
) -> Outcomes:
    """Put together what was predicted and what came true; see `Outcomes`."""
    return Outcomes(
        problem.form,
        actual,
        predictions.predicted,
        probabilities=predictions.probabilities,
        n_classes=len(problem.classes),
        positive=positive_code(problem),
        costs=problem.costs,
        clusters=clusters,
        blocks=blocks,
        named=problem.named,
        quantile=problem.quantile,
    )
