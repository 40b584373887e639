"""Cleaning shows before it frees, and never takes what is at work, resumable or the champion's."""

from __future__ import annotations

import json

import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.jobs.disk import find_disk_use, free_disk
from ml_engineer.jobs.ending import cancel_job
from ml_engineer.project.layout import ProjectLayout


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


def test_an_unreadable_manifest_keeps_every_run(store, project):
    project.champion_manifest.write_text("{", encoding="utf-8")
    with pytest.raises(ProjectStateError, match="champion's run is not known"):
        find_disk_use(store, project_dir=str(project.root))
