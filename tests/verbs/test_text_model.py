"""`train` with a text model: the project keeps a copy, stands alone with it, and proves it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_engineer.errors import InputError, ProjectStateError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.training import TrainingRun
from modelling.text_models import reviews, synonym_model
from verbs.test_train import customers, frame_table, train_here

SERVE = """
import pandas as pd
from data.features.features import build_features
from models.serving.champion_file import load_champion
from pathlib import Path
champion = load_champion(Path("models/serving/champion"), allow_pickle=True)
rows = pd.read_parquet("data/processed/development.parquet")
right = champion.model.predict(build_features(rows)) == rows["liked"]
print("all are known but the missing" if right[rows["review"].notna()].all() else right.mean())
"""


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> ProjectLayout:
    """Reviews read by a text model whose folder is gone since."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        layout = frame_table(home, reviews(360), target="liked", group_columns=["topic"])
        model = synonym_model(home / "model")
        reply = train_here(
            layout, home, text_model=str(model), candidates=["words", "vectors"], budget_evaluations=24, seed=1
        )
        assert reply.status == "done"
        shutil.rmtree(model)
    return layout


@pytest.fixture
def layout(trained_once: ProjectLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectLayout:
    """A fresh copy of the trained project."""
    monkeypatch.setenv("XDG_DATA_HOME", str(trained_once.root.parent / "data"))
    shutil.copytree(trained_once.root, tmp_path / "ml")
    return ProjectLayout(tmp_path / "ml")


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., str]:
    """Run Python in the project as its owner would, where importing us fails; gives what was printed."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "ml_engineer.py").write_text("raise ImportError('the project must not need us')\n", encoding="utf-8")

    def run(layout: ProjectLayout, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=layout.root,
            env=os.environ | {"PYTHONPATH": f"{blocked}{os.pathsep}{layout.root}", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_champion_py_reproduces_the_score_with_the_projects_own_copy_and_without_us(layout, alone) -> None:
    record = load_record(layout, TrainingRun)
    assert record.champion.score.value > 0.99  # words alone are as good as chance: no topic has another's
    code = layout.champion_py.read_text(encoding="utf-8")
    assert "class TextVectors" in code
    assert "ml_engineer" not in code
    assert "The recorded run is reproduced." in alone(layout, "models/training/train.py", "--no-track")
    alone(layout, "-m", "ruff", "check", "--no-cache", str(layout.champion_py))
    alone(layout, "-m", "ruff", "format", "--no-cache", "--check", str(layout.champion_py))
    alone(layout, "-m", "mypy", "models/training/champion.py")


def test_the_model_is_served_without_champion_py_and_without_the_copy(layout, alone) -> None:
    for saving in ((), ("models/training/train.py", "--save", "--no-track")):
        if saving:
            shutil.copytree(layout.text_models, layout.root / "aside")
            alone(layout, *saving)
        code = layout.champion_py.read_bytes()
        shutil.move(layout.text_models, layout.root / "away")
        layout.champion_py.unlink()
        assert alone(layout, "-c", SERVE).strip() == "all are known but the missing"
        layout.champion_py.write_bytes(code)
        shutil.move(layout.root / "away", layout.text_models)


def test_the_project_names_the_package_and_keeps_the_weights_out_of_version_control(layout) -> None:
    assert '"model2vec>=' in (layout.root / "pyproject.toml").read_text(encoding="utf-8")
    assert "models/text_models/" in (layout.root / ".gitignore").read_text(encoding="utf-8")
    manifest = layout.champion_manifest.read_text(encoding="utf-8")
    assert '"model2vec"' in manifest
    assert load_record(layout, TrainingRun).champion.model_format == "pickle"


def test_a_replay_searches_again_with_the_copy(layout, call) -> None:
    reply = call("replay", run="champion", project_dir=str(layout.root))
    assert (reply.verdict, reply.replayed) == ("reproduced", "search")


def test_a_copy_that_was_changed_is_told_by_verify_and_replay(layout, call) -> None:
    model = load_record(layout, TrainingRun).text_model
    assert model is not None
    weights = layout.root / model.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    told = call("verify", project_dir=str(layout.root)).failed
    assert told == [f"{layout.relative(weights)} is as train left it: the file was changed since"]
    with pytest.raises(ProjectStateError, match=r"text model of .* is not there any more"):
        call("replay", run="champion", project_dir=str(layout.root))


def test_a_missing_folder_is_refused_before_anything_is_fitted(layout, tmp_path: Path) -> None:
    before = layout.champion_py.read_bytes()
    with pytest.raises(InputError, match="no folder of that name"):
        train_here(layout, tmp_path, text_model=str(tmp_path / "no such"), budget_evaluations=3)
    assert layout.champion_py.read_bytes() == before


def test_ideas_are_judged_without_a_text_model(layout, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="trial and text_model do not go together"):
        train_here(layout, tmp_path, text_model=str(tmp_path), trial="longer reviews")


def test_a_table_without_running_text_has_no_use_for_it_and_says_so(tmp_path: Path) -> None:
    layout = frame_table(tmp_path, customers().drop(columns="spend"), target="left")
    model = synonym_model(tmp_path / "model")
    reply = train_here(layout, tmp_path, text_model=str(model), candidates=["linear"], budget_evaluations=3)
    assert any("no column that features.py gives holds running text" in warning for warning in reply.warnings)
    assert not layout.text_models.exists()
