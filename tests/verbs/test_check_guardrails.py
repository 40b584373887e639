"""`check_guardrails` on real project folders: what blocks, what is written, and that tampering is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from ml_engineer.errors import ProjectStateError
from ml_engineer.guardrails import CHECKS
from ml_engineer.project.records import load_record
from ml_engineer.verbs.guardrail_evidence import gather_evidence
from ml_engineer.vocabulary.guardrails import Guardrail, GuardrailReport
from ml_engineer.vocabulary.replies import CheckGuardrailsReply
from verbs.trained_projects import TrainedProject, churn, train_project

Call = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> TrainedProject:
    """Trained, not evaluated, not scaffolded, not tracked."""
    return train_project(tmp_path, churn(), target="left", task="binary", sensitive=("sex",), keys=("customer",))


def blocking(reply: CheckGuardrailsReply, project: TrainedProject) -> set[str]:
    report = load_record(project.layout, GuardrailReport)
    assert report.verdict == reply.verdict
    return {finding.code for finding in report.findings if finding.blocks}


def test_clean_rows_may_be_trained_on(project: TrainedProject, call: Call) -> None:
    reply = call("check_guardrails", project_dir=project.root, stage="train")
    assert reply.status == "done"
    assert blocking(reply, project) == set()
    assert list(reply.guardrails) == list(get_args(Guardrail))


def test_a_leak_blocks_training_and_is_named_in_reply_record_and_document(tmp_path: Path, call: Call) -> None:
    frame = churn()
    frame["closing_code"] = (frame["left"] == "yes").astype(int) * 4 + 1
    project = train_project(tmp_path, frame, target="left", task="binary", keys=("customer",))
    reply = call("check_guardrails", project_dir=project.root, stage="train")
    assert reply.verdict == "block"
    assert {"LEA001", "LEA007"} <= blocking(reply, project)
    assert reply.findings[0].columns == ("closing_code",)
    assert "LEA001" in reply.next_step
    document = (project.layout.reports / "guardrails.md").read_text(encoding="utf-8")
    assert "# Guardrails at stage train: block" in document
    assert "`closing_code`" in document


def test_an_untracked_unevaluated_champion_may_not_be_deployed(project: TrainedProject, call: Call) -> None:
    reply = call("check_guardrails", project_dir=project.root, stage="deploy")
    assert {"MOD002", "RDY001"} <= blocking(reply, project)
    assert reply.guardrails["held_out_evaluation"].startswith("block: ")
    assert reply.guardrails["experiment_tracking"].startswith("block: ")


def test_production_needs_a_service_a_monitor_and_a_log(project: TrainedProject, call: Call) -> None:
    reply = call("check_guardrails", project_dir=project.root, stage="production")
    assert {"RDY007", "RDY008", "RDY009"} <= blocking(reply, project)


def test_an_empty_monitor_and_a_broken_service_are_none(project: TrainedProject, call: Call) -> None:
    for path, text in ((project.layout.monitor, ""), (project.layout.serving_app, "app = (")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    reply = call("check_guardrails", project_dir=project.root, stage="production")
    assert {"RDY007", "RDY008"} <= blocking(reply, project)


def test_an_evaluation_is_seen_and_a_file_changed_after_it_blocks(project: TrainedProject, call: Call) -> None:
    call("evaluate", project_dir=project.root)
    reply = call("check_guardrails", project_dir=project.root, stage="deploy")
    assert blocking(reply, project).isdisjoint({"MOD002", "MOD003", "RDY003", "RDY004", "RDY005"})
    text = project.layout.features_py.read_text(encoding="utf-8")
    project.layout.features_py.write_text(text + "# a thought\n", encoding="utf-8")
    reply = call("check_guardrails", project_dir=project.root, stage="deploy")
    found = {finding.code: finding.found for finding in load_record(project.layout, GuardrailReport).findings}
    assert "MOD004" in blocking(reply, project)
    assert "features.py was changed" in found["MOD004"]


def test_a_swapped_model_and_an_edited_ledger_block(project: TrainedProject, call: Call) -> None:
    call("evaluate", project_dir=project.root)
    model = next(project.layout.champion_dir.glob("model.*"))
    model.write_bytes(model.read_bytes() + b"x")
    ledger = project.layout.ledger
    ledger.write_text(ledger.read_text(encoding="utf-8").replace("test@here", "someone else"), encoding="utf-8")
    reply = call("check_guardrails", project_dir=project.root, stage="deploy")
    assert {"MOD004", "RDY004", "RDY005"} <= blocking(reply, project)


def test_the_page_of_the_evaluation_shows_the_findings(project: TrainedProject, call: Call) -> None:
    call("evaluate", project_dir=project.root)
    before = project.layout.evaluation_html.read_text(encoding="utf-8")
    call("check_guardrails", project_dir=project.root, stage="deploy")
    assert "RDY001" not in before
    assert "RDY001" in project.layout.evaluation_html.read_text(encoding="utf-8")


def test_the_reply_is_short_and_the_record_whole(project: TrainedProject, call: Call) -> None:
    reply = call("check_guardrails", project_dir=project.root, stage="production")
    assert len(reply.model_dump_json()) < 4_000
    assert len(load_record(project.layout, GuardrailReport).findings) == len(CHECKS)


def test_logged_predictions_are_counted_and_a_damaged_log_is_none(project: TrainedProject) -> None:
    path = project.layout.prediction_log
    with sqlite3.connect(path) as log:
        log.execute("CREATE TABLE predictions (id INTEGER PRIMARY KEY)")
        log.executemany("INSERT INTO predictions VALUES (?)", [(1,), (2,)])
    log.close()
    serving = gather_evidence(project.layout, stage="production").serving
    assert serving is not None
    assert serving.logged_predictions == 2
    path.write_text("no database", encoding="utf-8")
    serving = gather_evidence(project.layout, stage="production").serving
    assert serving is not None
    assert serving.logged_predictions is None


def test_names_from_the_data_cannot_become_markup_in_the_document(tmp_path: Path, call: Call) -> None:
    frame = churn().rename(columns={"charge": "<script>alert(1)</script>|**x**"})
    frame["closing\n# code"] = (frame["left"] == "yes").astype(int)
    project = train_project(tmp_path, frame, target="left", task="binary", keys=("customer",))
    call("check_guardrails", project_dir=project.root, stage="train")
    document = (project.layout.reports / "guardrails.md").read_text(encoding="utf-8")
    assert "<script>" not in document
    assert not any(line.startswith("# code") for line in document.splitlines())


def test_without_a_framed_problem_the_remedy_is_told(tmp_path: Path, call: Call) -> None:
    with pytest.raises(ProjectStateError, match="frame_problem"):
        call("check_guardrails", project_dir=str(tmp_path / "nothing"), stage="train")


def test_nothing_blocks_training_on_the_framed_penguins(tmp_path: Path, penguins: Path, call: Call) -> None:
    root = str(tmp_path / "ml")
    call("frame_problem", data=str(penguins), target="Species", project_dir=root)
    reply = call("check_guardrails", project_dir=root, stage="train")
    assert reply.verdict in ("pass", "warn")
