"""Something to learn is told from nothing to learn, on rows with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_engineer.errors import InputError
from ml_engineer.profiling.metric_choice import choose_metric
from ml_engineer.profiling.quick_inputs import encode_inputs
from ml_engineer.profiling.quick_model import QuickTarget
from ml_engineer.profiling.signal import SignalReading, measure_signal
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.problem import ColumnRole, ProblemColumn

RNG = np.random.default_rng(0)
ROWS = 800
X = RNG.normal(size=(ROWS, 4))


def used(frame: pd.DataFrame, role: ColumnRole = "numeric") -> list[ProblemColumn]:
    return [ProblemColumn(name=name, role=role, used=True, reason="") for name in frame]


def measure(
    values: np.ndarray,
    metric: Metric,
    *,
    frame: pd.DataFrame | None = None,
    role: ColumnRole = "numeric",
    classes: int = 0,
    groups: np.ndarray | None = None,
) -> SignalReading:
    frame = pd.DataFrame(X, columns=list("abcd")) if frame is None else frame
    units = np.arange(len(values)) if groups is None else groups
    folds = np.random.default_rng(1).integers(0, 4, int(units.max()) + 1)[units]
    task = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    return measure_signal(
        encode_inputs(frame, used(frame, role)),
        QuickTarget(task, values, classes, absolute=metric == "mae"),  # type: ignore[arg-type]
        [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(4)],
        metric=metric,
        seed=0,
        clusters=groups,
    )


def test_a_class_that_follows_from_the_columns_is_learnable() -> None:
    reading = measure((X[:, 0] + RNG.normal(size=ROWS) > 0).astype(int), "roc_auc", classes=2)
    assert reading.signal.verdict == "learnable"
    assert reading.baseline.score.value == 0.5
    assert 0.1 < reading.signal.gain.low < reading.signal.gain.value < 0.45


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_target_is_not_learnable(seed: int) -> None:
    values = np.random.default_rng(seed + 10).integers(0, 2, ROWS)
    assert measure(values, "roc_auc", classes=2).signal.verdict != "learnable"


def test_three_shuffled_classes_are_not_learnable() -> None:
    values = RNG.integers(0, 3, ROWS)
    assert measure(values, "log_loss", classes=3).signal.verdict == "not_above_baseline"


def test_three_classes_that_follow_from_the_columns_are_learnable() -> None:
    values = np.digitize(X[:, 0] + 0.3 * RNG.normal(size=ROWS), [-0.5, 0.5])
    assert measure(values, "log_loss", classes=3).signal.verdict == "learnable"


def test_an_amount_is_learnable_by_its_squared_and_by_its_absolute_error() -> None:
    values = 3 * X[:, 0] + RNG.normal(size=ROWS)
    for metric in ("rmse", "mae"):
        reading = measure(values, metric)  # type: ignore[arg-type]
        assert reading.signal.verdict == "learnable"
        assert reading.signal.gain.value < reading.baseline.score.value


def test_text_is_learned_from() -> None:
    values = RNG.integers(0, 2, ROWS)
    frame = pd.DataFrame({"message": np.where(values, "win a free prize now", "see you at home later")}, dtype="str")
    assert measure(values, "roc_auc", frame=frame, role="text", classes=2).signal.gain.value > 0.45


def test_categories_and_time_stamps_are_learned_from() -> None:
    values = RNG.integers(0, 2, ROWS)
    city = pd.DataFrame({"city": np.where(values, "Rome", "Oslo")}, dtype="str")
    assert measure(values, "roc_auc", frame=city, role="categorical", classes=2).signal.verdict == "learnable"
    hours = pd.to_datetime("2024-01-01") + pd.to_timedelta(RNG.integers(0, 12, ROWS) + 12 * values, unit="h")
    when = pd.DataFrame({"when": pd.Series(hours).astype("datetime64[us]")})
    assert measure(values, "roc_auc", frame=when, role="datetime", classes=2).signal.verdict == "learnable"


def test_groups_widen_the_interval() -> None:
    groups = np.repeat(np.arange(40), 20)
    effect = RNG.normal(size=40)[groups]
    values = (X[:, 0] + 2 * effect + RNG.normal(size=ROWS) > 0).astype(int)
    alone, grouped = (measure(values, "roc_auc", classes=2, groups=groups if flag else None) for flag in (False, True))
    assert "groups" in grouped.signal.gain.method
    width = [reading.signal.gain.high - reading.signal.gain.low for reading in (alone, grouped)]
    assert width[1] > width[0]


def test_few_rows_leave_it_open_or_say_no_but_never_yes() -> None:
    values = RNG.integers(0, 2, 40)
    frame = pd.DataFrame(X[:40], columns=list("abcd"))
    assert measure(values, "roc_auc", frame=frame, classes=2).signal.verdict != "learnable"


def test_without_columns_there_is_nothing_to_learn() -> None:
    reading = measure(RNG.integers(0, 2, ROWS), "roc_auc", frame=pd.DataFrame(index=range(ROWS)), classes=2)
    assert reading.signal.verdict == "not_above_baseline"
    assert "nothing to learn from" in reading.signal.explanation


def test_the_same_seed_gives_the_same_answer() -> None:
    values = RNG.integers(0, 2, ROWS)
    assert measure(values, "roc_auc", classes=2) == measure(values, "roc_auc", classes=2)


def test_thousands_of_columns_are_answered() -> None:
    wide = pd.DataFrame(np.random.default_rng(2).normal(size=(300, 3_000))).rename(columns=str)
    values = (wide["7"] > 0).astype(int).to_numpy()
    assert measure(values, "roc_auc", frame=wide, classes=2).signal.verdict == "learnable"


# --- the metric --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "values", "metric"),
    [
        ("binary", np.r_[np.ones(300), np.zeros(700)], "roc_auc"),
        ("binary", np.r_[np.ones(30), np.zeros(970)], "average_precision"),
        ("multiclass", np.arange(900) % 3, "log_loss"),
        ("regression", RNG.normal(size=1000), "rmse"),
        ("regression", RNG.exponential(size=1000), "rmse"),
        ("regression", RNG.pareto(1.2, size=1000), "mae"),
        ("regression", np.r_[np.zeros(900), np.arange(100)], "mae"),
    ],
)
def test_the_target_decides_the_metric(task: str, values: np.ndarray, metric: str) -> None:
    chosen, reason = choose_metric(task, values)  # type: ignore[arg-type]
    assert chosen == metric
    assert len(reason.split()) > 5


def test_the_person_may_name_a_metric_that_fits() -> None:
    assert choose_metric("binary", np.arange(4) % 2, wanted="f1") == ("f1", "named by the person")


def test_a_metric_that_does_not_fit_is_refused_with_those_that_do() -> None:
    with pytest.raises(InputError, match="allowed: mae"):
        choose_metric("regression", np.arange(4.0), wanted="f1")
    with pytest.raises(InputError, match="needs both costs"):
        choose_metric("binary", np.arange(4) % 2, wanted="expected_cost")
