"""Documents and records as resources, and the prompts."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from mcp import Client, MCPError

from ml_engineer.doors.mcp.resources import DOCUMENTS
from ml_engineer.doors.mcp.server import build_server
from ml_engineer.project.layout import ProjectLayout

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["auto", "legacy"])
def era(request):
    """Both eras of the protocol."""
    return request.param


def fill(folder):
    """Every document with its own name as text."""
    layout = ProjectLayout(folder)
    for document in DOCUMENTS:
        path = document.path(layout)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {document.name}", encoding="utf-8")


async def test_documents_of_the_default_project_are_served_whole(era, desk, workspace):
    fill(workspace / "ml")
    async with Client(build_server(desk), mode=era) as client:
        listed = {str(resource.uri): resource for resource in (await client.list_resources()).resources}
        for document in DOCUMENTS:
            address = f"ml-engineer://{document.name}"
            assert listed[address].mime_type == document.mime_type
            (content,) = (await client.read_resource(address)).contents
            assert content.text == f"text of {document.name}"


@pytest.mark.parametrize("absolute", [True, False])
async def test_another_project_is_named_by_a_parameter(era, desk, workspace, absolute):
    fill(workspace / "other ml")
    project = str(workspace / "other ml") if absolute else "other ml"
    async with Client(build_server(desk), mode=era) as client:
        (content,) = (await client.read_resource(f"ml-engineer://training?project={quote(project, safe='')}")).contents
    assert content.text == "text of training"


async def test_reports_are_listed_by_path(desk, workspace):
    fill(workspace / "ml")
    async with Client(build_server(desk)) as client:
        (content,) = (await client.read_resource("ml-engineer://reports")).contents
    names = [path.rsplit("/", 1)[-1] for path in json.loads(content.text)]
    assert names == ["evaluation.html", "guardrails.md", "ideas.md"]


async def test_a_missing_document_says_who_writes_it(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        with pytest.raises(MCPError, match="evaluate writes it"):
            await client.read_resource("ml-engineer://evaluation")


@pytest.mark.parametrize("project", ["/etc", "../secrets", "ml/../../x"])
async def test_a_project_outside_the_workspace_is_not_served(desk, project):
    async with Client(build_server(desk)) as client:
        with pytest.raises(MCPError, match="outside the workspace"):
            await client.read_resource(f"ml-engineer://problem?project={quote(project, safe='')}")


async def test_prompts_quote_what_the_person_typed(era, desk):
    async with Client(build_server(desk), mode=era) as client:
        prompt = await client.get_prompt("train_a_model", {"data": "rows.csv", "target": 'y" and\nmore'})
        review = await client.get_prompt("review_a_model", {})
    assert "'y\" and\\nmore'" in prompt.messages[0].content.text
    assert "'ml'" in review.messages[0].content.text
