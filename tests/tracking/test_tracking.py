"""What MLflow holds of a run, and what happens when it cannot."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from ml_engineer import tracking
from ml_engineer.errors import JobCancelledError, ProjectStateError
from ml_engineer.modelling.model_files import TRUSTED_TYPES
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.tracking.store import template_path, tracking_uri
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.training import CandidateResult, Environment

RESULT = CandidateResult(
    name="linear",
    family="linear",
    status="finished",
    fold_scores=(0.7, 0.8),
    score=Estimate(value=0.75, low=0.6, high=0.9, method="bootstrap", rows=40),
    score_std=0.05,
    fit_seconds=0.5,
    parameters={"C": "0.3"},
)
ENVIRONMENT = Environment(python="3.11", platform="Linux", cores=2, packages={"numpy": np.__version__})
FEATURES = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": pd.Series(["x", "y", "x", "y"], dtype="str")})


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    return ProjectLayout(tmp_path / "ml")


def start(layout: ProjectLayout, run_id: str = "run_1"):
    return tracking.start_run(layout, experiment="Churn", run_id=run_id, data_sha256="ab" * 32, data_name="development")


def log_everything(run: tracking.TrackedRun) -> None:
    run.log_candidate(RESULT, "roc_auc")
    run.log_result(
        RESULT,
        metric="roc_auc",
        numbers={"gain": 0.25, "nothing": float("nan")},
        parameters={"seed": 0},
        tags={"code_sha256": "c" * 64},
        environment=ENVIRONMENT,
    )
    numbers = FEATURES[["a"]]
    run.log_model(
        LogisticRegression().fit(numbers, [0, 0, 1, 1]),
        example=numbers,
        model_format="skops",
        trusted_types=TRUSTED_TYPES,
        requirements=["scikit-learn", "numpy", "pandas"],
    )


def test_a_finished_run_lacks_nothing(layout: ProjectLayout, capfd) -> None:
    with start(layout) as run:
        log_everything(run)
    assert tracking.run_summary(layout, run.mlflow_run_id) == tracking.RunSummary(run_found=True)
    told = capfd.readouterr()
    assert told.out == ""
    assert "WARNING" not in told.err
    stored = MlflowClient(tracking_uri=tracking_uri(layout)).get_run(run.mlflow_run_id)
    assert stored.data.metrics["roc_auc"] == 0.75
    assert stored.data.metrics["roc_auc_fold_mean"] == pytest.approx(0.75)
    assert stored.data.metrics["roc_auc_fold_std"] == 0.05
    assert stored.data.params == {"seed": "0", "champion.C": "0.3"}
    assert stored.inputs.dataset_inputs[0].dataset.digest == ("ab" * 32)[:36]
    history = MlflowClient(tracking_uri=tracking_uri(layout)).get_metric_history(run.mlflow_run_id, "roc_auc_by_fold")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.7), (1, 0.8)]


def test_the_model_has_a_signature_and_an_example(layout: ProjectLayout) -> None:
    with start(layout) as run:
        log_everything(run)
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    model_id = client.get_run(run.mlflow_run_id).outputs.model_outputs[0].model_id
    folder = Path(client.get_logged_model(model_id).artifact_location.removeprefix("file://"))
    described = mlflow.models.Model.load(str(folder))
    assert described.signature is not None
    assert described.saved_input_example_info is not None
    assert described.flavors["sklearn"]["serialization_format"] == "skops"
    assert "scikit-learn" in (folder / "requirements.txt").read_text(encoding="utf-8")


def test_what_was_not_logged_is_named(layout: ProjectLayout) -> None:
    with start(layout) as run:
        pass
    missing = tracking.run_summary(layout, run.mlflow_run_id).missing
    assert missing == ("parameters", "fold scores", "mean of the fold scores", "environment", "model")


def test_candidates_are_runs_below_the_run(layout: ProjectLayout) -> None:
    failed = RESULT.model_copy(update={"name": "broken", "status": "failed", "score": None, "fold_scores": ()})
    with start(layout) as run:
        run.log_candidate(RESULT, "roc_auc")
        run.log_candidate(failed, "roc_auc")
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    children = client.search_runs([run.experiment_id], f"tags.`mlflow.parentRunId` = '{run.mlflow_run_id}'")
    assert {child.info.run_name: child.info.status for child in children} == {"linear": "FINISHED", "broken": "FAILED"}


@pytest.mark.parametrize(
    ("error", "status"), [(JobCancelledError("stop"), "KILLED"), (RuntimeError("bug"), "FAILED"), (None, "FINISHED")]
)
def test_a_run_ends_as_its_block_ends(layout: ProjectLayout, error: Exception | None, status: str) -> None:
    def work() -> str:
        with start(layout) as run:
            found.append(run.mlflow_run_id)
            if error is not None:
                raise error
        return ""

    found: list[str] = []
    if error is None:
        work()
    else:
        with pytest.raises(type(error)):
            work()
    assert MlflowClient(tracking_uri=tracking_uri(layout)).get_run(found[0]).info.status == status


def test_what_a_dead_process_left_running_is_closed_as_killed(layout: ProjectLayout) -> None:
    block = start(layout)
    dead = block.__enter__()  # and never left, as if the process were killed
    with start(layout, "run_2"):
        pass
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    assert client.get_run(dead.mlflow_run_id).info.status == "KILLED"


def test_the_process_keeps_its_own_mlflow_settings(layout: ProjectLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    with start(layout) as run:
        log_everything(run)
    assert mlflow.get_tracking_uri() == before
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert mlflow.active_run() is None
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_the_store_is_a_copy_that_names_no_other_folder(layout: ProjectLayout) -> None:
    with start(layout):
        pass
    assert template_path().is_file()
    with sqlite3.connect(layout.tracking_db) as connection:
        places = [row[0] for row in connection.execute("SELECT artifact_location FROM experiments")]
    connection.close()
    assert set(places) == {layout.tracking_artifacts.resolve().as_uri()}
    assert sorted(path.name for path in layout.experiments.iterdir()) == ["artifacts", "mlflow.db"]


def test_a_moved_project_logs_to_where_it_is_now(layout: ProjectLayout, tmp_path: Path) -> None:
    with start(layout):
        pass
    layout.root.rename(tmp_path / "moved")
    moved = ProjectLayout(tmp_path / "moved")
    with start(moved) as run:
        log_everything(run)
    assert tracking.run_summary(moved, run.mlflow_run_id).missing == ()
    assert not layout.root.exists()


def test_a_store_that_is_none_is_told_with_a_remedy(layout: ProjectLayout) -> None:
    layout.tracking_db.parent.mkdir(parents=True)
    layout.tracking_db.write_bytes(b"no database at all, but long enough to be read as one" * 30)
    with pytest.raises(ProjectStateError, match="move it away"), start(layout):
        pass
    summary = tracking.run_summary(layout, "0" * 32)
    assert not summary.run_found
    assert summary.problem


def test_a_store_that_is_not_there_is_an_answer_not_an_error(layout: ProjectLayout) -> None:
    assert tracking.run_summary(layout, "0" * 32).problem == "there is no mlflow.db"
    assert not layout.tracking_db.exists()
    assert tracking.log_evaluation(layout, "0" * 32, {"held_out_f1": 0.5}, []) is False


def test_a_run_that_is_not_there_is_not_found(layout: ProjectLayout) -> None:
    with start(layout):
        pass
    assert tracking.run_summary(layout, "0" * 32) == tracking.RunSummary(run_found=False)


def test_an_evaluation_joins_the_run_of_its_model(layout: ProjectLayout, tmp_path: Path) -> None:
    with start(layout) as run:
        pass
    page = tmp_path / "evaluation.html"
    page.write_text("<p>", encoding="utf-8")
    numbers = {"held_out_f1": 0.5, "held_out_recall": float("nan")}
    assert tracking.log_evaluation(layout, run.mlflow_run_id, numbers, [page])
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    assert client.get_run(run.mlflow_run_id).data.metrics == {"held_out_f1": 0.5}
    assert [file.path for file in client.list_artifacts(run.mlflow_run_id, "evaluation")] == [
        "evaluation/evaluation.html"
    ]


def test_a_run_is_registered_once_and_the_alias_moves_between_versions(layout: ProjectLayout) -> None:
    runs = []
    for run_id in ("run_1", "run_2"):
        with start(layout, run_id) as run:
            log_everything(run)
        runs.append(run.mlflow_run_id)
    title = "Will they leave? 50 % of 'them' / us: a.b"
    assert tracking.find_champion(layout, title=title) is None
    versions = [tracking.register_run(layout, title=title, mlflow_run_id=run) for run in (*runs, runs[0])]
    assert versions == ["1", "2", "1"]
    for version in ("2", "1"):
        tracking.move_champion(layout, title=title, version=version, tags={"approved_by": "Ada"})
        assert tracking.find_champion(layout, title=title) == tracking.RegisteredChampion(
            version, runs[int(version) - 1]
        )


def test_a_run_that_is_not_there_or_holds_no_model_cannot_be_registered(layout: ProjectLayout) -> None:
    with start(layout) as run:
        pass
    with pytest.raises(ProjectStateError, match="holds no model"):
        tracking.register_run(layout, title="Churn", mlflow_run_id=run.mlflow_run_id)
    with pytest.raises(ProjectStateError, match="does not hold the champion's run"):
        tracking.register_run(layout, title="Churn", mlflow_run_id="0" * 32)
    assert tracking.find_champion(ProjectLayout(layout.root / "elsewhere"), title="Churn") is None
