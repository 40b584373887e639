"""Cleaning shows before it frees, and never takes what is at work, resumable or the champion's."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.jobs.disk import find_disk_use, free_disk
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.project.approvals import approve
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.training import TrainingRun
from verbs.trained_projects import train_project


@pytest.fixture
def project(tmp_path):
    """A project with three training runs, the second of which is the champion's."""
    layout = ProjectLayout(tmp_path / "ml")
    for run in ("run_1", "run_2", "run_3"):
        layout.run_dir(run).mkdir(parents=True)
        layout.out_of_fold(run).write_bytes(b"x" * 1000)
    layout.champion_dir.mkdir(parents=True)
    layout.champion_manifest.write_text(json.dumps({"run_id": "run_2"}), encoding="utf-8")
    return layout


@pytest.fixture
def tracked(tmp_path):
    """A trained project whose store keeps files and a model of the champion's run, and of another."""
    rows = pd.DataFrame({"usage": range(60), "left": ["yes", "no"] * 30})
    layout = train_project(tmp_path, rows, target="left", task="binary").layout
    run = load_record(layout, TrainingRun)
    layout.champion_manifest.write_text(json.dumps({"run_id": run.run_id}), encoding="utf-8")
    champion = run.mlflow_run_id
    for run, model in ((champion, "m-1"), ("another", "m-2")):
        (layout.tracking_artifacts / run).mkdir(parents=True)
        description = layout.tracking_artifacts / "models" / model / "artifacts" / "MLmodel"
        description.parent.mkdir(parents=True)
        description.write_text(f"run_id: {run}\n", encoding="utf-8")
    return layout


def names(uses):
    return [use.name for use in uses]


def test_ended_jobs_are_found_and_freed_only_when_asked(store, start, until):
    job = until(start())
    found = find_disk_use(store)
    assert names(found) == [job.job_id]
    assert found[0].size_bytes > 100
    assert store.folder(job.job_id).is_dir()
    assert names(free_disk(store, found)) == [job.job_id]
    assert not store.folder(job.job_id).exists()


def test_jobs_at_work_are_never_found(store, start, until):
    until(start("wait"), "waiting")
    assert find_disk_use(store, include_resumable=True) == ()


def test_resumable_jobs_are_kept_unless_they_are_asked_for(store, start, until):
    job = until(start("wait"), "waiting")
    cancel_job(store, job.job_id)
    assert find_disk_use(store) == ()
    assert names(find_disk_use(store, include_resumable=True)) == [job.job_id]


def test_young_jobs_are_kept_if_only_old_ones_are_meant(store, start, until):
    until(start())
    assert find_disk_use(store, older_than_days=1) == ()


def test_old_runs_of_a_project_are_found_but_never_the_champions(store, project):
    found = find_disk_use(store, project_dir=str(project.root))
    assert names(found) == ["run_1", "run_3"]
    assert [use.size_bytes for use in found] == [1000, 1000]
    free_disk(store, found)
    assert [path.name for path in project.run_dir("x").parent.iterdir()] == ["run_2"]


def test_runs_that_were_promoted_are_kept_to_go_back_to(store, project):
    approve(
        project,
        event="promote",
        run_id="run_1",
        model_sha256="0" * 64,
        version="1",
        approved_by="Ada",
        reason="the board agreed to it",
        at="2026-01-01T00:00:00+00:00",
        stage="deploy",
        verdict="pass",
    )
    assert [use.name for use in find_disk_use(store, project_dir=str(project.root))] == ["run_3"]


def test_an_unreadable_manifest_keeps_every_run(store, project):
    project.champion_manifest.write_text("{", encoding="utf-8")
    with pytest.raises(ProjectStateError, match="champion's run is not known"):
        find_disk_use(store, project_dir=str(project.root))


def test_tracked_files_and_models_of_other_runs_are_found_but_never_the_champions(store, tracked):
    assert names(find_disk_use(store, project_dir=str(tracked.root))) == ["another", "m-2"]
