"""Real clients, where they are installed; `.ci/full` installs them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str, how: str) -> str:
    """Path of a program, or a skip that says how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: {how}")
    return path


@pytest.fixture
def claude() -> str:
    """Claude Code."""
    return program("claude", "npm install @anthropic-ai/claude-code@2.1.330")


@pytest.fixture
def inspector() -> str:
    """The MCP inspector."""
    return program("mcp-inspector", "npm install @modelcontextprotocol/inspector@2.12.0 (Node 22.19 or later)")


@pytest.fixture
def server_command() -> list[str]:
    """How clients start the server of this environment."""
    return [sys.executable, "-m", "ml_engineer", "mcp"]


@pytest.fixture
def client_environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own; our folders are those of the test."""
    home = tmp_path / "home"
    home.mkdir()
    ours = {name: os.environ[name] for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb", **ours}
