"""Trees on rows in a file: the same as from memory, and never longer at it than there is time."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
import xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ml_engineer.independent_fits import Clock
from ml_engineer.modelling.out_of_core import NumbersFile, OutOfCoreFit, paced_rates, tree_parts, with_trees

ROWS = 40_000
"""More than are read at a time."""


def _table() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rows = np.random.default_rng(0).normal(size=(ROWS, 4))
    return rows, (rows[:, 0] > rows[:, 1] ** 2).astype("float64")


def _fit_of(folder: Path, *, seconds: float) -> OutOfCoreFit:
    rows, actual = _table()
    model = lightgbm.LGBMClassifier(n_estimators=20, verbosity=-1, deterministic=True, force_row_wise=True, n_jobs=1)
    pipeline = make_pipeline(FunctionTransformer(), model).fit(rows[:1000], actual[:1000])
    with NumbersFile(folder / "rows") as prepared, NumbersFile(folder / "target") as target:
        for block in (slice(0, 30_000), slice(30_000, ROWS)):
            prepared.append(rows[block])
            target.append(actual[block])
    (part,) = tree_parts(pipeline, "boosting")
    return OutOfCoreFit.of(part, folder / "rows", folder / "target", seconds=seconds)


def test_trees_from_a_file_are_those_from_memory(tmp_path: Path) -> None:
    grown = _fit_of(tmp_path, seconds=float("inf")).run(None, scratch=None, clock=time.monotonic)
    rows, actual = _table()
    model = lightgbm.LGBMClassifier(n_estimators=20, verbosity=-1, deterministic=True, force_row_wise=True, n_jobs=1)
    expected = model.fit(rows, actual).predict_proba(rows)[:, 1]
    assert (grown.rounds, grown.wanted, grown.learned) == (20, 20, 1.0)
    assert lightgbm.Booster(model_str=grown.text).predict(rows) == pytest.approx(expected, abs=1e-12)


def test_where_time_is_short_fewer_trees_with_longer_steps_go_as_far(tmp_path: Path) -> None:
    # Every look at the clock takes a second, and each round one look: there is time for some of twenty.
    grown = _fit_of(tmp_path, seconds=27).run(None, scratch=None, clock=_each_look(1.0))
    assert 8 < grown.rounds < 20
    assert grown.learned == pytest.approx(1, abs=0.15)
    booster, (rows, actual) = lightgbm.Booster(model_str=grown.text), _table()
    assert ((booster.predict(rows) > 0.5) == actual).mean() > 0.95


def test_no_trees_are_begun_when_reading_took_all_the_time(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="no time to read the rows"):
        _fit_of(tmp_path, seconds=2).run(None, scratch=None, clock=_each_look(1.0))


def test_without_a_deadline_the_rate_stays_and_all_rounds_are_grown() -> None:
    assert list(paced_rates(7, 0.05, deadline=float("inf"), clock=_each_look(1.0))) == [0.05] * 7


def test_where_half_of_the_rounds_fit_the_rate_is_raised_and_they_go_the_whole_way() -> None:
    rates = list(paced_rates(100, 0.05, deadline=50.0, clock=_each_look(1.0)))
    assert 40 <= len(rates) <= 50
    assert sum(rates) == pytest.approx(100 * 0.05, rel=0.05)
    assert max(rates) < 4 * 0.05


def test_where_few_rounds_fit_they_end_before_the_deadline_at_a_bounded_rate() -> None:
    rates = list(paced_rates(100, 0.05, deadline=10.0, clock=_each_look(1.0)))
    assert 8 <= len(rates) <= 10
    assert max(rates) == 0.2


def test_models_that_are_not_plain_boosting_keep_their_rate() -> None:
    assert set(paced_rates(100, 0.05, deadline=10.0, clock=_each_look(1.0), raised=False)) == {0.05}


def _each_look(seconds: float) -> Clock:
    """A clock that goes on by so much whenever it is looked at."""
    ticks = itertools.count()
    return lambda: seconds * next(ticks)


@pytest.mark.parametrize("classes", [2, 3])
def test_trees_of_xgboost_from_a_file_know_what_those_from_memory_know(tmp_path: Path, classes: int) -> None:
    rows, actual = _table()
    actual = actual + (rows[:, 2] > 1) * (classes - 2) * (1 - actual) * 2
    settings = {"n_estimators": 20, "n_jobs": 1, "learning_rate": 0.2, "max_depth": 4}
    pipeline = make_pipeline(FunctionTransformer(), xgboost.XGBClassifier(**settings)).fit(rows[:1000], actual[:1000])
    with NumbersFile(tmp_path / "rows") as prepared, NumbersFile(tmp_path / "target") as target:
        prepared.append(rows)
        target.append(actual)
    (part,) = tree_parts(pipeline, "trees")
    assert part.classes == (1 if classes == 2 else 3)
    fit = OutOfCoreFit.of(part, tmp_path / "rows", tmp_path / "target", seconds=float("inf"))
    grown = fit.run(None, scratch=None, clock=time.monotonic)
    served = with_trees(pipeline, "trees", [grown.text])
    expected = xgboost.XGBClassifier(**settings).fit(rows, actual)
    assert (grown.rounds, grown.learned) == (20, 1.0)
    # Bins are found on batches rather than on all rows at once, and differ a little.
    assert np.abs(served.predict_proba(rows) - expected.predict_proba(rows)).mean() < 0.01
