"""The real Claude Code, offline: a scripted model frames, scaffolds, trains, evaluates and checks through it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from clients.messages_api import Call, Model, playing

pytestmark = pytest.mark.full
PREFIX = "mcp__ml-engineer__"


@pytest.fixture
def ask_claude(claude, server_command, client_environment, tmp_path):
    """Let Claude Code work in a folder with the penguins: ``ask_claude(script)`` gives the model as it ended."""
    project = tmp_path / "project"
    project.mkdir()
    config = tmp_path / "mcp.json"
    server = {"command": server_command[0], "args": server_command[1:], "alwaysLoad": True}
    config.write_text(json.dumps({"mcpServers": {"ml-engineer": server}}), encoding="utf-8")

    def _ask(*script: Call, data: Path | None = None, **environment: str) -> Model:
        if data is not None:
            shutil.copy(data, project)
        model = Model(PREFIX, script)
        with playing(model) as address:
            command = [claude, "-p", "train a model", "--allowedTools", "mcp__ml-engineer", "--strict-mcp-config"]
            done = subprocess.run(
                [*command, "--mcp-config", str(config), "--output-format", "json"],
                cwd=project,
                env={
                    **client_environment,
                    **environment,
                    "ANTHROPIC_BASE_URL": address,
                    "ANTHROPIC_API_KEY": "none",
                    "DISABLE_AUTOUPDATER": "1",
                    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return model

    return _ask


@pytest.mark.parametrize("negotiation", ["auto", "legacy"])
def test_claude_code_sees_the_tools_and_reads_errors_with_their_remedy(ask_claude, negotiation):
    script = (Call("train", {"budget_secs": 1}), Call("evaluate", {}), Call("job_status", {}))
    model = ask_claude(*script, MCP_PROTOCOL_NEGOTIATION=negotiation)
    assert f"{PREFIX}frame_problem" in model.tools
    (_, wrong, first), (_, refused, second) = model.seen[:2]
    assert wrong
    assert "did you mean 'budget_seconds'" in first
    assert refused
    assert "frame_problem" in second
    name, failed, text = model.seen[2]
    assert (name, failed, json.loads(text)["status"]) == (f"{PREFIX}job_status", False, "done")


def test_nobody_at_the_keyboard_means_no_waiver_and_no_reading_outside(ask_claude, penguins):
    waiver = {"code": "LEA001", "reason": "it is known in time", "name": "Ann"}
    model = ask_claude(
        Call("frame_problem", {"data": str(penguins), "target": "Species"}), Call("waive_finding", waiver)
    )
    (_, outside, first), (_, unconfirmed, second) = model.seen
    assert outside
    assert "ML_ENGINEER_WORKSPACE" in first
    assert unconfirmed
    assert "ml-engineer waive-finding LEA001" in second


def test_claude_code_goes_the_whole_way(ask_claude, penguins, tmp_path):
    model = ask_claude(
        Call("frame_problem", {"data": penguins.name, "target": "Species", "goal": "tell the species"}),
        Call("scaffold_project", {}),
        Call("train", {"budget_seconds": 30}),
        Call("evaluate", {"reason": "the end-to-end test"}),
        Call("check_guardrails", {"stage": "deploy"}),
        data=penguins,
    )
    failed = [(name, text) for name, wrong, text in model.seen if wrong]
    assert failed == []
    ended = [json.loads(text) for _, _, text in model.seen]
    assert [reply["status"] for reply in ended if reply["status"] != "running"] == ["done"] * 5
    assert all(len(text) < 16_000 for _, _, text in model.seen)
    assert ended[-1].get("result", ended[-1])["verdict"] in ("pass", "warn", "block")
    root = tmp_path / "project" / "ml"
    for path in ("PROBLEM.md", "models/training/champion.py", "reports/evaluation.html", "reports/guardrails.md"):
        assert (root / path).is_file(), path
