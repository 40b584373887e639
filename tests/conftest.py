"""What every test may ask for: private state folders, a verb called in this process, small tables."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.replies import Reply
from ml_engineer.vocabulary.verbs import VERBS

REPOSITORY = Path(__file__).resolve().parents[1]
PENGUINS = REPOSITORY / "examples" / "penguins_raw.csv"


@pytest.fixture(autouse=True)
def private_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Vault, jobs and workspace of each test lie in folders of its own (the cache is shared by a session)."""
    home = tmp_path_factory.mktemp("state")
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    monkeypatch.delenv("ML_ENGINEER_WORKSPACE", raising=False)
    return home


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Any]:
    """Call a verb in this process: ``call("train", project_dir=..., budget_seconds=5)`` gives its reply."""

    def _call(verb: str, **arguments: Any) -> Reply:
        contract = VERBS[verb]
        function = getattr(importlib.import_module(f"ml_engineer.verbs.{verb}"), verb)
        journal = tmp_path / f"journal-{verb}"
        journal.mkdir(exist_ok=True)
        reply = function(contract.request(**arguments), WorkContext(job_id="job_test", journal_dir=journal))
        assert isinstance(reply, contract.reply)
        return reply

    return _call


@pytest.fixture
def penguins() -> Path:
    """The example data that ships."""
    return PENGUINS
