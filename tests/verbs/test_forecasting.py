"""Forecasts from the table to the next horizon: framed, trained, evaluated once, proved, and refused where data does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.series import WEEK, promoted, shop, walk
from ml_engineer.errors import InputError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.training import TrainingRun

Call = Callable[..., Any]
QUICK = {"budget_evaluations": 12, "candidates": ["lines_season", "theta"]}


@pytest.fixture
def framed(call: Call, tmp_path: Path) -> Callable[..., tuple[str, Any]]:
    """Frame a table as a forecast; gives the project and the reply."""

    def _framed(rows: pd.DataFrame, **arguments: Any) -> tuple[str, Any]:
        data, root = tmp_path / "data.csv", str(tmp_path / "ml")
        rows.to_csv(data, index=False)
        settings = {"task_type": "forecasting", "time_column": "day", "horizon": 7} | arguments
        return root, call("frame_problem", data=str(data), target="sales", project_dir=root, **settings)

    return _framed


def test_a_season_with_a_trend_is_forecast_better_than_by_the_naive_rule(
    framed: Callable[..., tuple[str, Any]], call: Call, tmp_path: Path
) -> None:
    root, reply = framed(shop())
    assert (reply.development_rows, reply.held_out_rows) == (336, 84)
    trained = call("train", project_dir=root, **QUICK)
    assert trained.score.value < 0.9 * trained.baseline.value
    assert trained.gain.low > 0
    evaluated = call("evaluate", project_dir=root)
    assert (evaluated.verdict, evaluated.look, evaluated.held_out_rows) == ("better_than_baseline", 1, 84)
    assert evaluated.metrics["mase"].value == pytest.approx(trained.score.value, abs=0.25)
    assert call("evaluate", project_dir=root).look == 1
    layout = ProjectLayout(Path(root))
    page = layout.evaluation_html.read_text(encoding="utf-8")
    assert "by step of the horizon" in page
    assert "<svg" in page
    report = json.loads((layout.records / "evaluation.json").read_text(encoding="utf-8"))
    assert [step["step"] for step in report["steps"]] == list(range(1, 8))
    assert report["interval_coverage"]["value"] == pytest.approx(0.9, abs=0.1)
    said = pd.read_csv(call("predict", project_dir=root, data=str(tmp_path / "data.csv")).output)
    truth = 50 + 0.05 * np.arange(420, 427) + WEEK[np.arange(420, 427) % 7]
    assert said["day"].iloc[0] == "2024-02-26"
    assert np.abs(said["prediction"] - truth).max() < 2
    assert ((said["low_90"] < truth) & (truth < said["high_90"])).all()
    proved = call("verify", project_dir=root, full=True)
    assert proved.verdict == "valid", proved.failed
    gate = call("check_guardrails", project_dir=root, stage="deploy")
    assert gate.verdict != "block", gate.findings


def test_nothing_is_claimed_of_a_random_walk(framed: Callable[..., tuple[str, Any]], call: Call) -> None:
    root, _ = framed(walk())
    assert load_record(ProjectLayout(Path(root)), ProblemDefinition).forecast.season == 1  # type: ignore[union-attr]
    trained = call("train", project_dir=root, **QUICK)
    assert trained.gain.low <= 0
    assert call("evaluate", project_dir=root).verdict != "better_than_baseline"


def test_a_column_known_in_advance_is_used_and_asked_for(
    framed: Callable[..., tuple[str, Any]], call: Call, tmp_path: Path
) -> None:
    root, reply = framed(promoted(), known_in_advance=["promotion"])
    assert "promotion" in reply.features
    trained = call("train", project_dir=root, **QUICK)
    assert trained.score.value < 0.3 * trained.baseline.value
    with pytest.raises(InputError, match="known in advance") as caught:
        call("predict", project_dir=root, data=str(tmp_path / "data.csv"))
    assert "future" in caught.value.remedy
    ahead = shop(days=427).tail(7).drop(columns="sales").assign(promotion=[1, 0, 0, 1, 0, 0, 0])
    ahead.to_csv(tmp_path / "future.csv", index=False)
    reply = call("predict", project_dir=root, data=str(tmp_path / "data.csv"), future_data=str(tmp_path / "future.csv"))
    said = pd.read_csv(reply.output)["prediction"].to_numpy()
    truth = 50 + 0.05 * np.arange(420, 427) + WEEK[np.arange(420, 427) % 7] + 20 * ahead["promotion"].to_numpy()
    assert np.abs(said - truth).max() < 4


def test_a_column_that_is_not_known_in_advance_gives_its_past_only(
    framed: Callable[..., tuple[str, Any]], call: Call
) -> None:
    root, reply = framed(promoted(), known_in_advance=[])
    assert "promotion" in reply.not_used
    # A promotion that falls by chance cannot be foreseen from those before it.
    trained = call("train", project_dir=root, **QUICK)
    assert trained.score.value > 0.5 * trained.baseline.value


def test_a_column_that_follows_the_target_is_no_column_known_in_advance(
    framed: Callable[..., tuple[str, Any]], call: Call
) -> None:
    rows = walk(days=200)
    rows["invoiced"] = 3 * rows["sales"] + 0.1 * np.random.default_rng(0).normal(size=len(rows))
    root, _ = framed(rows, known_in_advance=["invoiced"])
    refused = call("train", project_dir=root, **QUICK)
    assert refused.status == "refused"
    assert any(finding.code.startswith("LEA") and "invoiced" in finding.columns for finding in refused.findings)
    # Its past may be used: nobody claims to know it in advance.
    root, _ = framed(rows, known_in_advance=[])
    call("scaffold_project", project_dir=root)
    assert call("train", project_dir=root, **QUICK).status == "done"


def test_many_series_are_cut_at_one_moment_and_learned_together(
    framed: Callable[..., tuple[str, Any]], call: Call, tmp_path: Path
) -> None:
    parts = [shop(days=200, seed=n, level=20.0 * (n + 1)).assign(shop=f"shop {n}") for n in range(6)]
    parts[5] = parts[5].tail(120)
    rows = pd.concat(parts).sample(frac=1, random_state=0)
    with pytest.raises(InputError, match="several series") as caught:
        framed(rows)
    assert "series_columns=['shop']" in caught.value.remedy
    root, reply = framed(rows, series_columns=["shop"])
    development = pd.read_parquet(ProjectLayout(Path(root)).development)
    last = development.groupby("shop")["day"].max()
    assert (last == last.iloc[0]).all()
    assert reply.held_out_rows == 6 * (199 - (last.iloc[0] - rows["day"].min()).days)
    trained = call("train", project_dir=root, **QUICK)
    assert trained.gain.low > 0
    said = pd.read_csv(call("predict", project_dir=root, data=str(tmp_path / "data.csv")).output)
    assert said.groupby("shop").size().tolist() == [7] * 6


def test_the_same_budget_of_fits_gives_the_same_champion(framed: Callable[..., tuple[str, Any]], call: Call) -> None:
    root, _ = framed(shop(days=150))
    runs = []
    for _ in range(2):
        call("train", project_dir=root, **QUICK)
        runs.append(load_record(ProjectLayout(Path(root)), TrainingRun).champion)
    assert runs[0].model_sha256 == runs[1].model_sha256


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"horizon": 100}, "too short"),
        ({"metric": "roc_auc"}, "does not fit forecasting"),
        ({"split": "random"}, "judged on the latest moments"),
        ({"group_columns": ["day"]}, "no use in forecasting"),
        ({"known_in_advance": ["sales"]}, "the target"),
        ({"series_columns": ["nowhere"]}, "nowhere"),
        ({"task_type": "regression"}, "horizon is for forecasting"),
    ],
)
def test_what_does_not_fit_is_refused(
    framed: Callable[..., tuple[str, Any]], arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        framed(shop(days=120), **arguments)


def test_rows_of_unequal_steps_are_refused_with_a_pointer(framed: Callable[..., tuple[str, Any]]) -> None:
    rows = shop(days=120)
    rows.loc[60:, "day"] += pd.Timedelta(hours=5)
    with pytest.raises(InputError, match="not evenly spaced"):
        framed(rows)


def test_infinite_values_and_a_series_without_any_value_are_left_out_and_told(call: Call, tmp_path: Path) -> None:
    data = tmp_path / "data.parquet"
    rows = pd.concat([shop(days=120).assign(shop=name) for name in "ab"], ignore_index=True)
    rows.assign(sales=rows["sales"].mask(rows["shop"] == "b", np.inf)).to_parquet(data)
    asked = {"task_type": "forecasting", "time_column": "day", "horizon": 7, "series_columns": ["shop"]}
    reply = call("frame_problem", data=str(data), target="sales", project_dir=str(tmp_path / "ml"), **asked)
    told = " ".join(reply.warnings)
    assert "Infinite values are missing: 'sales' (120)" in told
    assert "120 rows without a usable value of 'sales' are left out" in told
    assert "Read as one series" in told


def test_an_argument_of_train_that_would_be_ignored_is_refused_by_name(
    framed: Callable[..., tuple[str, Any]], call: Call
) -> None:
    root, _ = framed(shop(days=120))
    with pytest.raises(InputError, match="price_milliseconds is not there for forecasting"):
        call("train", project_dir=root, **QUICK, price_milliseconds=1)


def test_a_cluster_that_does_the_fits_under_a_memory_limit_gives_the_same_champion(
    framed: Callable[..., tuple[str, Any]], call: Call
) -> None:
    distributed = pytest.importorskip("distributed", reason="clusters come with the part 'dask'")
    root, _ = framed(shop(days=150))
    champions = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:
        for address in (None, cluster.scheduler_address):
            call("train", project_dir=root, **QUICK, executor=address, memory_limit_mb=4_000)
            champions.append(load_record(ProjectLayout(Path(root)), TrainingRun).champion)
    assert champions[0].model_sha256 == champions[1].model_sha256
