"""Rows that break the data contract are not trained on; a contract that cannot be read is told by its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_engineer.errors import DefinitionError
from verbs.trained_projects import churn, train_project

Call = Callable[..., Any]


def test_rows_that_break_an_edited_contract_are_refused_with_rows_and_values(tmp_path: Path, call: Call) -> None:
    project = train_project(tmp_path, churn(), target="left", task="binary", keys=("customer",))
    path = project.layout.contract_yaml
    text = path.read_text(encoding="utf-8")
    low = re.search(r"minimum: (\S+)", text)
    assert low is not None
    tightened = text.replace(low.group(), f"minimum: {float(low.group(1)) + 5}", 1)
    path.write_text(tightened.replace("outside: warn", "outside: error", 1), encoding="utf-8")
    reply = call("train", project_dir=project.root, budget_seconds=5)
    assert reply.status == "refused"
    finding = next(finding for finding in reply.findings if finding.code == "DAT030")
    assert finding.blocks
    assert "'charge' lies outside of " in finding.found
    assert finding.example_rows


def test_a_contract_with_a_fault_is_told_by_its_line(tmp_path: Path, call: Call) -> None:
    project = train_project(tmp_path, churn(), target="left", task="binary", keys=("customer",))
    path = project.layout.contract_yaml
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("missing: error", "missing: never", 1), encoding="utf-8")
    told = r"contract.yaml, line \d+: 'missing' holds 'never'; allowed: error, warn, allowed"
    with pytest.raises(DefinitionError, match=told):
        call("train", project_dir=project.root, budget_seconds=5)
