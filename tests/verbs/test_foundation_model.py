"""`train` with a foundation model: the project keeps a copy of the weights, stands alone with it, and proves it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml_engineer.errors import InputError, ProjectStateError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.training import TrainingRun
from modelling.foundation_models import small_checkpoint, two_sided
from verbs.test_train import customers, frame_table, train_here

SERVE = """
import pandas as pd
from data.features.features import build_features
from models.serving.champion_file import load_champion
from pathlib import Path
from sklearn.metrics import roc_auc_score
champion = load_champion(Path("models/serving/champion"), allow_pickle=True)
rows = pd.read_parquet("data/processed/development.parquet")
area = roc_auc_score(rows["side"] == champion.model.classes_[1], champion.model.predict_proba(build_features(rows))[:, 1])
print("better than chance" if area > 0.7 else area)
"""


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> ProjectLayout:
    """A project whose champion is a foundation model; the file that it was given is gone since."""
    pytest.importorskip("tabicl", reason="TabICL brings PyTorch, which is not installed here; .ci/full installs it")
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        layout = frame_table(home, two_sided(400).drop(columns="size"), target="side")
        weights = small_checkpoint(home / "weights.ckpt", classes=10)
        reply = train_here(
            layout, home, foundation_model=str(weights), candidates=["foundation"], budget_evaluations=12, seed=1
        )
        assert reply.status == "done"
        weights.unlink()
    return layout


@pytest.fixture
def layout(trained_once: ProjectLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectLayout:
    """A fresh copy of the trained project."""
    monkeypatch.setenv("XDG_DATA_HOME", str(trained_once.root.parent / "data"))
    shutil.copytree(trained_once.root, tmp_path / "ml")
    return ProjectLayout(tmp_path / "ml")


def alone(layout: ProjectLayout, *arguments: str) -> str:
    """What Python prints in the project as its owner runs it, where importing us fails."""
    blocked = layout.root.parent / "blocked"
    blocked.mkdir(exist_ok=True)
    (blocked / "ml_engineer.py").write_text("raise ImportError('the project must not need us')\n", encoding="utf-8")
    done = subprocess.run(
        ["env", f"PYTHONPATH={blocked}:{layout.root}", "OMP_NUM_THREADS=1", sys.executable, *arguments],
        cwd=layout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.full
def test_champion_py_reproduces_the_score_with_the_projects_own_copy_and_without_us(layout) -> None:
    record = load_record(layout, TrainingRun)
    assert record.champion.name == "foundation"
    code = layout.champion_py.read_text(encoding="utf-8")
    assert "class FoundationClassifier" in code
    assert "ml_engineer" not in code
    assert "The recorded run is reproduced." in alone(layout, "models/training/train.py", "--no-track")
    alone(layout, "-m", "ruff", "check", "--no-cache", str(layout.champion_py))
    alone(layout, "-m", "ruff", "format", "--no-cache", "--check", str(layout.champion_py))
    alone(layout, "-m", "mypy", "models/training/champion.py")


@pytest.mark.full
def test_the_model_is_served_without_champion_py_and_without_the_weights(layout) -> None:
    for saving in ((), ("models/training/train.py", "--save", "--no-track")):
        if saving:
            alone(layout, *saving)
        code = layout.champion_py.read_bytes()
        shutil.move(layout.foundation_models, layout.root / "away")
        layout.champion_py.unlink()
        assert alone(layout, "-c", SERVE).strip() == "better than chance"
        layout.champion_py.write_bytes(code)
        shutil.move(layout.root / "away", layout.foundation_models)


@pytest.mark.full
def test_the_project_names_the_package_and_keeps_the_weights_out_of_version_control(layout) -> None:
    assert '"tabicl>=' in (layout.root / "pyproject.toml").read_text(encoding="utf-8")
    assert "models/foundation_models/" in (layout.root / ".gitignore").read_text(encoding="utf-8")
    assert {"tabicl", "torch"} <= load_record(layout, TrainingRun).environment.packages.keys()
    assert '"tabicl"' in layout.champion_manifest.read_text(encoding="utf-8")
    assert load_record(layout, TrainingRun).champion.model_format == "pickle"


@pytest.mark.full
def test_a_replay_searches_again_with_the_copy(layout, call) -> None:
    reply = call("replay", run="champion", project_dir=str(layout.root))
    assert (reply.verdict, reply.replayed) == ("reproduced", "search")


@pytest.mark.full
def test_an_export_says_which_part_prevents_it(layout, call) -> None:
    with pytest.raises(InputError, match="FoundationClassifier"):
        call("export", project_dir=str(layout.root))


@pytest.mark.full
def test_a_copy_that_was_changed_is_told_by_verify_and_replay(layout, call) -> None:
    model = load_record(layout, TrainingRun).foundation_model
    assert model is not None
    weights = layout.root / model.path
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    told = call("verify", project_dir=str(layout.root)).failed
    assert told == [f"{layout.relative(weights)} is as train left it: the file was changed since"]
    with pytest.raises(ProjectStateError, match=r"foundation model of .* is not there any more"):
        call("replay", run="champion", project_dir=str(layout.root))


@pytest.mark.full
def test_weights_that_are_given_and_not_asked_for_are_told(layout, tmp_path: Path) -> None:
    weights = small_checkpoint(tmp_path / "weights.ckpt", classes=10)
    reply = train_here(layout, tmp_path, foundation_model=str(weights), candidates=["linear"], budget_evaluations=3)
    assert any("candidates does not name 'foundation'" in warning for warning in reply.warnings)


def test_asked_for_by_name_without_weights_the_error_says_what_to_pass(tmp_path: Path) -> None:
    layout = frame_table(tmp_path, customers().drop(columns="spend"), target="left")
    with pytest.raises(InputError, match=r"no candidate 'foundation'.*Pass foundation_model too"):
        train_here(layout, tmp_path, candidates=["foundation"], budget_evaluations=3)


def test_ideas_are_judged_without_a_foundation_model(tmp_path: Path) -> None:
    layout = frame_table(tmp_path, customers().drop(columns="spend"), target="left")
    with pytest.raises(InputError, match="trial and foundation_model do not go together"):
        train_here(layout, tmp_path, foundation_model=str(tmp_path), trial="longer reviews")
