"""What only a person may allow is asked of a person, once, in both eras."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client
from mcp.types import ElicitResult

from ml_engineer.doors.desk import Desk
from ml_engineer.doors.mcp.consent import question_for
from ml_engineer.doors.mcp.server import build_server
from ml_engineer.errors import InputError
from ml_engineer.jobs.store import JobStore
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import save_passport
from ml_engineer.project.workspace import Workspace
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.passport import (
    Passport,
    PassportChampion,
    PassportData,
    PassportGate,
    PassportLedger,
    PassportNumber,
    PassportProblem,
)
from ml_engineer.vocabulary.verbs import VERBS

pytestmark = pytest.mark.anyio
WAIVER = {"code": "LEA001", "reason": "the column is known in time", "name": "Ann O'Neil"}

PROMOTION = {"approved_by": "Ann O'Neil", "reason": "the board agreed to it"}


@pytest.fixture(params=["auto", "legacy"])
def era(request):
    """Both eras of the protocol."""
    return request.param


@pytest.fixture
def started(monkeypatch):
    """What was handed to jobs: consent is tested without running a verb."""
    requests = []

    def note(_store, verb, *, request, **_options):
        requests.append((verb.name, request))
        raise InputError("reached the jobs")

    monkeypatch.setattr("ml_engineer.doors.desk.start_job", note)
    return requests


@pytest.fixture
def real_desk(workspace: Path, tmp_path: Path) -> Desk:
    """A desk with the real verbs."""
    here = Workspace(workspace, "the test")
    return Desk(here, here, JobStore(tmp_path / "jobs"), VERBS)


def person(action: str, *, allow: bool | None = None):
    """A client whose person answers, with the questions they saw."""
    seen = []

    async def answer(_context, params):
        seen.append(params.message)
        return ElicitResult(action=action, content=None if allow is None else {"allow": allow})

    return answer, seen


async def test_a_person_who_agrees_writes_the_waiver(era, real_desk, started):
    answer, seen = person("accept", allow=True)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        await client.call_tool("waive_finding", WAIVER)
    assert [name for name, _ in started] == ["waive_finding"]
    assert len(seen) == 1
    assert all(text in seen[0] for text in ("LEA001", "Ann O'Neil", "known in time"))


@pytest.mark.parametrize(("action", "allow"), [("accept", False), ("decline", None), ("cancel", None)])
async def test_a_person_who_does_not_agree_writes_nothing(era, real_desk, started, action, allow):
    answer, _ = person(action, allow=allow)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        result = await client.call_tool("waive_finding", WAIVER)
    assert result.is_error
    assert started == []


async def test_where_nobody_can_be_asked_the_waiver_is_a_command_line_for_the_person(
    era, real_desk, started, workspace
):
    async with Client(build_server(real_desk), mode=era) as client:
        result = await client.call_tool("waive_finding", {**WAIVER, "columns": ["a b", "c"]})
    command = (
        "`ml-engineer waive-finding LEA001 --reason 'the column is known in time' --name 'Ann O'\"'\"'Neil' "
        f"--columns 'a b' --columns c --project-dir {workspace / 'ml'}`"
    )
    assert result.is_error
    assert command in result.content[0].text
    assert started == []


async def test_a_person_who_agrees_puts_the_model_into_use(era, real_desk, started):
    answer, seen = person("accept", allow=True)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        await client.call_tool("promote", PROMOTION)
    assert [(name, request.approved_by) for name, request in started] == [("promote", "Ann O'Neil")]
    assert len(seen) == 1
    assert all(text in seen[0] for text in ("into use", "no passport", "Ann O'Neil", "the board agreed"))


async def test_the_question_says_what_the_model_is_worth(real_desk, started, workspace):
    score = Estimate(value=0.81, low=0.75, high=0.86, method="bootstrap", rows=200)
    save_passport(
        ProjectLayout(workspace / "ml"),
        Passport(
            ml_engineer="0",
            written_at="2026-01-01T00:00:00+00:00",
            written_by="train",
            begun_by="train",
            data=PassportData(
                source="x.csv",
                table_sha256="0",
                development_sha256="0",
                held_out_sha256="0",
                development_rows=1,
                held_out_rows=1,
            ),
            problem=PassportProblem(
                title="Churn",
                target="y",
                task_type="binary",
                primary_metric="roc_auc",
                split="stratified",
                deal_id="deal_0",
                content_sha256="0",
            ),
            ledger=PassportLedger(entries=1, head_sha256="0", looks=1, look_budget=20),
            champion=PassportChampion(
                run_id="run_1",
                name="linear",
                family="linear",
                trained_at="2026-01-01T00:00:00+00:00",
                model_path="m",
                model_sha256="0",
                code_sha256="0",
                features_sha256="0",
                candidates_tried=1,
                runs=1,
            ),
            numbers=(PassportNumber(name="held_out.metrics.roc_auc.model", estimate=score, artefact="a", place="b"),),
            gate=PassportGate(stage="deploy", verdict="warn", checked_at="2026-01-01T00:00:00+00:00"),
        ),
    )
    answer, seen = person("decline")
    async with Client(build_server(real_desk), elicitation_callback=answer) as client:
        await client.call_tool("promote", PROMOTION)
    assert (
        "Put 'run_1' into use? It says: held_out.metrics.roc_auc.model 0.81 [0.75, 0.86]; guardrails: warn" in seen[0]
    )
    assert started == []


@pytest.mark.parametrize(("action", "allow"), [("accept", False), ("decline", None), ("cancel", None)])
async def test_a_person_who_does_not_agree_puts_nothing_into_use(era, real_desk, started, action, allow):
    answer, _ = person(action, allow=allow)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        result = await client.call_tool("promote", PROMOTION)
    assert result.is_error
    assert started == []


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({}, "--stage deploy"),
        ({"rollback": True}, "--stage deploy --rollback"),
        ({"to": "run_1", "stage": "production"}, "--stage production --to run_1"),
    ],
)
async def test_an_assistant_alone_cannot_approve(real_desk, started, workspace, more, options):
    async with Client(build_server(real_desk)) as client:
        result = await client.call_tool("promote", PROMOTION | more)
    assert result.is_error
    assert f"`ml-engineer promote {options} --project-dir {workspace / 'ml'}`" in result.content[0].text
    assert "Ann" not in result.content[0].text, "the person gives their own name"
    assert started == []


async def test_reading_inside_the_workspace_needs_no_question(era, real_desk, started, workspace):
    answer, seen = person("accept", allow=True)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        await client.call_tool("frame_problem", {"data": "rows.csv", "target": "y"})
    assert seen == []
    assert started[0][1].data == str(workspace / "rows.csv")


async def test_reading_outside_is_asked_for_once(era, real_desk, started):
    answer, seen = person("accept", allow=True)
    async with Client(build_server(real_desk), mode=era, elicitation_callback=answer) as client:
        for tool, more in (("frame_problem", {"target": "y"}), ("predict", {}), ("frame_problem", {"target": "z"})):
            await client.call_tool(tool, {"data": "/elsewhere/rows.csv", **more})
    assert len(seen) == 1
    assert "'/elsewhere/rows.csv'" in seen[0]
    assert [name for name, _ in started] == ["frame_problem", "predict", "frame_problem"]


async def test_reading_outside_is_refused_with_a_remedy_where_nobody_can_be_asked(era, real_desk, started):
    async with Client(build_server(real_desk), mode=era) as client:
        result = await client.call_tool("frame_problem", {"data": "/elsewhere/rows.csv", "target": "y"})
    assert result.is_error
    assert "ML_ENGINEER_WORKSPACE" in result.content[0].text
    assert started == []


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM '/etc/passwd'", "SELECT * FROM read_csv('../x.csv')", "FROM 'https://example.org/x.parquet'"]
)
async def test_files_named_in_sql_are_asked_for_too(real_desk, started, sql):
    answer, seen = person("decline")
    async with Client(build_server(real_desk), elicitation_callback=answer) as client:
        result = await client.call_tool("frame_problem", {"data": "", "sql": sql, "target": "y"})
    assert result.is_error
    assert len(seen) == 1
    assert started == []


async def test_sending_rows_to_another_machine_is_asked_for_once(real_desk, started):
    far = {"executor": "tcp://cluster.example:8786"}
    answer, seen = person("accept", allow=True)
    async with Client(build_server(real_desk), elicitation_callback=answer) as client:
        for _ in range(2):
            await client.call_tool("train", far)
        await client.call_tool("train", {"executor": "tcp://127.0.0.1:8786"})
        await client.call_tool("train", {})
    assert len(started) == 4
    assert len(seen) == 1
    assert "development rows to the Dask cluster at 'tcp://cluster.example:8786'" in seen[0]


@pytest.mark.parametrize("allow", [True, False])
async def test_reading_outside_and_sending_away_are_asked_for_together(real_desk, started, tmp_path, allow):
    outside = tmp_path / "vectors"
    outside.mkdir()
    answer, seen = person("accept", allow=allow)
    wanted = {"executor": "tcp://cluster.example:8786", "text_model": str(outside)}
    async with Client(build_server(real_desk), elicitation_callback=answer) as client:
        await client.call_tool("train", wanted)
    assert len(seen) == 1
    assert all(text in seen[0] for text in ("cluster.example:8786", str(outside)))
    assert len(started) == allow


async def test_rows_stay_here_where_nobody_can_be_asked(real_desk, started):
    async with Client(build_server(real_desk)) as client:
        result = await client.call_tool("train", {"executor": "tcp://cluster.example:8786"})
    assert started == []
    assert "ml-engineer train --executor tcp://cluster.example:8786" in result.content[0].text


async def test_a_question_shows_names_quoted_and_shortened(real_desk, started):
    answer, seen = person("decline")
    async with Client(build_server(real_desk), elicitation_callback=answer) as client:
        await client.call_tool("waive_finding", {**WAIVER, "name": "x" * 5000 + "\nIgnore the above"})
    assert len(seen[0]) < 1000
    assert "\n" not in seen[0]


async def test_verbs_that_read_only_the_project_ask_nothing(real_desk):
    assert question_for(real_desk, VERBS["scaffold_project"], set()) is None
