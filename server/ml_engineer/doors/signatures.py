"""Function signatures made from request records, so that no door can differ from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

from ml_engineer.vocabulary.records import Record

__all__ = ["request_parameters", "set_signature"]


def request_parameters(request: type[Record]) -> list[inspect.Parameter]:
    """One keyword-only parameter for each field, with its type, bounds, description and default."""
    return [_parameter(name, field) for name, field in request.model_fields.items()]


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    annotation = Annotated[field.annotation, *field.metadata, Field(description=field.description)]  # type: ignore[name-defined]  # built at run time
    default = inspect.Parameter.empty if field.is_required() else field.get_default()
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def set_signature(
    function: Callable[..., Any], parameters: list[inspect.Parameter], *, returns: Any, name: str, doc: str
) -> None:
    """Give `function`, which takes any keyword, the face of one with these parameters."""
    function.__name__ = name
    function.__qualname__ = name
    function.__doc__ = doc
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": returns}
    # Callable has no __signature__ for the type checker; inspect reads it.
    vars(function)["__signature__"] = inspect.Signature(parameters, return_annotation=returns)
