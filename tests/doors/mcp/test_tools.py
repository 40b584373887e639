"""The tools, as a client sees them, in memory and in both eras of the protocol."""

from __future__ import annotations

import os
import signal

import anyio
import pytest
from mcp import Client, MCPError

from ml_engineer.doors.desk import assistant_desk
from ml_engineer.doors.mcp.server import INSTRUCTIONS, build_server
from ml_engineer.jobs.store import JobStore
from ml_engineer.jobs.warm import WarmChild

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["auto", "legacy"])
def era(request):
    """Both eras of the protocol."""
    return request.param


async def test_the_five_tools_and_their_companions_are_there_and_no_others(era):
    async with Client(build_server(assistant_desk()), mode=era) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [
        "frame_problem",
        "scaffold_project",
        "train",
        "evaluate",
        "check_guardrails",
        "predict",
        "verify",
        "replay",
        "export",
        "promote",
        "waive_finding",
        "job_status",
        "cancel_job",
    ]


async def test_every_tool_is_strict_titled_annotated_and_briefly_described():
    for tool in await build_server(assistant_desk()).list_tools():
        assert tool.title
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["properties"]["next_step"]
        assert 20 < len(tool.description) <= 1024
        assert "must" not in tool.description.lower(), "descriptions give no orders"
        assert None not in tool.annotations.model_dump(exclude={"title"}).values()


async def test_the_instructions_are_short_enough_for_every_client(era):
    assert len(INSTRUCTIONS.encode()) <= 1500
    async with Client(build_server(assistant_desk()), mode=era) as client:
        assert client.instructions == INSTRUCTIONS
        assert client.server_info.version


async def test_a_finished_call_gives_the_reply_record_with_progress(era, desk, workspace):
    seen = []

    async def note(progress, total, message):
        seen.append((progress, total, message))

    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "ml"}, progress_callback=note)
    assert not result.is_error
    assert result.structured_content["summary"] == "Practised."
    assert result.structured_content["project_dir"] == str(workspace / "ml")
    numbers = [progress for progress, _, _ in seen]
    assert numbers == sorted(set(numbers))
    assert seen[-1][1:] == (1.0, "Practised.")


@pytest.mark.parametrize("tool", ["practise", "job_status", "cancel_job"])
async def test_an_unknown_argument_is_refused_by_name(era, desk, tool):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool(tool, {"projectdir": "ml", "wait_secs": 1})
    assert result.is_error
    assert "there is no argument 'wait_secs'" in result.content[0].text
    assert desk.store.recent(5) == []


async def test_a_wrong_argument_is_told_in_our_words(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": 3, "action": "refused", "wait_seconds": 51})
        asked = await client.call_tool("cancel_job", {})
    assert result.is_error
    assert asked.is_error
    text = result.content[0].text
    assert "project_dir is 3; it must be a text" in text
    assert "wait_seconds is 51; it must be at most 50" in text
    assert "action is 'refused'; allowed are " in text
    assert "did you mean 'refuse'?" in text
    assert text.endswith("Correct them and call again.")
    assert "job_id is missing (The job to stop)" in asked.content[0].text
    assert "validation error" not in text + asked.content[0].text


async def test_bad_input_is_a_tool_error_with_the_remedy(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "ml", "action": "refuse"})
    assert result.is_error
    assert result.content[0].text.endswith("There is no column 'taget'. columns: 'target'. Pass target='target'.")


async def test_a_guardrails_refusal_is_an_answer_with_findings(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "ml", "action": "guardrail"})
    assert not result.is_error
    assert result.structured_content["status"] == "refused"
    assert result.structured_content["findings"][0]["code"] == "LEA001"


async def test_a_defect_is_told_as_internal_error_without_its_details(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "ml", "action": "crash"})
    assert result.is_error
    assert "internal error, see" in result.content[0].text
    assert "secret" not in result.content[0].text


async def test_a_defect_of_the_door_is_logged_and_told_as_such(era, desk, monkeypatch):
    def break_down(*_args, **_options):
        raise RuntimeError("secret")

    monkeypatch.setattr("ml_engineer.doors.desk.start_job", break_down)
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "ml"})
    log = desk.store.root.parent / "server.log"
    assert result.content[0].text.endswith(f"internal error, see {log}")
    assert "RuntimeError: secret" in log.read_text(encoding="utf-8")


async def test_who_does_not_wait_long_gets_a_job_id_and_job_status_the_reply(era, desk, workspace):
    async with Client(build_server(desk), mode=era) as client:
        arguments = {"project_dir": "ml", "action": "wait", "wait_seconds": 0}
        running = (await client.call_tool("practise", arguments)).structured_content
        assert running["status"] == "running"
        assert running["job_id"] in running["next_step"]
        still = (
            await client.call_tool("job_status", {"job_id": running["job_id"], "wait_seconds": 0})
        ).structured_content
        assert still["status"] == "running"
        (workspace / "ml").mkdir(exist_ok=True)
        (workspace / "ml" / "release").touch()
        done = (await client.call_tool("job_status", {"job_id": running["job_id"]})).structured_content
    assert (done["status"], done["summary"]) == ("done", "Practised.")
    assert done["result"]["attempts"] == 1


async def test_waiting_longer_than_clients_allow_is_refused(desk):
    async with Client(build_server(desk)) as client:
        result = await client.call_tool("practise", {"project_dir": "ml", "wait_seconds": 51})
    assert result.is_error
    assert "it must be at most 50" in result.content[0].text


async def test_a_cancelled_call_detaches_and_the_job_goes_on(era, desk, workspace, only_job):
    async with Client(build_server(desk), mode=era) as client:
        with pytest.raises(MCPError):
            await client.call_tool("practise", {"project_dir": "ml", "action": "wait"}, read_timeout_seconds=2)
        listed = (await client.call_tool("job_status", {})).structured_content
        assert listed["jobs"][0]["state"] in ("starting", "running")
    only_job("waiting")
    (workspace / "ml" / "release").touch()
    assert only_job().state == "done"


async def test_cancel_job_stops_the_work(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        arguments = {"project_dir": "ml", "action": "wait", "wait_seconds": 0}
        job_id = (await client.call_tool("practise", arguments)).structured_content["job_id"]
        cancelled = (await client.call_tool("cancel_job", {"job_id": job_id})).structured_content
    assert cancelled["jobs"][0]["state"] == "cancelled"
    assert f"jobs resume {job_id}" in cancelled["next_step"]


async def test_the_same_call_again_continues_a_job_whose_process_was_killed(desk, workspace, only_job):
    async with Client(build_server(desk)) as client:
        arguments = {"project_dir": "ml", "action": "wait", "wait_seconds": 0}
        await client.call_tool("practise", arguments)
        os.kill(only_job("waiting").pid, signal.SIGKILL)
        assert only_job().state == "lost"
        (workspace / "ml" / "release").touch()
        result = await client.call_tool("practise", {**arguments, "wait_seconds": 45})
    assert result.structured_content["attempts"] == 2


async def test_the_next_job_finds_a_warm_child(desk):
    warm = WarmChild(package=desk.package)
    async with Client(build_server(desk, warm)) as client:
        await client.call_tool("practise", {"project_dir": "ml"})
        waiting = warm._child.pid
        second = (await client.call_tool("practise", {"project_dir": "ml"})).structured_content["job_id"]
    assert desk.store.read(second).pid == waiting
    assert warm.take() is None, "let go with the server"


async def test_jobs_of_other_clients_are_listed(desk):
    async with Client(build_server(desk)) as first, Client(build_server(desk)) as second:
        job_id = (await first.call_tool("practise", {"project_dir": "ml"})).structured_content["job_id"]
        listed = (await second.call_tool("job_status", {"limit": 5})).structured_content
    assert [job["job_id"] for job in listed["jobs"]] == [job_id]
    assert JobStore(desk.store.root).load(job_id).state == "done"


async def test_writing_outside_the_workspace_is_refused(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        result = await client.call_tool("practise", {"project_dir": "/etc/ml"})
    assert result.is_error
    assert "outside the workspace" in result.content[0].text


async def test_two_calls_at_once_on_one_project_are_one_job_and_a_busy_error(desk, workspace):
    async with Client(build_server(desk)) as client:
        first = {"project_dir": "ml", "action": "wait", "wait_seconds": 0}
        job_id = (await client.call_tool("practise", first)).structured_content["job_id"]
        with anyio.fail_after(30):
            while desk.store.load(job_id).state != "running":
                await anyio.sleep(0.01)
        second = await client.call_tool("practise", {"project_dir": "ml"})
    assert second.is_error
    assert f"Job {job_id} (practise) is writing" in second.content[0].text
    assert "cancel_job" in second.content[0].text
