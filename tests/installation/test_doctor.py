"""The doctor says what is wrong and how to mend it, and changes nothing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from ml_engineer.doors.command_line.commands import run_commands
from ml_engineer.errors import MissingExtraError
from ml_engineer.installation import doctor, extras
from ml_engineer.installation.clients import configured_clients
from ml_engineer.installation.doctor import examine


@pytest.fixture
def healthy(monkeypatch, tmp_path):
    """A folder to stand in, and a child that need not be started again for each test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "_child", lambda: doctor.Examination(name="child process", outcome="good", found="x"))
    return tmp_path


def leave_out(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Let one package look as if it were not installed."""
    really = extras._is_installed
    monkeypatch.setattr(extras, "_is_installed", lambda name: name != package and really(name))


def outcome(name: str) -> doctor.Examination:
    return next(item for item in examine() if item.name == name)


def test_a_whole_installation_is_not_broken(healthy):
    assert [item for item in examine() if item.outcome == "broken"] == []


def test_the_child_is_really_started(tmp_path):
    assert doctor._child().outcome == "good"


def test_a_child_that_cannot_start_is_broken(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    found = doctor._child()
    assert found.outcome == "broken"
    assert "install" in found.remedy


def test_a_missing_part_is_named_with_the_one_command(healthy, monkeypatch):
    leave_out(monkeypatch, "pandas")
    found = outcome("part 'engine'")
    assert (found.outcome, found.found) == ("broken", "missing: pandas")
    assert "install" in found.remedy
    assert "[engine]" in found.remedy
    with pytest.raises(MissingExtraError, match="pandas"):
        extras.require_extra("engine")


def test_a_missing_part_that_is_not_needed_is_only_advice(healthy, monkeypatch):
    leave_out(monkeypatch, "anthropic")
    assert outcome("part 'llm'").outcome == "advice"


@pytest.mark.parametrize("uv", [None, "/usr/bin/uv"])
def test_the_command_installs_into_this_interpreter(monkeypatch, uv):
    monkeypatch.setattr(shutil, "which", lambda name: uv)
    assert sys.executable in extras.install_command("engine")
    assert extras.install_command("engine").startswith("uv pip install") == (uv is not None)


def test_parts_are_read_from_the_packages_own_metadata():
    assert {"pandas", "scikit-learn", "mlflow"} <= set(extras.packages_of("engine"))
    assert extras.packages_of("no such part") == ()


def test_a_workspace_that_cannot_be_used_is_broken(healthy, monkeypatch):
    monkeypatch.setenv("ML_ENGINEER_WORKSPACE", "/no/such/folder")
    found = outcome("workspace")
    assert found.outcome == "broken"
    assert "absolute path" in found.remedy


def test_a_full_disk_is_told(healthy, monkeypatch):
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "ml-engineer clean" in outcome("jobs").remedy


def test_a_damaged_store_template_is_broken(healthy, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(healthy / "cache"))
    template = healthy / "cache" / "ml-engineer" / "mlflow" / "empty-3.0.db"
    template.parent.mkdir(parents=True)
    template.write_bytes(b"not a database at all")
    found = outcome("MLflow store template")
    assert found.outcome == "broken"
    assert str(template) in found.remedy


def test_uv_is_only_advice(healthy, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert outcome("uv").outcome == "advice"


@pytest.mark.parametrize(
    ("place", "content", "name"),
    [
        (".claude.json", {"mcpServers": {"ml-engineer": {"command": "uvx"}}}, "Claude Code"),
        (".cursor/mcp.json", {"mcpServers": {"mine": {"command": "/opt/bin/ml-engineer"}}}, "Cursor"),
        (".claude/plugins/installed_plugins.json", {"plugins": {"ml-engineer@here": {}}}, "Claude Code (plugin)"),
    ],
)
def test_clients_that_name_us_are_found(tmp_path, place, content, name):
    path = tmp_path / "home" / place
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    assert configured_clients(tmp_path / "home", tmp_path) == (name,)


def test_other_servers_and_broken_files_are_passed_over(tmp_path):
    (tmp_path / ".claude.json").write_text("{", encoding="utf-8")
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"other": {}}}), encoding="utf-8")
    assert configured_clients(tmp_path, tmp_path) == ()


def test_the_command_prints_a_json_list_and_its_status_says_whether_something_is_broken(healthy, capfd, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: healthy)
    assert run_commands(["doctor", "--json"]) == 0
    assert {item["outcome"] for item in json.loads(capfd.readouterr().out)} <= {"good", "advice"}
    leave_out(monkeypatch, "pandas")
    assert run_commands(["doctor"]) == 2
    assert "pandas" in capfd.readouterr().out
