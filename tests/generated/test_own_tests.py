"""A project passes its own tests by its own command, before and after training, with data and without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from generated.conftest import PROJECTS, Run


def passes(run: Run, root: Path, *arguments: str) -> str:
    result = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    return result.stdout


@pytest.mark.parametrize("name", ["visits"])
def test_a_fresh_project_passes_its_own_tests(projects: dict[str, Path], run: Run, name: str) -> None:
    assert "passed" in passes(run, projects[name])


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in PROJECTS if name != "visits"])
def test_other_fresh_projects_pass_their_own_tests(projects: dict[str, Path], run: Run, name: str) -> None:
    assert "passed" in passes(run, projects[name])


@pytest.mark.full
@pytest.mark.parametrize("name", PROJECTS)
def test_a_clone_without_data_passes_its_own_tests(
    projects: dict[str, Path], run: Run, name: str, tmp_path: Path
) -> None:
    root = tmp_path / "clone"
    shutil.copytree(projects[name], root)
    for path in (root / "data" / "processed").glob("*.parquet"):
        path.unlink()
    assert "development rows are not on this machine" in passes(run, root)


@pytest.mark.full
@pytest.mark.parametrize("name", PROJECTS)
def test_training_by_hand_tracks_saves_and_serves(
    projects: dict[str, Path], run: Run, name: str, tmp_path: Path
) -> None:
    root = tmp_path / "ml"
    shutil.copytree(projects[name], root)
    result = run(root, "models/training/train.py", "--save")
    assert result.returncode == 0, result.stderr
    assert "tracked as run" in result.stdout
    assert (root / "experiments" / "mlflow.db").exists()
    manifest = json.loads((root / "models" / "serving" / "champion" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["run_id"] == "by-hand"
    loading = "from models.serving.app import app; from fastapi.testclient import TestClient\n"
    loading += "with TestClient(app) as client: print(client.get('/health').json()['status'])"
    assert run(root, "-c", loading, SERVE_WITHOUT_PASSPORT="yes").stdout.strip() == "ok"
    assert "no valid passport" in run(root, "-c", loading.replace("['status']", "['detail']")).stdout
    explained = run(root, "models/llm/explain.py", "--row", "3")
    assert "The model predicts" in explained.stdout, explained.stderr
    assert run(root, "models/evaluation/evaluate.py", "--replicates", "20").returncode == 0
    passes(run, root)


@pytest.mark.full
def test_the_notebook_runs_in_a_kernel_of_its_own(projects: dict[str, Path], run: Run, tmp_path: Path) -> None:
    script = (
        "import nbformat, sys; from nbclient import NotebookClient\n"
        "notebook = nbformat.read('notebooks/explore.ipynb', as_version=4)\n"
        "NotebookClient(notebook, timeout=300, resources={'metadata': {'path': 'notebooks'}}).execute()\n"
        "assert any(cell.get('outputs') for cell in notebook.cells)\n"
    )
    result = run(projects["penguins"], "-c", script)
    assert result.returncode == 0, result.stderr[-3000:]
