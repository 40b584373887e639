"""What a tuner proposes, and what it learns from searches before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_engineer.modelling.candidate import model_of, pipeline_of
from ml_engineer.modelling.fits import Fit, FitTask, attempt, run_task
from ml_engineer.modelling.portfolio import build_portfolio
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.tuning import Tuner, judged_by
from modelling.tables import make_data


def leaders(*names: str) -> list[Standing]:
    data = make_data(rows=60)
    return [Standing(one) for one in build_portfolio(data, seed=0, threads=1) if one.name in names]


def strengths(tuner: Tuner, number: int = 3) -> list[float]:
    """The regularisation that a tuner proposes; it is told that strong regularisation is good."""
    proposed = tuner.propose(leaders("linear"), number=number)
    values = [float(pipeline_of(one.estimator)[-1].C) for one in proposed]
    for one, value in zip(proposed, values, strict=True):
        tuner.tell(one.name, value)
    return values


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_kind_of_setting_that_is_proposed_can_be_fitted(task: str) -> None:
    data = make_data(task, rows=90)
    names = {"linear", "kernel", "network", "extra_trees", "boosting", "ordered_boosting", "gradient_boosting"}
    known = [Standing(one) for one in build_portfolio(data, seed=0, threads=1) if one.name in names]
    train, test = data.pairs[0]
    for one in Tuner(seed=0).propose(known, number=8, wide=True):
        small = {"n_estimators", "iterations"} & set(model_of(one.estimator).get_params())
        task_of = FitTask(one.with_parameters("", **dict.fromkeys(small, 5)), train, test, "")
        assert isinstance(attempt(lambda task_of=task_of: run_task(task_of, data, scratch=None)), Fit), one.name


def test_without_a_journal_the_same_is_proposed_twice() -> None:
    assert strengths(Tuner(seed=0)) == strengths(Tuner(seed=0))


def test_a_search_begins_with_the_best_of_those_that_share_its_journal(tmp_path: Path) -> None:
    journal = tmp_path / "tuning.jsonl"
    first = strengths(Tuner(seed=0, journal=journal, about="these rows"))
    second = strengths(Tuner(seed=0, journal=journal, about="these rows"))
    assert second[0] == min(first)
    assert not set(second[1:]) & set(first)
    # What other rows said means nothing here.
    assert strengths(Tuner(seed=0, journal=journal, about="other rows")) == first


@pytest.mark.parametrize(
    "change", [{"metric": "mae"}, {"quantile": 0.9}, {"counts": True}, {"named": "ordinal"}, {"fingerprint": "other"}]
)
def test_a_search_learns_nothing_from_losses_on_another_scale(change: dict[str, Any], tmp_path: Path) -> None:
    data, journal = make_data("regression", rows=60), tmp_path / "tuning.jsonl"
    first = strengths(Tuner(seed=0, journal=journal, about=judged_by(data, seed=0)))
    assert strengths(Tuner(seed=0, journal=journal, about=judged_by(replace(data, **change), seed=0))) == first
    assert strengths(Tuner(seed=0, journal=journal, about=judged_by(data, seed=0))) != first


def test_nor_from_those_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, journal = make_data("regression", rows=60), tmp_path / "tuning.jsonl"
    first = strengths(Tuner(seed=0, journal=journal, about=judged_by(data, seed=0)))
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"{name} of tomorrow")
    assert strengths(Tuner(seed=0, journal=journal, about=judged_by(data, seed=0))) == first


def test_asked_widely_every_kind_that_finished_is_tuned() -> None:
    known = leaders("linear", "boosting", "extra_trees", "gradient_boosting")
    for wide, kinds in ((False, 3), (True, 4)):
        names = {one.name.split(" ")[0] for one in Tuner(seed=0).propose(known, number=8, wide=wide)}
        assert len(names) == kinds


def test_networks_held_back_by_small_weights_are_tuned_among_such() -> None:
    data = make_data("binary", rows=240)
    held = next(one for one in build_portfolio(data, seed=0, threads=1) if one.name == "network_held")
    (proposed,) = Tuner(seed=0).propose([Standing(held)], number=1)
    assert 0.03 <= model_of(proposed.estimator).alpha <= 3.0
    assert not model_of(proposed.estimator).early_stopping
