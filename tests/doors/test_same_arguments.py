"""The three doors take the same arguments, those of the request records."""

from __future__ import annotations

import inspect

import pytest
import typer

import ml_engineer
from ml_engineer.doors import python
from ml_engineer.doors.command_line.commands import build_app
from ml_engineer.doors.desk import assistant_desk, person_desk
from ml_engineer.doors.mcp.server import HIDDEN_VERBS, build_server
from ml_engineer.vocabulary.requests import FrameProblemRequest
from ml_engineer.vocabulary.verbs import VERBS, Verb

ALL = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)


@ALL
def test_python_takes_the_arguments_of_the_request_with_their_defaults(verb: Verb):
    parameters = dict(inspect.signature(getattr(ml_engineer, verb.name)).parameters)
    for own in ("wait_seconds", "on_progress"):
        assert parameters.pop(own).default is None
    assert set(parameters) == set(verb.request.model_fields)
    for name, field in verb.request.model_fields.items():
        default = inspect.Parameter.empty if field.is_required() else field.get_default()
        assert parameters[name].default == default, name


@ALL
def test_python_documents_every_argument_and_the_reply(verb: Verb):
    function = getattr(python, verb.name)
    doc = inspect.getdoc(function)
    for name, parameter in inspect.signature(function).parameters.items():
        assert f"\n{name} : " in doc, f"{name} of {verb.name} ({parameter})"
    assert f"Returns\n-------\n{verb.reply.__name__}\n" in doc
    assert function.__annotations__["return"] == verb.reply.__name__


@ALL
def test_the_command_line_takes_the_arguments_of_the_request(verb: Verb):
    command = typer.main.get_command(build_app(person_desk())).commands[verb.name.replace("_", "-")]
    own = {"json", "record", "detach", "quiet", "help"}
    assert {parameter.name for parameter in command.params} - own == set(verb.request.model_fields)
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name not in own:
            assert parameter.opts == [f"--{parameter.name.replace('_', '-')}"]


@pytest.mark.anyio
async def test_mcp_takes_the_arguments_of_the_request():
    tools = {tool.name: tool for tool in await build_server(assistant_desk()).list_tools()}
    for verb in VERBS.values():
        if verb.name in HIDDEN_VERBS:
            assert verb.name not in tools
            continue
        properties = dict(tools[verb.name].input_schema["properties"])
        properties.pop("wait_seconds", None)
        assert set(properties) == set(verb.request.model_fields)
        for name, field in verb.request.model_fields.items():
            assert properties[name]["description"] == field.description


def test_every_request_argument_is_described():
    assert all(field.description for verb in VERBS.values() for field in verb.request.model_fields.values())
    assert FrameProblemRequest.model_fields["held_out_fraction"].metadata, "bounds go out with the schema"
