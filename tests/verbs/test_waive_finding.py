"""A waiver needs a name, a reason and something to waive; it lifts the block and never disappears."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ml_engineer.errors import InputError
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import load_record
from ml_engineer.vocabulary.guardrails import GuardrailReport, Waivers
from verbs.trained_projects import TrainedProject, churn, train_project

Call = Callable[..., Any]

REASON = "the code is given at sign-up, before the outcome"


@pytest.fixture(scope="module")
def leaky_once(tmp_path_factory: pytest.TempPathFactory) -> TrainedProject:
    """For copying only."""
    home = tmp_path_factory.mktemp("leaky")
    frame = churn()
    frame["closing_code"] = (frame["left"] == "yes").astype(int) * 4 + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        return train_project(home, frame, target="left", task="binary", keys=("customer",))


@pytest.fixture
def leaky(tmp_path: Path, leaky_once: TrainedProject) -> TrainedProject:
    """A project with a column made from the outcome."""
    layout = ProjectLayout(tmp_path / "ml")
    shutil.copytree(leaky_once.layout.root, layout.root)
    return replace(leaky_once, layout=layout)


def test_a_waiver_lifts_the_block_and_stays_visible(leaky: TrainedProject, call: Call) -> None:
    for code in ("LEA001", "LEA007"):
        call("waive_finding", project_dir=leaky.root, code=code, reason=REASON, name="Ada")
    reply = call("check_guardrails", project_dir=leaky.root, stage="train")
    assert reply.verdict != "block"
    assert len(reply.waivers) == 2
    assert all("Ada" in text and REASON in text for text in reply.waivers)
    outcomes = {finding.code: finding.outcome for finding in load_record(leaky.layout, GuardrailReport).findings}
    assert outcomes["LEA001"] == "waived"
    assert REASON in (leaky.layout.reports / "guardrails.md").read_text(encoding="utf-8")


def test_a_waiver_limited_to_another_column_lifts_nothing(leaky: TrainedProject, call: Call) -> None:
    call("waive_finding", project_dir=leaky.root, code="LEA001", reason=REASON, name="Ada", columns=["charge"])
    assert call("check_guardrails", project_dir=leaky.root, stage="train").verdict == "block"


def test_waivers_are_added_and_never_removed_and_a_repeated_one_counts_once(leaky: TrainedProject, call: Call) -> None:
    for name in ("Ada", "Grace", "Ada"):
        reply = call("waive_finding", project_dir=leaky.root, code="LEA001", reason=REASON, name=name)
    assert [waiver.name for waiver in load_record(leaky.layout, Waivers).waivers] == ["Ada", "Grace"]
    assert "written down before" in reply.summary


def test_any_finding_may_be_waived_even_a_broken_ledger(leaky: TrainedProject, call: Call) -> None:
    leaky.layout.ledger.unlink()
    call("waive_finding", project_dir=leaky.root, code="RDY004", reason="the disk was lost, see ticket 7", name="Ada")
    call("check_guardrails", project_dir=leaky.root, stage="deploy")
    finding = next(each for each in load_record(leaky.layout, GuardrailReport).findings if each.code == "RDY004")
    assert (finding.outcome, finding.blocks) == ("waived", False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"code": "LEA999"}, "There is no check LEA999"),
        ({"reason": "          x          "}, "The reason says nothing"),
        ({"name": "   "}, "The name says nothing"),
        ({"columns": ["chrage"]}, "the nearest is 'charge'"),
    ],
)
def test_a_waiver_that_says_nothing_is_refused(
    leaky: TrainedProject, call: Call, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        call(
            "waive_finding",
            **{"project_dir": leaky.root, "code": "LEA001", "reason": REASON, "name": "Ada"} | arguments,
        )
    assert not (leaky.layout.records / "waivers.json").exists()


@pytest.mark.parametrize("missing", ["reason", "name", "code"])
def test_name_reason_and_code_are_asked_for(leaky: TrainedProject, call: Call, missing: str) -> None:
    arguments = {"project_dir": leaky.root, "code": "LEA001", "reason": REASON, "name": "Ada"}
    del arguments[missing]
    with pytest.raises(ValidationError, match=missing):
        call("waive_finding", **arguments)


def test_waiving_what_is_not_open_is_allowed_and_told(leaky: TrainedProject, call: Call) -> None:
    call("check_guardrails", project_dir=leaky.root, stage="train")
    reply = call("waive_finding", project_dir=leaky.root, code="DAT011", reason=REASON, name="Ada")
    assert "not open in the last report" in reply.warnings[0]
