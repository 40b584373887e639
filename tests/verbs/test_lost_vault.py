"""A project on a machine without its vault finds the held-out rows in the source again, and no look is forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_engineer.errors import SealError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.verbs.evaluating.looks_told import told_looks_of_others
from ml_engineer.vocabulary.split import SplitPlan

Call = Callable[..., Any]


@pytest.fixture
def trained(tmp_path: Path, penguins: Path, call: Call) -> Path:
    """A project with a champion, its source beside it."""
    source = shutil.copy(penguins, tmp_path / "birds.csv")
    root = tmp_path / "ml"
    call("frame_problem", data=str(source), target="Species", project_dir=str(root))
    call("scaffold_project", project_dir=str(root), features=[])
    call("train", project_dir=str(root), candidates=["linear"], budget_seconds=10)
    return root


def on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))


def test_evaluate_restores_the_rows_from_the_source_and_says_so(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_another_machine(tmp_path, monkeypatch)
    reply = call("evaluate", project_dir=str(trained))
    assert reply.look == 1
    assert any("found again in the source" in warning for warning in reply.warnings)


def test_without_the_source_evaluate_says_what_to_do_and_counts_no_look(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_another_machine(tmp_path, monkeypatch)
    before = (trained / "experiments" / "ledger.jsonl").read_bytes()
    (tmp_path / "birds.csv").rename(tmp_path / "away.csv")
    with pytest.raises(SealError, match=r"source cannot be read.*birds\.csv.*call frame_problem with data"):
        call("evaluate", project_dir=str(trained))
    assert (trained / "experiments" / "ledger.jsonl").read_bytes() == before


def test_a_source_that_changed_is_refused(
    trained: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_another_machine(tmp_path, monkeypatch)
    lines = (tmp_path / "birds.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "birds.csv").write_text("\n".join(lines[:200]) + "\n", encoding="utf-8")
    with pytest.raises(SealError, match="cannot be found in the source"):
        call("evaluate", project_dir=str(trained))


def test_the_look_of_another_project_is_named_when_the_same_rows_are_framed_and_evaluated(
    trained: Path, tmp_path: Path, call: Call
) -> None:
    call("evaluate", project_dir=str(trained))
    other = tmp_path / "other"
    reply = call("frame_problem", data=str(tmp_path / "birds.csv"), target="Species", project_dir=str(other))
    assert any(warning.startswith("Looked at once by the project '") for warning in reply.warnings)
    layout = ProjectLayout(other)
    assert told_looks_of_others(load_record(layout, SplitPlan).deal_id, layout) == [
        f"Looked at once by the project '{trained}' (target 'Species'): the same held-out rows, so it counts here too"
    ]
