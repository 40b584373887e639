"""The product as a stranger meets it: one command on the example data, then what it left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_engineer.vocabulary.replies import EvaluateReply, RunReply

REPOSITORY = Path(__file__).resolve().parents[1]
PENGUINS = REPOSITORY / "examples" / "penguins_raw.csv"
WITHOUT_US = "import runpy, sys; sys.modules['ml_engineer'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ml-engineer` in a workspace of its own."""
    state = {"XDG_DATA_HOME": str(folder / "data-home"), "XDG_STATE_HOME": str(folder / "state-home")}
    return subprocess.run(
        [sys.executable, "-m", "ml_engineer", *arguments],
        cwd=folder,
        env={**os.environ, **state, "ML_ENGINEER_WORKSPACE": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the README's first command was run (with less time for the search)."""
    folder = tmp_path_factory.mktemp("workspace")
    done = command(folder, "run", str(PENGUINS), "--target", "Species", "--budget-seconds", "20", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    (folder / "reply.json").write_text(done.stdout, encoding="utf-8")
    return folder


def test_one_command_ends_with_a_verdict_a_report_and_a_project(workspace: Path) -> None:
    """The reply is one JSON document, small enough to read, and names files that exist."""
    text = (workspace / "reply.json").read_text(encoding="utf-8")
    reply = RunReply.model_validate_json(text)
    assert reply.status == "done"
    assert reply.task_type == "multiclass"
    assert reply.verdict in {"pass", "warn"}
    assert reply.held_out is not None
    assert reply.baseline is not None
    assert reply.held_out.high < reply.baseline / 4, "penguins are easy to tell apart"
    assert reply.artifacts
    assert all(Path(path).exists() for path in reply.artifacts.values())
    assert len(text) < 6000


def test_birds_seen_in_several_seasons_stay_on_one_side(workspace: Path) -> None:
    """The example's trap: identifiers repeat over seasons, so rows are dealt by bird."""
    problem = json.loads((workspace / "ml/experiments/records/split.json").read_text(encoding="utf-8"))
    assert problem["definition"]["strategy"] == "grouped"
    assert problem["definition"]["group_columns"] == ["Individual ID"]
    development = pd.read_parquet(workspace / "ml/data/processed/development.parquet")
    held_out = pd.read_csv(PENGUINS).drop(index=development.index)
    assert len(held_out) == problem["held_out_rows"]
    assert not set(held_out["Individual ID"]) & set(development["Individual ID"])


def test_no_file_of_the_project_holds_a_held_out_row(workspace: Path) -> None:
    """Comments of held-out birds that no development bird shares appear nowhere in the project."""
    development = pd.read_parquet(workspace / "ml/data/processed/development.parquet")
    held_out = pd.read_csv(PENGUINS).drop(index=development.index)
    secrets = set(held_out["Individual ID"]) - set(development["Individual ID"])
    assert secrets
    for path in (workspace / "ml").rglob("*"):
        if path.is_file() and path.suffix in {
            ".json",
            ".jsonl",
            ".md",
            ".html",
            ".svg",
            ".yaml",
            ".py",
            ".ipynb",
            ".csv",
        }:
            text = path.read_text(encoding="utf-8")
            assert not [name for name in secrets if f'"{name}"' in text or f">{name}<" in text], path


def test_the_champion_is_code_that_reproduces_its_score_without_us(workspace: Path) -> None:
    """train.py by hand, where ml_engineer cannot be imported, arrives at the recorded score and predictions."""
    script = workspace / "ml/models/training/train.py"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_US, str(script), "--no-track"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "The recorded run is reproduced." in done.stdout
    difference = next(line for line in done.stdout.splitlines() if line.startswith("largest absolute difference"))
    assert float(difference.split(":")[1]) <= 1e-6


def test_evaluating_the_same_model_again_is_no_new_look(workspace: Path) -> None:
    """The stored answer is given, and the ledger does not grow."""
    before = (workspace / "ml/experiments/ledger.jsonl").read_bytes()
    done = command(workspace, "evaluate", "--json")
    assert done.returncode == 0, done.stderr
    assert EvaluateReply.model_validate_json(done.stdout).look == 1
    assert (workspace / "ml/experiments/ledger.jsonl").read_bytes() == before


def test_new_rows_are_scored_beside_their_keys(workspace: Path) -> None:
    """Predict reads the raw file as it is and writes one line a row, in order."""
    done = command(workspace, "predict", str(PENGUINS), "--output", "scored.csv", "--json")
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(workspace / "scored.csv")
    birds = pd.read_csv(PENGUINS)
    assert list(scored["Individual ID"]) == list(birds["Individual ID"])
    classes = [column for column in scored.columns if column.startswith("probability")]
    assert scored[classes].sum(axis=1).round(6).eq(1).all()


def test_framing_the_table_again_in_another_order_keeps_every_row_on_its_side(workspace: Path) -> None:
    """A shuffled copy under another name is recognised; nobody gets fresh held-out rows that way."""
    pd.read_csv(PENGUINS).sample(frac=1, random_state=0).to_csv(workspace / "shuffled.csv", index=False)
    done = command(
        workspace, "frame-problem", "shuffled.csv", "--target", "Species", "--project-dir", "other", "--json"
    )
    assert done.returncode == 0, done.stderr
    plans: list[dict[str, Any]] = [
        json.loads((workspace / root / "experiments/records/split.json").read_text(encoding="utf-8"))
        for root in ("ml", "other")
    ]
    assert plans[0]["held_out_sha256"] == plans[1]["held_out_sha256"]
