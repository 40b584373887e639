"""What a person reads: every number with its interval, and data that stays text."""

from __future__ import annotations

import io

from rich.console import Console

from ml_engineer.doors.command_line.console import show_disk_use, show_examinations, show_reply
from ml_engineer.installation.doctor import Examination
from ml_engineer.jobs.disk import DiskUse
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.guardrails import Finding
from ml_engineer.vocabulary.problem import Question
from ml_engineer.vocabulary.replies import (
    CheckGuardrailsReply,
    EvaluateReply,
    FrameProblemReply,
    PredictReply,
    Reply,
    TrainReply,
)


def shown(reply: Reply, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_reply(reply, console)
    return console.file.getvalue()


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.1, high=value + 0.1, method="known", rows=10)


def test_scores_stand_with_interval_and_baseline():
    text = shown(
        EvaluateReply(
            status="done",
            summary="Evaluated.",
            metrics={"roc_auc": estimate(0.8), "f1": estimate(0.7)},
            baseline={"roc_auc": 0.5},
            confusion=[[3, 1], [2, 4]],
            labels=["no", "yes"],
        )
    )
    line = next(line for line in text.splitlines() if line.startswith("Roc auc"))
    assert line.split() == ["Roc", "auc", "0.8", "[0.7,", "0.9]", "at", "95%", "0.5"]
    assert any(line.split() == ["yes", "2", "4"] for line in text.splitlines())


def test_the_leaderboard_and_the_gain_are_shown():
    text = shown(
        TrainReply(status="done", summary="Trained.", gain=estimate(0.3), leaderboard=["forest 0.8", "linear 0.7"])
    )
    assert text.index("forest 0.8") < text.index("linear 0.7")
    assert "Gain" in text


def test_findings_say_what_blocks_and_what_to_do():
    finding = Finding(
        code="LEA002",
        title="t",
        guardrail="data_quality",
        outcome="issue",
        blocks=True,
        found="copy of y",
        remedy="drop it",
    )
    reply = CheckGuardrailsReply(
        status="done",
        summary="Blocked.",
        verdict="block",
        guardrails={"data_quality": "block: a leak"},
        findings=[finding],
    )
    text = shown(reply)
    assert any(line.split() == ["LEA002", "blocks", "copy", "of", "y", "drop", "it"] for line in text.splitlines())
    assert "Data quality validated before training" in text


def test_questions_warnings_paths_and_next_step_are_shown():
    question = Question(id="time", text="Does time matter?", assumption="no", argument="time_column")
    reply = FrameProblemReply(
        status="done",
        summary="Framed.",
        warnings=["few rows"],
        questions=[question],
        artifacts={"problem": "/w/ml/PROBLEM.md"},
        next_step="Call scaffold_project.",
        not_used={"id": "identifier"},
        features=["a", "b"],
    )
    text = shown(reply)
    for part in (
        "! few rows",
        "? Does time matter?",
        "time_column",
        "/w/ml/PROBLEM.md",
        "Next: Call",
        "a, b",
        "identifier",
    ):
        assert part in text


def test_names_from_the_data_are_never_markup():
    preview = [{"[red]x[/red]": "[link=file:///etc]y[/link]", "n": None}]
    text = shown(PredictReply(status="done", summary="[bold]Scored[/bold].", preview=preview))
    assert "[bold]Scored[/bold]." in text
    assert "[link=file:///etc]y[/link]" in text


def test_a_long_command_of_the_doctor_is_one_line_at_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    command = f"`{'/a/long/folder' * 9}/bin/python -m pip install 'ml-engineer[engine]'`"
    show_examinations(
        [
            Examination(name="part 'engine'", outcome="broken", found="missing: pandas", remedy=f"Install: {command}"),
            Examination(name="uv", outcome="good", found="/usr/bin/uv"),
        ]
    )
    printed = capsys.readouterr().out.splitlines()
    assert f"part 'engine': Install: {command}" in printed
    assert not any(line.startswith("uv:") for line in printed)


def test_disk_use_and_examinations_are_tables(capsys):
    use = DiskUse(kind="job", name="job_1", about="train, done", path="/x", size_bytes=1_234_000)
    show_disk_use([use], freed=False)
    show_disk_use([], freed=False)
    show_examinations([Examination(name="uv", outcome="advice", found="absent", remedy="install uv")])
    out = capsys.readouterr().out
    assert "1.2 MB could be freed: call clean again with --yes." in out
    assert "Nothing to clean." in out
    assert "install uv" in out
