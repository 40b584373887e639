"""Tables at the edge of sense, from framing to a champion: a sound model, or a refusal that says why."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ml_engineer.errors import InputError
from ml_engineer.project.development import load_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import FrameProblemRequest, ScaffoldProjectRequest, TrainRequest
from ml_engineer.vocabulary.split import SplitPlan

Finish = Callable[..., TrainReply]
"""Frame a table with these arguments and train it."""


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path / "ml")


@pytest.fixture
def finish(layout: ProjectLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finish:
    """From the table to the champion in this process, with a few fits."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    context = WorkContext(job_id="job_bad", journal_dir=tmp_path / "journal")

    def _call(name: str, request: Any) -> Any:
        return getattr(importlib.import_module(f"ml_engineer.verbs.{name}"), name)(request, context)

    def _finish(table: pd.DataFrame, *, target: str = "y", **arguments: Any) -> TrainReply:
        settings: dict[str, Any] = {"budget_evaluations": 6, "candidates": ["linear"]}
        source, root = tmp_path / "table.parquet", str(layout.root)
        table.to_parquet(source, index=False)
        _call("frame_problem", FrameProblemRequest(data=str(source), target=target, project_dir=root, **arguments))
        _call("scaffold_project", ScaffoldProjectRequest(project_dir=root, features=[]))
        reply: TrainReply = _call("train", TrainRequest(project_dir=root, **settings))
        return reply

    return _finish


def signal(rows: int = 240, *, seed: int = 0) -> pd.DataFrame:
    """A class that follows from ``x``."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"x": rng.normal(size=rows).round(3), "z": rng.normal(size=rows).round(3)})
    return table.assign(y=np.where(table["x"] + rng.normal(size=rows) > 0, "yes", "no"))


def score(reply: TrainReply) -> float:
    """The champion's ROC AUC; a blocking finding is the test's failure."""
    assert reply.status == "done", [(one.code, one.found) for one in reply.findings if one.blocks]
    assert reply.score is not None
    return reply.score.value


def test_a_class_of_two_rows_is_refused_by_name_with_what_to_do(finish: Finish) -> None:
    table = signal()
    table.loc[[3, 90], "y"] = "perhaps"
    reply = finish(table)
    assert reply.status == "refused"
    (finding,) = (one for one in reply.findings if one.blocks)
    assert finding.code == "DAT003"
    assert "class 'perhaps' has 1 row in development, fewer than the 3 folds" in finding.found
    assert "merge it with a related one" in finding.remedy


def test_infinities_are_gaps_to_what_learns(finish: Finish) -> None:
    table = signal().assign(odd=np.inf)
    table.loc[::3, "odd"], table.loc[1::3, "odd"] = -np.inf, 0.5
    table.loc[::10, "x"] = np.inf
    assert score(finish(table)) > 0.75


def test_a_column_that_stands_there_three_times_is_learned_as_well_as_one(finish: Finish) -> None:
    table = signal()
    assert score(finish(table.assign(again=table["x"], as_text=table["x"].map("{:.3f}".format)))) > 0.8


def test_a_table_of_columns_without_two_values_is_refused(finish: Finish) -> None:
    with pytest.raises(InputError, match="Every column is constant") as caught:
        finish(signal()[["y"]].assign(one=1.0, same="a", none=np.nan))
    assert caught.value.remedy


def test_a_group_column_that_leaves_one_group_is_refused(finish: Finish) -> None:
    with pytest.raises(InputError, match=r".site. make too few groups") as caught:
        finish(signal().assign(site="north"), group_columns=["site"])
    assert caught.value.remedy


def test_time_stamps_out_of_order_are_put_in_order(finish: Finish, layout: ProjectLayout) -> None:
    table = signal().assign(day=pd.date_range("2024-01-01", periods=240, freq="D"))
    assert score(finish(table.sample(frac=1, random_state=1), time_column="day", split="time")) > 0.8
    plan = load_record(layout, SplitPlan)
    assert plan.definition.strategy == "time"
    rows = load_development(layout, plan)
    folds = rows.frame["day"].groupby(rows.folds).agg(["min", "max"])
    assert (folds["min"].iloc[1:].to_numpy() > folds["max"].iloc[:-1].to_numpy()).all()
    assert rows.frame["day"].max() < table["day"].quantile(0.81)


@pytest.mark.parametrize("number", [False, True], ids=["class", "number"])
def test_a_target_with_one_value_in_some_folds_still_has_a_finite_score(finish: Finish, *, number: bool) -> None:
    table = signal().assign(site=np.arange(240) // 24)
    if number:
        table["y"] = table["x"].where(table["site"] > 4, 0.0)
    else:
        table.loc[table["site"] < 5, "y"] = "no"
    assert np.isfinite(score(finish(table, group_columns=["site"])))


def test_a_budget_of_nothing_is_refused_and_names_the_field(layout: ProjectLayout) -> None:
    with pytest.raises(ValidationError, match=r"budget_seconds\n.*greater than 0"):
        TrainRequest(project_dir=str(layout.root), budget_seconds=0)
    with pytest.raises(ValidationError, match=r"budget_evaluations\n.*greater than or equal to 1"):
        TrainRequest(project_dir=str(layout.root), budget_evaluations=0)


@pytest.mark.full
def test_two_hundred_thousand_categories_do_not_hide_what_another_column_tells(finish: Finish) -> None:
    table = signal(rows=400_000)
    table["code"] = [f"k{number // 2}" for number in np.random.default_rng(0).permutation(400_000)]
    assert score(finish(table, roles={"code": "categorical"})) > 0.8


@pytest.mark.full
def test_five_thousand_columns_of_a_hundred_rows_are_no_better_than_they_are(finish: Finish) -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(100, 5000)), columns=[f"c{place}" for place in range(5000)])
    worth = score(finish(wide.assign(y=rng.permutation(["no", "yes"] * 50))))
    assert 0.2 < worth < 0.8
