"""The MCP inspector, strict about schemas, in every era."""

from __future__ import annotations

import json
import subprocess

import pytest

pytestmark = pytest.mark.full
_IS_ERROR = 5


@pytest.fixture
def inspect(inspector, server_command, client_environment, tmp_path):
    """Run the inspector: ``inspect("--method", "tools/list")`` gives its exit status and what it printed."""

    def _inspect(*arguments: str) -> tuple[int, str]:
        command = [inspector, "--cli", *arguments, *server_command]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=client_environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout or done.stderr

    return _inspect


@pytest.mark.parametrize("era", ["auto", "legacy", "modern"])
def test_every_schema_is_portable(inspect, era):
    status, text = inspect("--protocol-era", era, "--method", "tools/list", "--strict", "--format", "json")
    assert status == 0, text
    names = [tool["name"] for tool in json.loads(text)["result"]["tools"]]
    assert names[:5] == ["frame_problem", "scaffold_project", "train", "evaluate", "check_guardrails"]


def test_resources_and_prompts_are_listed(inspect):
    for method, name in (("resources/list", "ml-engineer://problem"), ("prompts/list", "train_a_model")):
        status, text = inspect("--method", method, "--format", "json")
        assert status == 0, text
        assert name in text


def test_a_call_that_cannot_be_done_is_an_error_with_its_remedy(inspect):
    arguments = json.dumps({"budget_secs": 1})
    status, text = inspect("--method", "tools/call", "--tool-name", "train", "--tool-args-json", arguments, "-q")
    assert status == _IS_ERROR, text
    assert "did you mean 'budget_seconds'" in text


def test_a_call_gives_its_reply(inspect):
    status, text = inspect("--method", "tools/call", "--tool-name", "job_status", "--tool-args-json", "{}", "-q")
    assert status == 0, text
    assert "No jobs yet." in text
