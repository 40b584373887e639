"""`replay`: a run with a budget of fits comes again whole, a run by the clock by its champion, and differences are told."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.replies import ReplayReply
from ml_engineer.vocabulary.training import TrainingRun
from verbs.test_train import customers, frame_table, train_here

Replay = Callable[..., ReplayReply]


def trained(home: Path, **arguments: object) -> ProjectLayout:
    """A project with a champion, in a home of its own."""
    layout = frame_table(home, customers().drop(columns="spend"), target="left")
    assert train_here(layout, home, candidates=["linear", "linear_strict"], **arguments).status == "done"
    return layout


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> ProjectLayout:
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        return trained(home, budget_evaluations=30, seed=3)


@pytest.fixture
def layout(trained_once: ProjectLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectLayout:
    """A fresh copy of a project whose run had a budget of fits."""
    monkeypatch.setenv("XDG_DATA_HOME", str(trained_once.root.parent / "data"))
    shutil.copytree(trained_once.root, tmp_path / "ml")
    return ProjectLayout(tmp_path / "ml")


@pytest.fixture
def replay(layout: ProjectLayout, call: Callable[..., ReplayReply]) -> Replay:
    return lambda run="champion": call("replay", run=run, project_dir=str(layout.root))


def by_the_clock(layout: ProjectLayout) -> None:
    """Let the record say that its run had a budget of time."""
    record = load_record(layout, TrainingRun)
    text = record.model_copy(update={"budget_evaluations": None}).model_dump_json()
    (layout.records / "training.json").write_text(text, encoding="utf-8")


def test_a_run_with_a_budget_of_fits_comes_again_whole_and_the_project_is_only_read(layout, replay) -> None:
    run = load_record(layout, TrainingRun)
    # The features are edited since: the replay runs those of then, and says so.
    layout.features_py.write_text("def build_features(rows):\n    return rows[['price']]\n", encoding="utf-8")
    before = {path: file_sha256(path) for path in layout.root.rglob("*") if path.is_file()}
    reply = replay(run.run_id)
    assert (reply.verdict, reply.replayed) == ("reproduced", "search"), reply.summary
    assert reply.largest_difference <= 1e-6
    assert reply.score_now == pytest.approx(reply.score_then, abs=1e-9)
    assert reply.champion == run.champion.name
    assert reply.differences == ["code: features.py was changed since the run; the replay uses the text of then"]
    assert {path: file_sha256(path) for path in layout.root.rglob("*") if path.is_file()} == before


def test_of_a_run_by_the_clock_the_champion_is_fitted_again_and_a_forged_prediction_is_found(layout, replay) -> None:
    by_the_clock(layout)
    reply = replay()
    assert (reply.verdict, reply.replayed) == ("reproduced", "champion"), reply.summary
    assert reply.score_now == pytest.approx(reply.score_then, abs=1e-5)
    assert "cannot come again" in reply.warnings[0]

    path = layout.root / load_record(layout, TrainingRun).out_of_fold_path
    table = pd.read_parquet(path)
    table.loc[7, "p1"] += 0.01
    table.to_parquet(path, index=False)
    reply = replay()
    assert reply.verdict == "differs"
    assert reply.largest_difference == pytest.approx(0.01, abs=1e-6)


def full(*_arguments: object, **_options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["shutil.copyfile", "tempfile.mkdtemp", "mlflow.sklearn.log_model", "numpy.savez"])
def test_a_full_disk_is_told_as_one_of_scratch_files_and_the_project_needs_nothing(
    replay, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(where, full)
    with pytest.raises(ProjectStateError, match=r"no room to replay run_.*No space left.*TMPDIR.*only read") as told:
        replay()
    assert "train" not in told.value.remedy


def test_a_full_disk_where_the_champion_is_fitted_again_is_no_matter_of_versions(
    layout, replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_the_clock(layout)
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho 'OSError: [Errno 28] No space left on device'\nexit 1\n", encoding="utf-8")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    with pytest.raises(ProjectStateError, match=r"no room to replay run_.*TMPDIR"):
        replay()


def test_other_rows_lost_code_and_unknown_runs_are_refused(layout, replay) -> None:
    with pytest.raises(ProjectStateError, match="known are run_"):
        replay("run_of_nobody")
    frame = pd.read_parquet(layout.development)
    kept = layout.development.read_bytes()
    frame.loc[frame.index[0], "visits"] += 1
    frame.to_parquet(layout.development)
    with pytest.raises(ProjectStateError, match="are not those that run_"):
        replay()
    layout.development.write_bytes(kept)
    shutil.rmtree(layout.code)
    with pytest.raises(ProjectStateError, match="from version control"):
        replay()
