"""`train` from a framed table to a champion that stands alone."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

from ml_engineer import tracking
from ml_engineer.errors import InputError, JobCancelledError, ProjectStateError, UserCodeError
from ml_engineer.modelling.model_files import load_model
from ml_engineer.modelling.search_plan import SearchPlan
from ml_engineer.project.definition import load_problem, save_problem
from ml_engineer.project.development import load_development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.training.refitted_fold import refit_one_fold
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.problem import Costs
from ml_engineer.vocabulary.replies import TrainReply
from ml_engineer.vocabulary.requests import FrameProblemRequest, PredictRequest, ScaffoldProjectRequest, TrainRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

ROWS = 400


def customers(*, leak: bool = False) -> pd.DataFrame:
    """Who leaves depends on price and plan; the rest is noise."""
    rng = np.random.default_rng(0)
    price = rng.normal(60, 15, ROWS).round(2)
    plan = rng.choice(["month", "year", "two years"], ROWS)
    score = (price - 60) / 8 + 2 * (plan == "month") + rng.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "price": price,
            "plan": plan,
            "visits": rng.poisson(3, ROWS),
            "region 'old'": rng.choice(["north", "south"], ROWS),
            "spend": (20 * score + rng.normal(size=ROWS)).round(3),
            "left": np.where(score > 0.8, "yes", "no"),
        }
    )
    frame.loc[::11, "price"] = np.nan
    if leak:
        frame["closing code"] = np.where(frame["left"] == "yes", 7, rng.integers(1, 4, ROWS))
    return frame


def frame_table(root: Path, table: pd.DataFrame, **arguments: Any) -> ProjectLayout:
    """Frame and scaffold a project, as `frame_problem` and `scaffold_project` do."""
    root.mkdir(parents=True, exist_ok=True)
    table.to_csv(root / "table.csv", index=False)
    context = WorkContext(job_id="job_frame", journal_dir=root / "journal")
    request = FrameProblemRequest(data=str(root / "table.csv"), project_dir=str(root / "ml"), **arguments)
    importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(request, context)
    scaffold = ScaffoldProjectRequest(project_dir=str(root / "ml"), features=[])
    importlib.import_module("ml_engineer.verbs.scaffold_project").scaffold_project(scaffold, context)
    return ProjectLayout(root / "ml")


def train_here(layout: ProjectLayout, home: Path, **arguments: Any) -> TrainReply:
    """Train in this process, with finished fits kept under `home`."""
    request = TrainRequest(project_dir=str(layout.root), **arguments)
    context = WorkContext(job_id="job_train", journal_dir=home / "fits")
    reply: TrainReply = importlib.import_module("ml_engineer.verbs.train").train(request, context)
    return reply


@pytest.fixture(scope="module")
def framed_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ProjectLayout]:
    """A binary and a regression project, framed and scaffolded, for copying."""
    home = tmp_path_factory.mktemp("framed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        binary, regression = customers().drop(columns="spend"), customers().drop(columns="left")
        regression["counts"] = 1 + regression.index % 3
        return {
            "binary": frame_table(home / "binary", binary, target="left"),
            "regression": frame_table(home / "regression", regression, target="spend", roles={"counts": "weight"}),
        }


@pytest.fixture
def project(framed_once: dict[str, ProjectLayout], tmp_path: Path) -> Callable[[str], ProjectLayout]:
    """A fresh copy of a framed project."""

    def _copy(task: str = "binary") -> ProjectLayout:
        shutil.copytree(framed_once[task].root, tmp_path / "ml")
        return ProjectLayout(tmp_path / "ml")

    return _copy


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., TrainReply]:
    """Train a project in this process."""

    def _train(layout: ProjectLayout, *, report: Any = None, **arguments: Any) -> TrainReply:
        verb = importlib.import_module("ml_engineer.verbs.train").train
        settings = {"budget_seconds": 60, "candidates": ["linear"]} | arguments
        context = WorkContext(job_id="job_train", journal_dir=tmp_path / "journal")
        if report is not None:
            context = WorkContext(job_id="job_train", journal_dir=tmp_path / "journal", report=report)
        return verb(TrainRequest(project_dir=str(layout.root), **settings), context)

    return _train


@pytest.fixture
def run_alone() -> Callable[..., str]:
    """Run a project's train.py where ml_engineer cannot be imported; what it printed."""

    def _run(layout: ProjectLayout, *options: str) -> str:
        alone = "import sys, runpy; sys.modules['ml_engineer'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        script = str(layout.training_dir / "train.py")
        command = [sys.executable, "-I", "-c", alone, script, "--no-track", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return _run


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_record_files_and_store_tell_the_same_story(project, train, task: str) -> None:
    layout = project(task)
    reply = train(layout, candidates=["linear", "boosting"])
    assert reply.status == "done"
    assert any("counting by 'counts'" in warning for warning in reply.warnings) == (task == "regression")
    run = load_record(layout, TrainingRun)
    champion = run.champion
    assert reply.run_id == run.run_id
    assert champion.score == reply.score
    assert run.gain.low > 0
    entries = {entry.name: entry for entry in run.leaderboard.candidates}
    assert {"baseline", "linear", "boosting", champion.name} == set(entries)
    assert all(entry.status in {"finished", "dropped"} for entry in entries.values())
    assert all(entry.decisions for name, entry in entries.items() if name in {"linear", "boosting"})
    for entry in entries.values():
        if entry.status == "finished":
            assert (entry.predict_milliseconds_per_row, entry.model_megabytes, entry.explained_by) > (0, 0, ""), (
                entry.name
            )
    assert champion.model_megabytes == (layout.root / champion.model_path).stat().st_size / 1e6
    story = (layout.reports / "search.md").read_text(encoding="utf-8")
    assert all(f"| {name.replace('_', chr(92) + '_')} |" in story for name in entries)
    manifest = json.loads(layout.champion_manifest.read_text(encoding="utf-8"))
    assert manifest["model_sha256"] == champion.model_sha256
    assert manifest["run_id"] == run.run_id
    assert champion.code_sha256 == hashlib.sha256(layout.champion_py.read_bytes()).hexdigest()
    assert (champion.interval is None) == (task == "binary")
    model = load_model(layout.root / champion.model_path, sha256=champion.model_sha256, model_format="skops")
    assert model.feature_names_in_.tolist() == list(run.feature_columns) == manifest["feature_columns"]
    assert tracking.run_summary(layout, run.mlflow_run_id).missing == ()
    record = layout.run_dir(run.run_id) / "record.json"
    assert TrainingRun.model_validate_json(record.read_text(encoding="utf-8")) == run
    assert sorted(path.name for path in record.parent.iterdir()) == [
        "candidates.parquet",
        "known_answers.parquet",
        "out_of_fold.parquet",
        "record.json",
    ]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_train_py_reproduces_score_and_predictions_without_us(project, train, run_alone, task: str) -> None:
    layout = project(task)
    train(layout, candidates=["boosting"])
    recorded = json.loads(layout.champion_manifest.read_text(encoding="utf-8"))["interval"]
    assert "The recorded run is reproduced." in run_alone(layout, "--save")
    again = json.loads(layout.champion_manifest.read_text(encoding="utf-8"))["interval"]
    if task == "binary":
        assert recorded is again is None
    else:
        assert_equal_numbers(again, recorded)


def test_an_average_with_neighbours_that_take_no_weights_is_scored_served_and_fitted_by_hand_alike(
    train, run_alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(-1, 1, size=(500, 6)).round(4), columns=[f"x{number}" for number in range(6)])
    # A plane and a bend: neighbours and a line together do better than either.
    bent = 1.5 * np.cos(3 * table["x5"]) + 0.5 * rng.normal(size=500)
    table["y"] = (2 * table.drop(columns="x5").sum(axis=1) + bent).round(4)
    table["counts"] = np.where(table["x5"] > 0, 9, 1)
    layout = frame_table(tmp_path / "home", table, target="y", roles={"counts": "weight"})
    train(layout, candidates=["linear", "neighbours"], budget_evaluations=60)
    assert load_record(layout, TrainingRun).champion.name == "ensemble"
    used = table.filter(like="x").head(50)
    served = served_model(layout).predict(used)
    assert "The recorded run is reproduced." in run_alone(layout, "--save")
    assert served_model(layout).predict(used) == pytest.approx(served, abs=1e-6)


def served_model(layout: ProjectLayout) -> Any:
    """The model that serving would load now."""
    manifest = json.loads(layout.champion_manifest.read_text(encoding="utf-8"))
    path = layout.champion_dir / manifest["model_file"]
    return load_model(path, sha256=manifest["model_sha256"], model_format=manifest["model_format"])


def assert_equal_numbers(found: Any, expected: Any) -> None:
    """The same names and texts, and numbers that differ by rounding at most, however deep they lie."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert_equal_numbers(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_equal_numbers(one, other)
    else:
        assert found == (pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected)


def calm_and_wild(rows: int = 900) -> pd.DataFrame:
    """Rows with a target ``y`` whose distance from its mean the columns ``x1`` and ``kind`` tell."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(size=(rows, 3)).round(6), columns=["x1", "x2", "x3"])
    table["kind"] = rng.choice(["calm", "wild"], rows)
    table.loc[::25, "kind"] = None
    far = (0.1 + table["x1"]) * np.where(table["kind"] == "wild", 3, 1)
    table["y"] = (2 * table["x2"] + far * rng.normal(size=rows)).round(6)
    return table


@pytest.mark.parametrize("earlier", ["has no spread.py", "has its own intervals.py"])
def test_a_project_of_an_earlier_version_gets_no_widths_that_its_code_would_not_read(
    train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    layout = frame_table(tmp_path / "home", calm_and_wild(), target="y")
    if earlier == "has no spread.py":
        (layout.training_dir / "spread.py").unlink()
    else:
        (layout.training_dir / "intervals.py").write_text("WIDTH = 3.0\n", encoding="utf-8")
    train(layout, budget_evaluations=5)
    interval = load_record(layout, TrainingRun).champion.interval
    assert interval is not None
    assert interval.spread is None
    assert interval.coverage is not None
    assert interval.coverage.low < 0.9 < interval.coverage.high


def test_time_is_kept_for_widths_that_follow_the_features_where_they_will_be_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PlannedError(Exception):
        pass

    def planned(*_arguments: Any, plan: SearchPlan, **_options: Any) -> None:
        raise PlannedError(plan.deadline)

    verb = importlib.import_module("ml_engineer.verbs.train")
    monkeypatch.setattr(verb, "search", planned)
    layout = frame_table(tmp_path / "home", calm_and_wild(2400), target="y")
    # By a clock that stands still, no machine is busy.
    context = WorkContext(job_id="job_train", journal_dir=tmp_path, clock=lambda: 0.0, started=0.0)
    ends = []
    for budget in (60, 60, 5):
        with pytest.raises(PlannedError) as caught:
            verb.train(TrainRequest(project_dir=str(layout.root), budget_seconds=budget), context)
        ends.append(caught.value.args[0])
        if len(ends) == 1:
            kept_back = (layout.training_dir / "spread.py").read_bytes()
            (layout.training_dir / "spread.py").unlink()
        else:
            (layout.training_dir / "spread.py").write_bytes(kept_back)
    following, constant, of_little = ends
    assert constant - following == pytest.approx(1.6, abs=0.2)  # 1,920 rows teach five folds, and then the champion
    assert of_little == pytest.approx(5 - 0.75 - 1.25)


def test_widths_that_follow_the_features_are_the_same_in_predict_and_in_the_project_without_us(
    train, run_alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    table = calm_and_wild()
    layout = frame_table(tmp_path / "home", table, target="y")
    train(layout, budget_evaluations=5)
    interval = load_record(layout, TrainingRun).champion.interval
    assert interval is not None
    assert interval.spread is not None
    assert interval.coverage is not None
    assert interval.coverage.low < 0.9 < interval.coverage.high
    new = table.drop(columns="y").head(60)
    new.to_csv(tmp_path / "new.csv", index=False)
    new.to_parquet(tmp_path / "new.parquet")
    request = PredictRequest(project_dir=str(layout.root), data=str(tmp_path / "new.csv"))
    context = WorkContext(job_id="job_predict", journal_dir=tmp_path / "journal")
    written = pd.read_csv(importlib.import_module("ml_engineer.verbs.predict").predict(request, context).output)
    width = written["high_90"] - written["low_90"]
    assert width[table["kind"].head(60) == "wild"].mean() > 1.5 * width[table["kind"].head(60) == "calm"].mean()
    alone = """
import json, pathlib, sys
sys.modules["ml_engineer"] = None
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
import pandas as pd
from data.features.features import build_features
from models.training.intervals import interval_ends
rows = pd.read_parquet(sys.argv[2])
interval = json.loads((root / "models/serving/champion/manifest.json").read_text())["interval"]
ends = interval_ends(interval, pd.read_csv(sys.argv[3])["prediction"].to_numpy(), build_features(rows))
print(json.dumps([side.tolist() for side in ends]))
"""
    arguments = [str(layout.root), str(tmp_path / "new.parquet"), str(written_path(written, tmp_path))]
    done = subprocess.run([sys.executable, "-I", "-c", alone, *arguments], capture_output=True, text=True, check=True)
    low, high = json.loads(done.stdout)
    assert np.allclose(low, written["low_90"], atol=1e-6)
    assert np.allclose(high, written["high_90"], atol=1e-6)
    recorded = json.loads(layout.champion_manifest.read_text(encoding="utf-8"))["interval"]
    assert "The recorded run is reproduced." in run_alone(layout, "--save")
    assert_equal_numbers(json.loads(layout.champion_manifest.read_text(encoding="utf-8"))["interval"], recorded)


def written_path(table: pd.DataFrame, folder: Path) -> Path:
    """Where the table was written for another process to read."""
    path = folder / "written.csv"
    table.to_csv(path, index=False)
    return path


def test_out_of_fold_predictions_carry_rows_folds_and_probabilities(project, train) -> None:
    layout = project()
    run = load_record(layout, TrainingRun) if train(layout).status == "done" else None
    assert run is not None
    table = pd.read_parquet(layout.root / run.out_of_fold_path)
    folds = pd.read_parquet(layout.folds)
    assert list(table.columns) == ["row", "fold", "predicted", "p0", "p1"]
    assert table["row"].tolist() == folds["row"].tolist()
    assert table["fold"].tolist() == folds["fold"].tolist()
    assert np.allclose(table["p0"] + table["p1"], 1)
    assert ((table["p1"] >= 0.5) == (table["predicted"] == 1)).all()


def test_the_same_seed_gives_the_same_champion_twice(project, train, tmp_path: Path) -> None:
    layout = project()
    first = train(layout, candidates=["boosting_deep"], seed=3)
    one = pd.read_parquet(first.artifacts["out_of_fold"])
    shutil.rmtree(tmp_path / "journal")
    second = train(layout, candidates=["boosting_deep"], seed=3)
    assert first.run_id != second.run_id
    pd.testing.assert_frame_equal(one, pd.read_parquet(second.artifacts["out_of_fold"]))
    assert first.score == second.score


def test_a_leak_refuses_before_anything_is_fitted(tmp_path: Path, train) -> None:
    table = customers(leak=True).drop(columns="spend")
    layout = frame_table(tmp_path, table, target="left", known_at_prediction=["closing code"])
    starter = layout.champion_py.read_text(encoding="utf-8")
    reply = train(layout)
    assert reply.status == "refused"
    assert any(finding.blocks and "closing code" in finding.columns for finding in reply.findings)
    assert reply.next_step
    assert layout.champion_py.read_text(encoding="utf-8") == starter
    assert not layout.tracking_db.exists()
    assert not (tmp_path / "journal").exists() or not list((tmp_path / "journal").glob("*.npz"))


def test_a_project_without_code_is_scaffolded_first(project, train) -> None:
    layout = project()
    layout.features_py.unlink()
    reply = train(layout, candidates=["linear"])
    assert layout.features_py.exists()
    assert "scaffolded first" in reply.warnings[0]


def test_costs_move_the_threshold_and_say_why(project, train) -> None:
    layout = project()
    problem = load_problem(layout).model_copy(update={"costs": Costs(false_positive=1, false_negative=10)})
    save_problem(layout, problem)
    train(layout)
    champion = load_record(layout, TrainingRun).champion
    assert champion.decision_threshold is not None
    assert champion.decision_threshold < 0.4
    assert "10 a miss" in champion.threshold_reason
    assert f"DECISION_THRESHOLD: float | None = {champion.decision_threshold!r}" in layout.champion_py.read_text(
        encoding="utf-8"
    )


def test_an_overconfident_model_is_mended_and_train_py_arrives_at_the_same(project, train, run_alone) -> None:
    layout = project()
    layout.candidates_py.write_text(
        """
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline


def build_candidates():
    # The price is believed eight times over, as independent evidence.
    believed = [(f"again{number}", SimpleImputer(), ["price"]) for number in range(8)]
    return {"credulous": make_pipeline(ColumnTransformer(believed), GaussianNB())}
""",
        encoding="utf-8",
    )
    reply = train(layout, candidates=["credulous"])
    run = load_record(layout, TrainingRun)
    assert reply.champion == "credulous"
    assert run.champion.calibration in {"temperature", "sigmoid"}
    assert any(text.startswith("Probabilities are calibrated") for text in run.decisions)
    table = pd.read_parquet(layout.root / run.out_of_fold_path)
    actual = (load_development(layout, load_record(layout, SplitPlan)).frame["left"] == "yes").to_numpy()
    sure, right = table[["p0", "p1"]].max(axis=1).mean(), (table["predicted"] == actual).mean()
    assert sure == pytest.approx(right, abs=0.03)
    assert run.leaderboard.candidates[0].score.value == pytest.approx(run.champion.score.value)
    assert "The recorded run is reproduced." in run_alone(layout)
    split = load_record(layout, SplitPlan)
    facts = refit_one_fold(layout, load_problem(layout), split, run, load_development(layout, split))
    assert facts is not None
    assert (facts.problem, facts.unequal_rows) == ("", 0)


def test_the_assistants_own_candidate_can_win_and_be_saved_although_its_class_is_its_own(project, train) -> None:
    layout = project()
    layout.candidates_py.write_text(
        """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Price(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X[["price"]].fillna(60).assign(monthly=X["plan"] == "month")


def build_candidates():
    return {"price": make_pipeline(Price(), LogisticRegression()), "broken": make_pipeline(Price(), 7)}
""",
        encoding="utf-8",
    )
    reply = train(layout, candidates=["price", "broken"])
    run = load_record(layout, TrainingRun)
    assert run.champion.name == "price"
    assert run.champion.model_format == "pickle"
    assert [entry.status for entry in run.leaderboard.candidates] == ["finished", "finished", "failed"]
    assert any("pickle" in warning for warning in reply.warnings)
    assert any("takes the model from candidates.py" in warning for warning in reply.warnings)
    assert sorted(path.name for path in layout.champion_dir.glob("*.[ps]k*")) == ["model.pkl"]
    loaded = "import sys, cloudpickle, pathlib; sys.modules['ml_engineer'] = None; cloudpickle.loads(pathlib.Path(sys.argv[1]).read_bytes())"
    path = layout.root / run.champion.model_path
    subprocess.run([sys.executable, "-I", "-c", loaded, str(path)], check=True)


def test_a_budget_of_a_second_still_gives_a_model(project, train) -> None:
    layout = project()
    start = time.monotonic()
    reply = train(layout, budget_seconds=1, candidates=None)
    assert reply.status == "done"
    assert load_record(layout, TrainingRun).champion.model_sha256
    assert len(reply.leaderboard) >= 8
    assert time.monotonic() - start < 60


def test_a_killed_training_leaves_the_earlier_champion_and_resumes(project, train, tmp_path: Path) -> None:
    layout = project()
    train(layout, candidates=["linear_strict"])
    before = {path: path.read_bytes() for path in (layout.champion_py, layout.champion_manifest)}
    record = load_record(layout, TrainingRun)

    def killed(message: str, _fraction: float | None = None) -> None:
        if message == "saving and logging":
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        train(layout, candidates=["linear", "boosting"], report=killed)
    assert load_record(layout, TrainingRun) == record
    assert [run.ended for run in load_tally(layout).runs] == [True, False]
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in (layout.experiments / "runs").iterdir()] == [record.run_id]
    fits = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "journal").iterdir()}
    train(layout, candidates=["linear", "boosting"])
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "journal").iterdir()} == fits


def test_cancelled_with_a_finished_candidate_the_best_so_far_is_the_champion(project, tmp_path: Path) -> None:
    layout = project()
    asked: list[bool] = []
    context = WorkContext(
        job_id="job_train",
        journal_dir=tmp_path / "journal",
        keep_best=lambda: asked.append(True),
        asked_to_stop=lambda: bool(asked),
    )
    request = TrainRequest(project_dir=str(layout.root), budget_seconds=600)
    reply = importlib.import_module("ml_engineer.verbs.train").train(request, context)
    assert reply.status == "done"
    assert any("asked to stop" in warning for warning in reply.warnings)
    run = load_record(layout, TrainingRun)
    assert run.stopped_early
    assert run.champion.family != "baseline"
    assert run.seconds < 300
    assert layout.champion_manifest.exists()


def test_a_full_disk_leaves_the_earlier_champion(project, train, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = project()
    train(layout)
    record = load_record(layout, TrainingRun)

    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlflow.sklearn.log_model", full)
    with pytest.raises(ProjectStateError, match="No space left on device"):
        train(layout, seed=1)
    assert load_record(layout, TrainingRun) == record
    assert [path.name for path in (layout.experiments / "runs").iterdir()] == [record.run_id]


def test_what_a_killed_process_left_behind_is_removed_by_the_next(project, train) -> None:
    layout = project()
    (layout.run_dir("run_dead") / "champion").mkdir(parents=True)
    (layout.run_dir("by-hand")).mkdir()
    reply = train(layout)
    assert sorted(path.name for path in (layout.experiments / "runs").iterdir()) == ["by-hand", reply.run_id]


def test_an_unknown_candidate_is_refused_with_the_known_ones(project, train) -> None:
    with pytest.raises(InputError, match=r"'forest'.*random_forest"):
        train(project(), candidates=["forest"])


def test_a_candidate_named_like_one_of_the_portfolio_is_refused(project, train) -> None:
    layout = project()
    layout.candidates_py.write_text(
        "from sklearn.dummy import DummyClassifier\ndef build_candidates():\n    return {'linear': DummyClassifier()}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="another name"):
        train(layout)


def test_features_that_look_across_rows_are_refused(project, train) -> None:
    layout = project()
    layout.features_py.write_text(
        "def build_features(rows):\n    return rows[['price']] - rows['price'].mean()\n", encoding="utf-8"
    )
    with pytest.raises(UserCodeError, match="other rows are absent"):
        train(layout)


def test_changed_rows_are_refused(project, train) -> None:
    layout = project()
    frame = pd.read_parquet(layout.development)
    frame.loc[frame.index[0], "visits"] += 1
    frame.to_parquet(layout.development)
    with pytest.raises(ProjectStateError, match="does not hold the rows that were dealt"):
        train(layout)


def test_a_folder_that_was_never_framed_names_frame_problem(train, tmp_path: Path) -> None:
    with pytest.raises(ProjectStateError, match="frame_problem"):
        train(ProjectLayout(tmp_path / "nothing"))


def test_groups_are_resampled_whole_and_the_split_is_kept(tmp_path: Path, train) -> None:
    table = customers().drop(columns="spend").assign(house=np.arange(ROWS) // 4)
    layout = frame_table(tmp_path, table, target="left", group_columns=["house"])
    reply = train(layout)
    assert load_record(layout, SplitPlan).definition.strategy == "grouped"
    assert reply.score is not None
    assert "group" in reply.score.method


def test_with_folds_in_time_the_first_block_is_marked_as_never_predicted(tmp_path: Path, train) -> None:
    days = pd.date_range("2024-01-01", periods=ROWS, freq="D")
    table = customers().drop(columns="left").assign(day=days.strftime("%Y-%m-%d"))
    layout = frame_table(tmp_path, table, target="spend", split="time", time_column="day")
    train(layout)
    table = pd.read_parquet(layout.root / load_record(layout, TrainingRun).out_of_fold_path)
    folds = pd.read_parquet(layout.folds)["fold"]
    assert (table["fold"] == folds.where(folds > 0, -1)).all()
    assert table["predicted"].isna().equals(folds == 0)


def test_a_table_larger_than_the_memory_is_sampled_and_every_answer_says_so(
    tmp_path: Path, train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    customers().drop(columns="spend").to_parquet(tmp_path / "table.parquet")
    size, free = pq.read_table(tmp_path / "table.parquet").nbytes, psutil.virtual_memory()
    context = WorkContext(job_id="job_frame", journal_dir=tmp_path / "journal")
    request = FrameProblemRequest(data=str(tmp_path / "table.parquet"), target="left", project_dir=str(tmp_path / "ml"))
    with monkeypatch.context() as patch:
        # A table takes three times its columns while it is dealt, and may take seven tenths: half of this one fits.
        patch.setattr(psutil, "virtual_memory", lambda: free._replace(available=int(0.5 * 3 * size / 0.7)))
        reply = importlib.import_module("ml_engineer.verbs.frame_problem").frame_problem(request, context)
    assert any("% of the 400 rows were read" in warning for warning in reply.warnings)
    layout = ProjectLayout(tmp_path / "ml")
    fraction = load_record(layout, DataProfile).source.sample_fraction
    assert fraction == pytest.approx(0.5, abs=0.05)
    assert 0.5 * fraction * ROWS < load_record(layout, SplitPlan).development_rows < fraction * ROWS
    reply = train(layout, budget_evaluations=8)
    told = f"rest on a sample, about {fraction:.1%} of the {ROWS} rows"
    assert any(told in warning for warning in reply.warnings)
    assert "rest on a sample" in (layout.reports / "search.md").read_text(encoding="utf-8")
