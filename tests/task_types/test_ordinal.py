"""Ordered levels keep their order: in what is learned, what is called, and what a miss costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, cohen_kappa_score

from ml_engineer.errors import InputError, UnsupportedTaskError
from ml_engineer.profiling.target import read_target
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.statistics.metrics import Outcomes, metric_value, weighted_metric
from ml_engineer.statistics.ordinal import called_level
from ml_engineer.verbs.frame_problem import frame_problem
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.requests import FrameProblemRequest
from task_types.conftest import Finished, go, stands_alone

ORDER = ("low", "medium", "high", "critical")


def incidents(rows: int = 500) -> pd.DataFrame:
    """Severity grows with load, heat and age; sorted as words, its levels would stand as critical, high, low, medium."""
    rng = np.random.default_rng(0)
    parts = rng.uniform(-1, 2, (3, rows)).round(3)
    level = np.clip(parts.sum(axis=0) + 0.5 + rng.normal(0, 0.3, rows), 0, 3.999).astype(int)
    columns = dict(zip(("load", "heat", "age"), parts, strict=True))
    return pd.DataFrame({**columns, "severity": np.array(ORDER)[level]})


@pytest.fixture(scope="module")
def finished(home: Path) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        folders = ("serving", "monitoring", "llm")
        return go(home, incidents(), "severity", candidates=["levels_linear"], folders=folders)


def test_words_of_a_scale_are_put_in_order_and_learned(finished: Finished) -> None:
    assert (finished.problem.task_type, finished.problem.classes) == ("ordinal", ORDER)
    assert finished.problem.primary_metric == "ranked_probability_score"
    assert finished.report.primary.baseline is not None
    assert finished.report.primary.model.high < finished.report.primary.baseline.low / 2
    kappa = next(one for one in finished.report.metrics if one.metric == "quadratic_kappa")
    assert kappa.model.value > 0.85
    assert finished.report.confusion is not None
    assert finished.report.confusion.labels == ORDER


def test_predictions_are_levels_and_far_misses_are_rare(finished: Finished) -> None:
    place = {level: number for number, level in enumerate(ORDER)}
    distance = (finished.scored["prediction"].map(place) - incidents()["severity"].map(place)).abs()
    assert distance.mean() < 0.25
    assert distance.max() <= 1
    assert finished.scored.filter(like="probability_").columns.tolist() == [f"probability_{level}" for level in ORDER]


@pytest.mark.full
def test_the_project_stands_alone(finished: Finished) -> None:
    stands_alone(finished.layout)


def test_an_order_that_the_file_declares_is_taken_though_no_word_shows_it(tmp_path: Path) -> None:
    order = ["worn", "used", "fresh", "unpacked", "never met"]
    rows = incidents(200)
    words = rows["severity"].map(dict(zip(ORDER, order, strict=False)))
    rows["severity"] = pd.Categorical(words, categories=order, ordered=True)
    rows.to_parquet(tmp_path / "rows.parquet")
    root = str(tmp_path / "ml")
    request = FrameProblemRequest(data=str(tmp_path / "rows.parquet"), target="severity", project_dir=root)
    frame_problem(request, WorkContext("job_test", tmp_path / "journal"))
    problem = load_problem(ProjectLayout(tmp_path / "ml"))
    assert (problem.task_type, problem.classes) == ("ordinal", tuple(order[:4]))


def simulated() -> Outcomes:
    rng = np.random.default_rng(1)
    actual = rng.integers(5, size=300)
    scores = rng.normal(size=(300, 5)) - np.abs(np.arange(5) - actual[:, None])
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = called_level(probabilities, "level_mae")
    return Outcomes("multiclass", actual, predicted, probabilities=probabilities, n_classes=5, named="ordinal")


def test_metrics_are_those_of_scikit_learn() -> None:
    one = simulated()
    weights = np.random.default_rng(2).integers(0, 4, size=one.rows).astype(float)
    assert one.probabilities is not None
    cumulated = np.cumsum(one.probabilities, axis=1)
    told = {
        "quadratic_kappa": lambda w: cohen_kappa_score(one.actual, one.predicted, weights="quadratic", sample_weight=w),
        "level_mae": lambda w: np.average(np.abs(one.actual - one.predicted), weights=w),
        "ranked_probability_score": lambda w: np.mean(
            [brier_score_loss(one.actual <= cut, cumulated[:, cut].clip(0, 1), sample_weight=w) for cut in range(4)]
        ),
    }
    for metric, value in told.items():
        assert metric_value(metric, one) == pytest.approx(value(None)), metric  # type: ignore[arg-type]
        assert weighted_metric(metric, one)(weights[None, :])[0] == pytest.approx(value(weights)), metric  # type: ignore[arg-type]


def test_the_level_called_is_the_one_that_is_best_for_the_metric() -> None:
    torn = np.array([[0.4, 0.15, 0.1, 0.35], [0.5, 0.0, 0.0, 0.5], [0.0, 0.1, 0.2, 0.7]])
    assert called_level(torn, "accuracy").tolist() == [0, 0, 3]
    assert called_level(torn, "level_mae").tolist() == [1, 0, 3]
    assert called_level(torn, "quadratic_kappa").tolist() == [1, 2, 3]
    levels = np.arange(4)
    for row, called in zip(torn, called_level(torn, "level_mae"), strict=True):
        assert row @ np.abs(levels - called) == pytest.approx(min(row @ np.abs(levels - one) for one in levels))


def column(values: list[object], name: str = "y") -> pd.Series:
    return pd.Series(values, dtype="str" if isinstance(values[0], str) else "int64", name=name)


@pytest.mark.parametrize(
    ("target", "told", "order"),
    [
        (column([3, 4, 5, 10] * 20, "quality"), {}, ("3", "4", "5", "10")),
        (column(["High", "Low", "Medium"] * 20), {}, ("Low", "Medium", "High")),
        (column(["grade 10", "grade 9", "grade 2"] * 20), {"task_type": "ordinal"}, ("grade 2", "grade 9", "grade 10")),
        (column(["b", "c", "a"] * 20), {"levels": ["c", "a", "b"]}, ("c", "a", "b")),
    ],
)
def test_the_order_is_seen_or_told(target: pd.Series, told: dict[str, object], order: tuple[str, ...]) -> None:
    reading = read_target(target, **told)  # type: ignore[arg-type]
    assert (reading.task_type, reading.classes) == ("ordinal", order)


@pytest.mark.parametrize(
    ("target", "told", "error", "text"),
    [
        (column(["b", "c", "a"] * 20), {"task_type": "ordinal"}, UnsupportedTaskError, "order of the levels of 'y'"),
        (column(["b", "a"] * 20), {"task_type": "ordinal"}, UnsupportedTaskError, "has 2 levels"),
        (column(["b", "c", "a"] * 20), {"levels": ["a", "b"]}, InputError, "not given: 'c'"),
        (column(["b", "c", "a"] * 20), {"levels": ["a", "b", "c", "d"]}, InputError, "not in the data: 'd'"),
        (pd.Series([0.5, 1.5, 2.5] * 20, name="y"), {"task_type": "ordinal"}, UnsupportedTaskError, "fractions"),
    ],
)
def test_levels_without_an_order_are_refused(
    target: pd.Series, told: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        read_target(target, **told)  # type: ignore[arg-type]
