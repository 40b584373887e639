"""Refits with weights lessen a disparity that the data has put into a model, and say so where that cannot be tried."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_engineer.evaluation.mitigation import out_of_fold_disparities
from ml_engineer.evaluation.refits import Refitter, try_refits
from ml_engineer.vocabulary.fairness import MitigationTrial
from ml_engineer.vocabulary.problem import ProblemDefinition

MakeProblem = Callable[..., ProblemDefinition]


def refitter(
    model: Any, problem: ProblemDefinition, *, rows: int = 3000, clock: Callable[[], float] = time.monotonic
) -> tuple[Refitter, np.ndarray]:
    """Women get the outcome less often, and a column gives them away: the model finds fewer of their positives."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["w", "m"], rows).astype(object)
    a = rng.normal(size=rows)
    actual = (rng.random(rows) < 1 / (1 + np.exp(-(1.5 * a - 2.5 * (sex == "w") + 1.25)))).astype(int)
    features = pd.DataFrame({"a": a, "b": (sex == "w") + rng.normal(0, 0.3, rows)})
    folds = np.arange(rows) % 3
    pairs = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(3)]
    target = np.array(problem.classes, dtype=object)[actual]
    return Refitter(model, features, target, actual, pairs, problem, threshold=0.5, clock=clock), sex


def tried(model: Any, problem: ProblemDefinition) -> dict[str, MitigationTrial]:
    again, sex = refitter(model, problem)
    plain = again.outcomes(None)
    assessment, shown = out_of_fold_disparities(problem, plain, {"sex": sex[again.rows]})
    assert [one.columns for one in shown] == [("sex",)]
    trials = try_refits(again, sex, shown[0], assessment, deadline=time.monotonic() + 60)
    return {trial.kind: trial for trial in trials}


def test_reweighting_and_constrained_training_shrink_the_difference_at_a_price(make_problem: MakeProblem) -> None:
    trials = tried(make_pipeline(StandardScaler(), LogisticRegression()), make_problem(metric="accuracy"))
    assert set(trials) == {"reweighting", "constrained training"}
    for trial in trials.values():
        assert trial.after is not None
        assert trial.after.value < trial.before.value / 2
        assert trial.price is not None
        assert trial.metric == "accuracy"
        assert -0.1 < trial.price.value < 0.01


def test_a_champion_that_takes_no_weights_is_told(make_problem: MakeProblem) -> None:
    trials = tried(make_pipeline(StandardScaler(), KNeighborsClassifier(50)), make_problem(metric="accuracy"))
    assert trials["reweighting"].after is None
    assert "could not be fitted with weights (TypeError" in trials["reweighting"].note


def test_no_refit_is_begun_that_there_is_no_time_for(make_problem: MakeProblem) -> None:
    ticks = iter(range(0, 10_000, 100))
    again, sex = refitter(LogisticRegression(), make_problem(metric="accuracy"), clock=lambda: float(next(ticks)))
    assessment, shown = out_of_fold_disparities(again.problem, again.plain, {"sex": sex[again.rows]})
    (trial,) = try_refits(again, sex, shown[0], assessment, deadline=250)
    assert trial.note == "one refit takes 100 s, more than there was time for"


def test_no_disparity_leaves_nothing_to_try(make_problem: MakeProblem) -> None:
    again, sex = refitter(LogisticRegression(), make_problem(metric="accuracy"))
    shuffled = np.random.default_rng(1).permutation(sex)
    assert out_of_fold_disparities(again.problem, again.outcomes(None), {"sex": shuffled[again.rows]})[1] == ()


@pytest.mark.parametrize("use", ["alarm", "scores"])
def test_what_is_compared_follows_the_use(make_problem: MakeProblem, use: str) -> None:
    again, sex = refitter(LogisticRegression(), make_problem(metric="accuracy", fairness_use=use))
    assessment, _ = out_of_fold_disparities(again.problem, again.outcomes(None), {"sex": sex[again.rows]})
    assert assessment.comparisons[0].measure == {"alarm": "false_positive_rate", "scores": "calibration"}[use]
