"""A table larger than the memory: the champion's trees learn from all development rows, and never from a sealed one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
from sklearn.dummy import DummyClassifier

from ml_engineer import seal
from ml_engineer.modelling import executors, out_of_core
from ml_engineer.modelling.model_files import load_model
from ml_engineer.modelling.out_of_core import OutOfCoreFit
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.user_code import load_champion_builder, load_features
from ml_engineer.seal.vault import Vault
from ml_engineer.verbs.training.further_check import RowsApart
from ml_engineer.verbs.training.further_room import Pace, rows_in_memory, rows_in_time
from ml_engineer.verbs.training.further_rows import FurtherRows
from ml_engineer.verbs.training.rows import load_training_rows
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.requests import FrameProblemRequest, ScaffoldProjectRequest, TrainRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import BeyondSample, TrainingRun

ROWS = 20_000
SAMPLED = 0.1


def visits(rows: int = ROWS, *, seed: int = 0) -> pd.DataFrame:
    """Who buys depends on price and shop; in the rare shop, one row in 50, dear things sell."""
    rng = np.random.default_rng(seed)
    shop = rng.choice(["north", "south", "rare"], rows, p=[0.6, 0.38, 0.02])
    price = rng.normal(size=rows)
    wanted = np.where(shop == "rare", 3 * price, -price) + 0.5 * (shop == "north")
    return pd.DataFrame(
        {
            "price": price,
            "shop": shop,
            "noise": rng.normal(size=rows),
            "house": rng.integers(0, rows // 20, rows),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), unit="D"),
            "bought": np.where(wanted + rng.logistic(size=rows) > 0, "yes", "no"),
        }
    )


@pytest.fixture
def frame_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ProjectLayout]:
    """Frame a table on a tenth of its rows, as if no more went into memory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def _frame(table: pd.DataFrame, *, target: str = "bought", **arguments: Any) -> ProjectLayout:
        source = tmp_path / "table.parquet"
        table.to_parquet(source, index=False)
        size, free = pq.read_table(source).nbytes, psutil.virtual_memory()
        context = WorkContext(job_id="job_frame", journal_dir=tmp_path / "journal")
        request = FrameProblemRequest(data=str(source), target=target, project_dir=str(tmp_path / "ml"), **arguments)
        with monkeypatch.context() as patch:
            # A table takes three times its columns while it is dealt, and may take seven tenths of what is free.
            available = int(SAMPLED * 3 * size / 0.7)
            patch.setattr(psutil, "virtual_memory", lambda: free._replace(available=available))
            importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(request, context)
        scaffold = ScaffoldProjectRequest(project_dir=str(tmp_path / "ml"), features=[])
        importlib.import_module("ml_engineer.verbs.scaffold_project").scaffold_project(scaffold, context)
        layout = ProjectLayout(tmp_path / "ml")
        assert load_record(layout, DataProfile).source.sample_fraction == pytest.approx(SAMPLED, rel=0.2)
        return layout

    return _frame


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., BeyondSample]:
    """Train a project in this process; what its record says of the rows beyond the sample."""

    def _train(layout: ProjectLayout, **arguments: Any) -> BeyondSample:
        settings = {"budget_evaluations": 8, "candidates": ["boosting"]} | arguments
        context = WorkContext(job_id="job_train", journal_dir=tmp_path / "journal")
        request = TrainRequest(project_dir=str(layout.root), **settings)
        reply = importlib.import_module("ml_engineer.verbs.train").train(request, context)
        told = load_record(layout, TrainingRun).beyond_sample
        assert told is not None
        assert told.told in reply.warnings
        assert not (tmp_path / "journal" / "beyond_sample").exists()
        return told

    return _train


def further_rows(layout: ProjectLayout) -> pd.DataFrame:
    """All rows that a training would learn from beyond the sample."""
    rows, profile = load_training_rows(layout), load_record(layout, DataProfile)
    further = FurtherRows(rows, profile, seal.sides_beyond(rows.split, rows.development.frame))
    return pd.concat(part.frame.assign(actual=part.actual) for part in further)


def sealed_rows(layout: ProjectLayout) -> pd.DataFrame:
    return Vault().load_held_out(load_record(layout, SplitPlan).deal_id)


def test_the_champion_learns_from_all_development_rows_and_knows_what_is_rare_better(frame_sample, train) -> None:
    layout = frame_sample(visits())
    told = train(layout)
    split, run = load_record(layout, SplitPlan), load_record(layout, TrainingRun)
    beyond = ROWS - split.development_rows - split.held_out_rows
    assert told.source_rows == ROWS
    assert told.sampled_rows == split.development_rows
    assert told.parts == ("boosting",)
    # Every row beyond the sample was learned from, or set apart to check by, or lies on the held-out side.
    assert told.further_rows + told.checked_rows + told.held_rows == beyond
    assert told.held_rows == pytest.approx(split.definition.held_out_fraction * beyond, rel=0.1)
    assert told.gain is not None
    assert told.gain.value > 0
    rows = load_training_rows(layout)
    alone = load_champion_builder(layout)().fit(rows.data.features, rows.data.target)
    served = load_model(
        layout.root / run.champion.model_path, sha256=run.champion.model_sha256, model_format=run.champion.model_format
    )
    fresh = visits(seed=1).query("shop == 'rare'")
    features, bought = load_features(layout)(fresh.drop(columns="bought")), (fresh["bought"] == "yes").to_numpy()
    chances = [model.predict_proba(features)[np.arange(len(fresh)), bought.astype(int)] for model in (served, alone)]
    losses = [-np.log(chance).mean() for chance in chances]
    assert losses[0] < 0.8 * losses[1]


def test_numbers_are_learned_from_the_rows_beyond_a_sample_too(frame_sample, train) -> None:
    table, rng = visits().drop(columns="bought"), np.random.default_rng(5)
    dear = np.where(table["shop"] == "rare", 3 * table["price"], np.sin(3 * table["price"]))
    table["spent"] = dear + rng.normal(size=ROWS)
    layout = frame_sample(table, target="spent")
    told = train(layout)
    split = load_record(layout, SplitPlan)
    beyond = ROWS - split.development_rows - split.held_out_rows
    assert told.further_rows + told.checked_rows + told.held_rows == beyond
    assert told.parts == ("boosting",)
    assert told.gain is not None
    assert told.gain.value > 0


@pytest.mark.parametrize("classes", [2, 3])
def test_xgboost_learns_from_the_rows_beyond_a_sample_too(frame_sample, train, classes: int) -> None:
    table, rng = visits()[["price", "noise", "house"]], np.random.default_rng(3)
    wave = np.sin(2 * table["price"]) + table["noise"] + 0.4 * rng.normal(size=ROWS)
    table["kind"] = np.array(["low", "high"] if classes == 2 else ["low", "mid", "high"])[
        np.digitize(wave, [0.0] if classes == 2 else [-0.3, 0.3])
    ]
    layout = frame_sample(table, target="kind")
    told = train(layout, candidates=["gradient_boosting_shallow"])
    assert told.parts == ("gradient_boosting_shallow",)
    assert told.further_rows > 5 * told.sampled_rows
    assert told.gain is not None
    assert told.gain.value > 0
    run = load_record(layout, TrainingRun)
    served = load_model(
        layout.root / run.champion.model_path, sha256=run.champion.model_sha256, model_format=run.champion.model_format
    )
    fresh = np.linspace(-1.5, 1.5, 201)
    rows = table.iloc[:201].assign(price=fresh, noise=0.0).drop(columns="kind")
    clear = np.abs(np.sin(2 * fresh)) > 0.7
    said = served.predict(load_features(layout)(rows))
    expected = np.where(np.sin(2 * fresh) > 0, "high", "low")
    assert (said == expected)[clear].mean() > 0.95


def test_the_generated_code_reproduces_the_score_on_the_sample_and_says_what_more_was_learned(
    frame_sample, train
) -> None:
    layout = frame_sample(visits(8_000))
    told = train(layout)
    assert told.further_rows > 0
    assert f"FURTHER_ROWS = {told.further_rows}" in layout.champion_py.read_text(encoding="utf-8")
    assert f"{told.further_rows:,} of them beyond the sample" in (layout.reports / "search.md").read_text(
        encoding="utf-8"
    )
    script = [sys.executable, str(layout.training_dir / "train.py"), "--no-track", "--save"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert "The recorded run is reproduced" in done.stdout, done.stdout + done.stderr
    assert f"{told.further_rows} further rows" in done.stdout


def test_repeats_of_sealed_rows_are_never_learned_from(frame_sample) -> None:
    table = visits()
    repeats = pd.concat([table.iloc[::20]] * 10)
    layout = frame_sample(pd.concat([table, repeats]).sample(frac=1.0, random_state=0))
    keys = [name for name in table.columns if name != "bought"]
    sealed, further = sealed_rows(layout), further_rows(layout)
    planted = repeats.merge(sealed[keys].drop_duplicates(), on=keys)
    assert len(planted) > 1_000
    assert further.merge(sealed[keys].drop_duplicates(), on=keys).empty


def test_rows_of_sealed_groups_are_never_learned_from(frame_sample) -> None:
    layout = frame_sample(visits(), group_columns=["house"])
    assert load_record(layout, SplitPlan).definition.strategy == "grouped"
    sealed, further = set(sealed_rows(layout)["house"]), further_rows(layout)
    assert len(sealed) > 100
    assert not sealed & set(further["house"])
    # A group that no row of the sample is of lies on one side as a whole.
    whole = visits().groupby("house").size()
    known = set(load_training_rows(layout).development.frame["house"]) | sealed
    new = further[~further["house"].isin(known)].groupby("house").size()
    assert (new == whole[new.index]).all()


def test_rows_as_late_as_sealed_ones_are_never_learned_from(frame_sample) -> None:
    layout = frame_sample(visits(), split="time", time_column="day")
    first = sealed_rows(layout)["day"].min()
    further = further_rows(layout)
    assert further["day"].max() < first
    early = (visits()["day"] < first).sum() - len(load_training_rows(layout).development.frame)
    assert len(further) == early


def test_what_is_learned_beyond_the_sample_is_development_when_the_table_is_framed_whole(
    frame_sample, tmp_path: Path
) -> None:
    further = further_rows(frame_sample(visits()))
    context = WorkContext(job_id="job_frame", journal_dir=tmp_path / "journal")
    request = FrameProblemRequest(
        data=str(tmp_path / "table.parquet"), target="bought", project_dir=str(tmp_path / "whole")
    )
    importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(request, context)
    whole = pd.read_parquet(ProjectLayout(tmp_path / "whole").development)
    assert len(whole) > 0.75 * ROWS
    assert further["price"].isin(whole["price"]).all()


def test_a_source_that_changed_costs_only_the_further_rows(frame_sample, train, tmp_path: Path) -> None:
    layout = frame_sample(visits(8_000))
    visits(8_000, seed=1).to_parquet(tmp_path / "table.parquet", index=False)
    told = train(layout)
    assert told.further_rows == 0
    assert "table.parquet is not the file that was framed" in told.reason
    assert "FURTHER_ROWS" not in layout.champion_py.read_text(encoding="utf-8")


def test_features_that_fail_on_further_rows_cost_only_these(frame_sample, train) -> None:
    table = visits(8_000)
    layout = frame_sample(table)
    known = float(pd.read_parquet(layout.development)["price"].abs().max())
    layout.features_py.write_text(
        "def build_features(rows):\n"
        f"    if (rows['price'].abs() > {known!r}).any():\n"
        "        raise ValueError('too dear')\n"
        "    return rows[['price', 'shop']]\n",
        encoding="utf-8",
    )
    told = train(layout)
    assert told.further_rows == 0
    assert "because it failed" in told.reason
    assert "too dear" in told.reason


def test_a_champion_without_boosted_trees_says_why_it_learned_from_the_sample_alone(frame_sample, train) -> None:
    told = train(frame_sample(visits(8_000)), candidates=["linear"])
    assert told.further_rows == 0
    assert (
        told.reason == "because linear holds no LightGBM or XGBoost model, and others learn from rows in memory alone"
    )


def test_a_time_too_short_for_the_further_rows_is_told(frame_sample, train, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("ml_engineer.verbs.training.beyond_sample")
    monkeypatch.setattr(module, "rows_in_time", lambda pace, seconds: 0.0)
    told = train(frame_sample(visits(8_000)), budget_evaluations=None, budget_seconds=30)
    assert told.further_rows == 0
    assert told.reason.endswith("give train more budget_seconds")


def test_time_that_is_out_before_trees_grow_costs_only_the_further_rows(
    frame_sample, train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutOfCoreFit, "of", _late(OutOfCoreFit.of))
    told = train(frame_sample(visits(8_000)))
    assert told.further_rows == 0
    assert "there was no time to read the rows that its trees were to grow on" in told.reason


def test_fewer_trees_than_were_wanted_are_kept_where_they_do_no_worse_and_told(
    frame_sample, train, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grow_here(monkeypatch, lambda rounds, rate: [2 * rate] * (rounds // 2))
    layout = frame_sample(visits())
    told = train(layout)
    assert told.further_rows > 0
    assert told.grown_share == pytest.approx(0.5, abs=0.05)
    assert told.gain is not None
    assert told.gain.value > 0
    assert "of the rounds and longer steps, because there was no time for more" in told.told


def test_a_model_that_went_little_of_its_way_is_not_kept(frame_sample, train, monkeypatch: pytest.MonkeyPatch) -> None:
    _grow_here(monkeypatch, lambda rounds, rate: [rate])
    told = train(frame_sample(visits(8_000)))
    assert told.further_rows == 0
    assert told.reason.startswith("because there was time to grow 1 of ")
    assert told.reason.endswith("give train more budget_seconds")


def _late(of: Callable[..., OutOfCoreFit]) -> Callable[..., OutOfCoreFit]:
    def _of(*arguments: Any, **_: Any) -> OutOfCoreFit:
        return of(*arguments, seconds=-1.0)

    return _of


def _grow_here(monkeypatch: pytest.MonkeyPatch, rates: Callable[[int, float], list[float]]) -> None:
    """Do fits in this process, with other learning rates than the clock would give."""
    monkeypatch.setattr(executors, "can_fork", lambda: False)
    monkeypatch.setattr(out_of_core, "paced_rates", lambda rounds, rate, **_: rates(rounds, rate))


def test_two_models_are_compared_on_as_many_rows_as_there_is_time_for(frame_sample) -> None:
    rows = load_training_rows(frame_sample(visits()))
    model = DummyClassifier().fit(rows.data.features, rows.data.target)
    further = FurtherRows(
        rows, load_record(rows.layout, DataProfile), seal.sides_beyond(rows.split, rows.development.frame)
    )
    apart, part = RowsApart(), next(iter(further))
    apart.add(load_features(rows.layout)(part.frame), part, np.arange(len(part.actual)) < 2_000)
    clock = iter([0.0, 1.0, 0.0, 10.0]).__next__  # 200 rows take a second; or ten, and then the time is out
    compared = apart.compare(rows.data, model, model, seed=0, until=11.0, clock=clock)
    assert compared is not None
    assert compared.rows == pytest.approx(1_000, rel=0.01)
    assert compared.gain.value == 0
    with pytest.raises(TimeoutError, match="no time to compare the two models on 500 rows"):
        apart.compare(rows.data, model, model, seed=0, until=11.0, clock=clock)


def test_time_and_memory_have_room_for_so_many_rows() -> None:
    pace = Pace(source_rows=1000, sampled_rows=100, bytes_to_hash=0, reading=0.001, preparing=0.01, growing=0.1)
    # Of 100 s 85 are planned with; 1 s is always needed, 1 s reads all, and a row takes 0.01 + 1.3 * 0.1 s.
    assert rows_in_time(pace, 100.0) == pytest.approx(83 / 0.14 - 100)
    # Ten columns and one tree a round: 94 bytes a row, and 240 for each of the 200,000 by which columns are binned.
    always = 150 * 2**20
    assert rows_in_memory(10, 1, always + 94 * 1_000_000 + 240 * 200_000) == pytest.approx(1_000_000)
    assert rows_in_memory(10, 1, always + (94 + 240) * 50_000) == pytest.approx(50_000)
    assert rows_in_memory(10, 1, 0.0) == 0


def test_a_project_framed_whole_records_nothing_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    visits(400).to_csv(tmp_path / "table.csv", index=False)
    context = WorkContext(job_id="job_frame", journal_dir=tmp_path / "journal")
    request = FrameProblemRequest(data=str(tmp_path / "table.csv"), target="bought", project_dir=str(tmp_path / "ml"))
    importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(request, context)
    train = importlib.import_module("ml_engineer.verbs.train").train
    train(TrainRequest(project_dir=str(tmp_path / "ml"), budget_evaluations=3, candidates=["linear"]), context)
    layout = ProjectLayout(tmp_path / "ml")
    assert load_record(layout, TrainingRun).beyond_sample is None
    assert load_record(layout, ProblemDefinition).target == "bought"
