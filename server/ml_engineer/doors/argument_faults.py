"""What is wrong with the arguments of a call, in words that say what was found and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ml_engineer.errors import InputError

__all__ = ["refused_arguments", "unknown_argument"]

_SHOWN: Final = 80

_MUST_BE: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "greater_than": lambda limits: f"more than {limits['gt']:g}",
    "greater_than_equal": lambda limits: f"{limits['ge']:g} or more",
    "less_than": lambda limits: f"less than {limits['lt']:g}",
    "less_than_equal": lambda limits: f"at most {limits['le']:g}",
    "string_too_short": lambda limits: f"a text of at least {limits['min_length']} characters",
    "string_too_long": lambda limits: f"a text of at most {limits['max_length']} characters",
    "string_pattern_mismatch": lambda limits: f"a text like {limits['pattern']}",
    "too_short": lambda limits: f"a list with at least {limits['min_length']} entries",
    "too_long": lambda limits: f"a list with at most {limits['max_length']} entries",
}
"""By pydantic's name of the fault: the bound that was missed, given the bounds."""

_KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("finite_number", "a finite number"),
    ("bool", "true or false"),
    ("string", "a text"),
    ("list", "a list"),
    ("tuple", "a list"),
    ("dict", "an object with a value by name"),
    ("mapping", "an object with a value by name"),
)
"""By the beginning of pydantic's name of the fault: what kind of value is wanted."""


def refused_arguments(verb: str, error: ValidationError, fields: Mapping[str, FieldInfo]) -> InputError:
    """The error that names every argument that is unknown, missing or wrong.

    Parameters
    ----------
    verb : str
        What was asked for.
    error : pydantic.ValidationError
        What is wrong, as pydantic found it.
    fields : mapping of str to FieldInfo
        The arguments that there are.
    """
    faults = [_fault(dict(fault), fields) for fault in error.errors(include_url=False)]
    return InputError(
        f"{verb} was asked with arguments that do not fit",
        found="; ".join(dict.fromkeys(faults)),
        remedy=f"Correct {'them' if len(faults) > 1 else 'it'} and call again",
    )


def unknown_argument(name: str, known: Sequence[str]) -> str:
    """Say that there is no argument of this name, and which one was probably meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"there is no argument {name[:60]!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _fault(fault: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> str:
    place, kind, limits = fault["loc"], str(fault["type"]), fault.get("ctx", {})
    name = _named(place)
    if kind == "extra_forbidden":
        return unknown_argument(str(place[-1]), list(fields))
    if kind == "missing":
        described = fields[str(place[0])].description if len(place) == 1 and place[0] in fields else None
        return f"{name} is missing" + (f" ({described.rstrip('.')})" if described else "")
    given = fault["input"]
    if kind == "literal_error":
        return f"{name} is {_shown(given)}; {_choice(given, str(limits['expected']))}"
    if kind in _MUST_BE:
        return f"{name} is {_shown(given)}; it must be {_MUST_BE[kind](limits)}"
    for beginning, wanted in _KINDS:
        if kind.startswith(beginning):
            return f"{name} is {_shown(given)}; it must be {wanted}"
    return f"{name} is {_shown(given)}: {str(fault['msg']).removeprefix('Value error, ')}"


def _named(place: Sequence[str | int]) -> str:
    """An argument, or an entry of one: ``features[0]``, ``roles['age']``."""
    if not place:
        return "the call"
    return str(place[0])[:60] + "".join(
        f"[{str(part)[:60]!r}]" if isinstance(part, str) else f"[{part}]" for part in place[1:]
    )


def _choice(given: object, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    near = difflib.get_close_matches(str(given).casefold(), allowed, n=1)
    meant = f", did you mean {near[0]!r}?" if near else ""
    return f"allowed are {', '.join(repr(one) for one in allowed) or expected}{meant}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
