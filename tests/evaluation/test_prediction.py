"""Answers come in the problem's own class codes, whatever order and type the model's classes have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from ml_engineer.errors import ProjectStateError
from ml_engineer.evaluation.prediction import UNKNOWN_CLASS, class_codes, encode_target, predict
from ml_engineer.vocabulary.problem import ProblemDefinition

MakeProblem = Callable[..., ProblemDefinition]
FRAME = pd.DataFrame({"a": np.linspace(-1, 1, 40), "b": np.zeros(40)})


@pytest.mark.parametrize(
    ("labels", "classes", "codes"),
    [
        (["yes", "no", "maybe", None], ("no", "yes"), [1, 0, UNKNOWN_CLASS, UNKNOWN_CLASS]),
        ([1, 0, 2], ("0", "1"), [1, 0, UNKNOWN_CLASS]),
        ([1.0, 0.0, np.nan], ("0", "1"), [1, 0, UNKNOWN_CLASS]),
        ([True, False], ("False", "True"), [1, 0]),
    ],
)
def test_labels_become_places_among_the_classes(labels: list[Any], classes: tuple[str, ...], codes: list[int]) -> None:
    assert class_codes(pd.Series(labels), classes).tolist() == codes


def test_target_of_a_regression_stays_a_number(make_problem: MakeProblem) -> None:
    found = encode_target(pd.Series([1, 2, None]), make_problem("regression", metric="rmse"))
    assert np.array_equal(found, [1, 2, np.nan], equal_nan=True)


def test_threshold_decides_the_positive_class(make_problem: MakeProblem) -> None:
    target = np.where(FRAME["a"] > 0, "yes", "no")
    model = LogisticRegression().fit(FRAME, target)
    problem = make_problem()
    plain, strict = predict(model, FRAME, problem), predict(model, FRAME, problem, threshold=0.7)
    assert plain.probabilities is not None
    assert (plain.predicted == plain.probabilities.argmax(axis=1)).all()
    assert (strict.predicted == (plain.probabilities[:, 1] >= 0.7)).all()
    assert strict.predicted.sum() < plain.predicted.sum()


def test_class_that_a_fold_model_never_saw_gets_probability_0(make_problem: MakeProblem) -> None:
    model = DummyClassifier(strategy="prior").fit(FRAME, ["c"] * 30 + ["a"] * 10)
    found = predict(model, FRAME, make_problem("multiclass", classes=("a", "b", "c"), metric="log_loss"))
    assert found.probabilities is not None
    assert found.probabilities[0].tolist() == [0.25, 0.0, 0.75]
    assert (found.predicted == 2).all()


def test_model_without_probabilities_still_gives_labels(make_problem: MakeProblem) -> None:
    model = LinearSVC().fit(FRAME, np.where(FRAME["a"] > 0, "yes", "no"))
    found = predict(model, FRAME, make_problem())
    assert found.probabilities is None
    assert found.predicted.tolist() == (FRAME["a"] > 0).astype(int).tolist()


def test_model_of_another_problem_is_refused(make_problem: MakeProblem) -> None:
    model = DummyClassifier().fit(FRAME, ["yes", "perhaps"] * 20)
    with pytest.raises(ProjectStateError, match="classes that the problem does not name"):
        predict(model, FRAME, make_problem())


def test_missing_predictions_are_refused_with_their_number(make_problem: MakeProblem) -> None:
    class Gaps(DummyRegressor):
        def predict(self, X: pd.DataFrame) -> np.ndarray:  # noqa: N803 -- scikit-learn's name
            return np.where(np.arange(len(X)) < 3, np.nan, 1.0)

    with pytest.raises(ProjectStateError, match="3 of 40 predictions are missing"):
        predict(Gaps().fit(FRAME, np.ones(40)), FRAME, make_problem("regression", metric="rmse"))
