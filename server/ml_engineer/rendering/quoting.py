"""Names and values of the user's data as literals and text: whatever they hold, they stay data.

Every function gives `Quoted` text: the mark by which the template environment knows that a value
went through one of them (see `environment`).
"""

from __future__ import annotations

import json
import keyword
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping

__all__ = [
    "Quoted",
    "comment",
    "identifier",
    "identifiers",
    "json_literal",
    "literal",
    "md",
    "md_code",
    "shorten",
    "toml",
    "trusted",
    "yaml",
]

_LINE_LENGTH = 120
_ROOM_FOR_CONTEXT = 24  # a keyword and its brackets on the literal's line, e.g. `held_out_fraction=` and `),`


class Quoted(str):
    """Text that is fit to stand in a rendered file as it is."""

    __slots__ = ()


def trusted(text: str) -> Quoted:
    """Mark text that our own code made (never the user's) as fit to stand as it is."""
    return Quoted(text)


# --- Python ------------------------------------------------------------------------------------------------------


def literal(value: object, indent: int = 0) -> Quoted:
    """Python source that evaluates to `value`, laid out as the formatter would.

    Parameters
    ----------
    value : str, int, float, bool, None, list, tuple, dict
        What to write down; containers may be nested. Tuples are written as lists, because a tuple of one has a
        layout of its own.
    indent : int
        Column of the line on which the literal starts; a container that does not fit is laid out with one item a
        line, four columns further in.

    Raises
    ------
    TypeError
        For any other type, so that nothing is written by its `repr`.
    """
    flat = _flat(value)
    if _width(flat) + indent + _ROOM_FOR_CONTEXT <= _LINE_LENGTH or not isinstance(value, list | tuple | Mapping):
        return Quoted(flat)
    inner = indent + 4
    if isinstance(value, Mapping):
        items = [f"{_flat(key)}: {literal(item, inner)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [literal(item, inner) for item in value]
        opening, closing = "[", "]"
    if not items:
        return Quoted(flat)
    lines = "".join(f"{' ' * inner}{item},\n" for item in items)
    return Quoted(f"{opening}\n{lines}{' ' * indent}{closing}")


def _flat(value: object) -> str:
    """`value` as Python source on one line."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return _python_string(value)
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else f'float("{float(value)}")'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    raise TypeError(f"a {type(value).__name__} cannot be written as a literal")


def _python_string(text: str) -> str:
    """A string literal with the quotes that the formatter prefers: double, unless single ones save escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = "".join(_python_character(character, quote) for character in text)
    return f"{quote}{escaped}{quote}"


def _python_character(character: str, quote: str) -> str:
    if character in {quote, "\\"}:
        return "\\" + character
    # repr escapes exactly what does not print: controls, line separators, directional marks, lone surrogates.
    return character if character.isprintable() else repr(character)[1:-1]


def _width(text: str) -> int:
    """Columns that `text` takes at most: anything beyond ASCII may be shown double-wide."""
    return sum(1 if character.isascii() else 2 for character in text)


def identifier(name: str, *, fallback: str = "column") -> Quoted:
    """A lower-case ASCII Python identifier that reminds of `name`; see `identifiers` for several at once."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^0-9a-z]+", "_", plain.lower()).strip("_")[:50].strip("_")
    if not plain:
        plain = fallback
    elif plain[0].isdigit():
        plain = f"{fallback}_{plain}"
    if keyword.iskeyword(plain) or keyword.issoftkeyword(plain):
        plain += "_"
    return Quoted(plain)


def identifiers(names: Iterable[str], *, reserved: Iterable[str] = ()) -> dict[str, Quoted]:
    """A different identifier for each of `names`, none of them among `reserved`."""
    taken = set(reserved)
    chosen: dict[str, Quoted] = {}
    for name in names:
        stem = identifier(name)
        candidate, number = stem, 1
        while candidate in taken:
            number += 1
            candidate = Quoted(f"{stem.rstrip('_')}_{number}")
        taken.add(candidate)
        chosen[name] = candidate
    return chosen


def comment(text: str, width: int = 80) -> Quoted:
    """User text for a comment: quoted, on one line, and without the sign that starts a directive to a tool."""
    return Quoted(_python_string(shorten(text, width)).replace("#", "\\x23"))


# --- other languages ---------------------------------------------------------------------------------------------


def json_literal(value: object) -> Quoted:
    """JSON of `value`, safe inside an HTML page's script element too (there as ``| json_literal | safe``).

    Raises
    ------
    ValueError
        For NaN and infinities, which JSON does not have.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return Quoted(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _double_quoted(text: str) -> Quoted:
    """A double-quoted string with the escapes that TOML and YAML share."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    parts = []
    for character in text:
        if character in short:
            parts.append(short[character])
        elif 0xD800 <= ord(character) <= 0xDFFF:
            parts.append("\\ufffd")  # neither language can hold half a character
        elif character.isprintable():
            parts.append(character)
        else:
            parts.append(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}")
    return Quoted(f'"{"".join(parts)}"')


def toml(value: str | float | bool | list[str]) -> Quoted:
    """`value` as TOML; a list goes over several lines if it does not fit."""
    if isinstance(value, bool):
        return Quoted("true" if value else "false")
    if isinstance(value, int | float):
        return Quoted(repr(value))
    if isinstance(value, str):
        return _double_quoted(value)
    items = [_double_quoted(item) for item in value]
    flat = f"[{', '.join(items)}]"
    if _width(flat) <= _LINE_LENGTH - 40:
        return Quoted(flat)
    return Quoted("[\n" + "".join(f"    {item},\n" for item in items) + "]")


def yaml(value: str | float | bool | None) -> Quoted:
    """`value` as a YAML scalar; text is always quoted, so that ``no`` and ``1e3`` stay text."""
    if value is None:
        return Quoted("null")
    if isinstance(value, bool):
        return Quoted("true" if value else "false")
    if isinstance(value, int | float):
        return Quoted(repr(value))
    return _double_quoted(value)


def shorten(text: str, width: int = 60) -> Quoted:
    """`text` on one line, without what does not print, cut to `width` characters.

    Fit for plain text only: pass it through the filter of the language it goes into.
    """
    visible = "".join(character if character.isprintable() else " " for character in str(text))
    line = " ".join(visible.split())
    return Quoted(line if len(line) <= width else line[: width - 1].rstrip() + "…")


_MARKDOWN = re.compile(r"([\\`*_\[\]#|~$@!{}])")


def md(text: str, width: int = 400) -> Quoted:
    """User text inside Markdown, a table cell included: no markup, no link, no line break survives in it."""
    line = _MARKDOWN.sub(r"\\\1", shorten(text, width))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"(?i)(:)(//)", r"\\\1\2", line)
    line = re.sub(r"(?i)\b(www)\.", r"\1\\.", line)
    # What only counts at the start of a line: bullets, rules, numbered lists, headings.
    line = re.sub(r"^([-+=])", r"\\\1", line)
    return Quoted(re.sub(r"^(\d+)([.)])", r"\1\\\2", line))


def md_code(text: str, width: int = 80) -> Quoted:
    """User text as inline code in Markdown, a table cell included."""
    line = shorten(text, width).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return Quoted(f"{fence}{padding}{line}{padding}{fence}")
