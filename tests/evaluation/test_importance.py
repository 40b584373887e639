"""Importance finds the planted column, not the noise, on rows that the model was not fitted on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold

from ml_engineer.evaluation.importance import CrossFit, Shuffler, cross_fit, permutation_importance
from ml_engineer.vocabulary.evaluation import Importance
from ml_engineer.vocabulary.problem import ProblemDefinition

MakeProblem = Callable[..., ProblemDefinition]


class Clock:
    """Every reading is some seconds later than the one before."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def table(rows: int = 600, columns: int = 2) -> pd.DataFrame:
    """Column 0 decides the outcome, all others are noise."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"c{place}" for place in range(columns)])
    frame["outcome"] = np.where(frame["c0"] + 0.3 * rng.normal(size=rows) > 0, "yes", "no")
    return frame


def pairs(rows: int, folds: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(KFold(folds, shuffle=True, random_state=0).split(np.zeros(rows)))


def measure(
    frame: pd.DataFrame,
    problem: ProblemDefinition,
    *,
    build: Callable[[pd.DataFrame], pd.DataFrame],
    clusters: np.ndarray | None = None,
    seconds_per_reading: float = 0.0,
) -> tuple[Importance, ...]:
    rows = frame.drop(columns="outcome")
    model = LogisticRegression() if problem.task_type == "binary" else LinearRegression()
    target = frame["outcome"].to_numpy()
    fitted = cross_fit(model, build(rows), target, pairs(len(frame)), clock=Clock(0.0), budget_seconds=1)
    actual = (target == "yes").astype(int) if problem.task_type == "binary" else target.astype(float)
    shuffler = Shuffler(fitted, rows, problem, build, None, np.random.default_rng(0))
    return permutation_importance(
        shuffler, actual, clusters=clusters, clock=Clock(seconds_per_reading), budget_seconds=10
    )


def test_planted_column_is_needed_and_noise_is_not(make_problem: MakeProblem) -> None:
    found = measure(table(), make_problem(features=("c0", "c1")), build=lambda rows: rows)
    assert [importance.feature for importance in found] == ["c0", "c1"]
    assert found[0].drop.low > 0.3
    assert found[1].drop.low <= 0.01
    assert found[0].drop.rows == 600
    assert found[0].drop.method == "paired bootstrap of 600 rows, 200 replicates"


def test_errors_that_grow_are_positive_for_metrics_that_should_be_low(make_problem: MakeProblem) -> None:
    frame = table()
    frame["outcome"] = 2 * frame["c0"] + 0.1 * frame["c1"]
    found = measure(frame, make_problem("regression", features=("c0", "c1"), metric="rmse"), build=lambda rows: rows)
    assert found[0].feature == "c0"
    assert found[0].drop.value == pytest.approx(2 * np.sqrt(2), rel=0.1)


def test_derived_features_move_with_their_raw_column(make_problem: MakeProblem) -> None:
    def build(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"doubled": 2 * rows["c0"], "c1": rows["c1"]})

    assert measure(table(), make_problem(features=("c0", "c1")), build=build)[0].feature == "c0"


def test_among_many_columns_the_suspects_are_found_by_blocks(make_problem: MakeProblem) -> None:
    frame = table(rows=300, columns=100)
    names = tuple(frame.columns[:-1])
    found = measure(frame, make_problem(features=names), build=lambda rows: rows[list(names)])
    assert len(found) == 40
    assert found[0].feature == "c0"


def test_columns_are_left_out_when_time_is_up(make_problem: MakeProblem) -> None:
    frame = table(rows=900, columns=20)
    problem = make_problem(features=tuple(frame.columns[:-1]))
    found = measure(frame, problem, build=lambda rows: rows, seconds_per_reading=100.0)
    assert 0 < len(found) < 20


def test_groups_widen_the_interval(make_problem: MakeProblem) -> None:
    # Each group is one row, 20 times over: 600 rows that are worth 30.
    frame = table(rows=30).loc[np.repeat(np.arange(30), 20)].reset_index(drop=True)
    problem = make_problem(features=("c0", "c1"), metric="log_loss")
    plain = measure(frame, problem, build=lambda rows: rows)[0].drop
    grouped = measure(frame, problem, build=lambda rows: rows, clusters=np.repeat(np.arange(30), 20))[0].drop
    assert grouped.high - grouped.low > 1.3 * (plain.high - plain.low)


def test_undefined_metric_gives_nothing(make_problem: MakeProblem) -> None:
    frame = table()
    rows = frame.drop(columns="outcome")
    model = LogisticRegression().fit(rows, frame["outcome"])
    problem = make_problem(features=("c0", "c1"))
    one_class = cross_fit(model, rows, frame["outcome"].to_numpy(), pairs(600), clock=Clock(0.0), budget_seconds=1)
    shuffler = Shuffler(one_class, rows, problem, lambda part: part, None, np.random.default_rng(0))
    nothing = permutation_importance(shuffler, np.ones(600), clusters=None, clock=Clock(0.0), budget_seconds=1)
    assert nothing == ()


def fit_folds(clock: Clock, **limits: int) -> CrossFit:
    frame = table()
    target = frame.pop("outcome").to_numpy()
    return cross_fit(LogisticRegression(), frame, target, pairs(600), clock=clock, budget_seconds=10, **limits)


def test_first_fold_is_fitted_whatever_the_time_and_later_ones_while_they_fit() -> None:
    assert len(fit_folds(Clock(0.1)).parts) == 3
    assert len(fit_folds(Clock(1000.0)).parts) == 1


def test_rows_asked_are_sampled_and_were_never_fitted_on() -> None:
    found = fit_folds(Clock(0.0), most_rows=90)
    assert len(found.rows) == 90
    for part, (train, _) in zip(found.parts, pairs(600), strict=True):
        assert not set(part.rows) & set(train)
