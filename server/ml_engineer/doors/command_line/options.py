"""Request records as command-line options, and options back as arguments."""

from __future__ import annotations

import csv
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.records import Record

__all__ = ["POSITIONAL", "option_parameters", "to_arguments"]

POSITIONAL = ("data", "code", "run")
"""Fields that stand without a name, in the order of the request."""


def option_parameters(request: type[Record]) -> list[inspect.Parameter]:
    """One typer parameter for each field of a request."""
    return [_parameter(request, name) for name in request.model_fields]


def _parameter(request: type[Record], name: str) -> inspect.Parameter:
    field = request.model_fields[name]
    kind = _plain(field.annotation)
    if name in POSITIONAL:
        info: Any = typer.Argument(help=field.description, show_default=False)
    else:
        metavar, more = _manner(kind)
        flag = f"--{name.replace('_', '-')}"
        prompt = _question(field) if field.is_required() else False
        info = typer.Option(flag, metavar=metavar, help=f"{field.description}{more}", show_default=True, prompt=prompt)
    default = inspect.Parameter.empty if field.is_required() else field.get_default()
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[_typed(kind, required=field.is_required()), info],
    )


def _question(field: FieldInfo) -> str | bool:
    """What a person at a terminal is asked who left the option out; a program is told that it is missing."""
    extra = field.json_schema_extra
    text = extra.get("prompt") if isinstance(extra, dict) else None
    return str(text) if text and sys.stdin is not None and sys.stdin.isatty() else False


def _plain(annotation: Any) -> Any:
    """The type without its ``| None`` and without its bounds, which the request itself checks."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        (kind,) = [part for part in get_args(annotation) if part is not type(None)]
        return _plain(kind)
    return annotation


def _manner(kind: Any) -> tuple[str | None, str]:
    """How the option is shown, and how it is given if that is not obvious."""
    if get_origin(kind) is list:
        return "NAME", " (several: repeat the option, or separate by commas; '' for none)"
    if get_origin(kind) is Literal:
        return "CHOICE", f" (one of: {', '.join(get_args(kind))})"
    if get_origin(kind) is dict:
        return "NAME=ROLE", " (several: repeat the option)"
    return None, ""


def _typed(kind: Any, *, required: bool) -> Any:
    """The type that typer parses."""
    if get_origin(kind) in (list, dict):
        kind = list[str]
    known = kind in (str, int, float, bool) or get_origin(kind) in (Literal, list)
    kind = kind if known else str
    return kind if required or kind is bool else kind | None


def to_arguments(request: type[Record], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments a request is made of: what was not given is left to its default."""
    arguments: dict[str, Any] = {}
    for name, field in request.model_fields.items():
        value = options.get(name)
        if value is None or (isinstance(value, list) and not value):
            continue
        kind = get_origin(_plain(field.annotation))
        if kind is list:
            value = [part for text in value for part in _split(text)]
        elif kind is dict:
            value = dict(_pair(name, text) for text in value)
        arguments[name] = value
    return arguments


def _split(text: str) -> list[str]:
    """Names separated by commas; a name that holds a comma stands in double quotes."""
    row = next(csv.reader([text], skipinitialspace=True), [])
    return [part.strip() for part in row if part.strip()]


def _pair(name: str, text: str) -> tuple[str, str]:
    key, separator, value = text.rpartition("=")
    if not separator or not key:
        flag = f"--{name.replace('_', '-')}"
        raise InputError(f"{flag} takes NAME=ROLE", found=repr(text), remedy=f"Write {flag} 'passenger id=identifier'")
    return key, value
