"""The template environment: strict, and closed to text that no filter has quoted.

In every template but HTML, ``{{ ... }}`` accepts numbers and `Quoted` text only, so that forgetting
a filter is an error when the template is rendered, not a hole. HTML templates escape everything.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext

from ml_engineer.rendering import quoting

__all__ = ["template_environment", "templates_dir"]

_PACKAGE = Path(__file__).resolve().parents[1]


def templates_dir() -> Path:
    """The folder of templates: in an installed wheel beside the code, in a clone at the top of the repository."""
    data = _PACKAGE / "_data"
    return (data if data.is_dir() else _PACKAGE.parents[1]) / "templates"


@cache
def template_environment() -> jinja2.Environment:
    """The environment of all templates; a variable that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir(), encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=_is_html,  # noqa: S701 -- everything else goes through _refuse_unquoted, which is stricter
        finalize=_refuse_unquoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
    )
    environment.filters |= {
        name: getattr(quoting, name) for name in quoting.__all__ if name not in {"Quoted", "identifiers"}
    }
    return environment


def _is_html(name: str | None) -> bool:
    return name is not None and name.removesuffix(".j2").endswith((".html", ".svg", ".xml"))


@pass_eval_context
def _refuse_unquoted(context: EvalContext, value: object) -> object:
    """Let through what cannot do harm in a file that is not HTML (HTML is escaped by jinja2 itself)."""
    if context.autoescape or isinstance(value, quoting.Quoted):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, jinja2.Undefined):
        return str(value)  # raises, naming the variable
    raise TypeError(
        f"a template would write {type(value).__name__} {value!r} unquoted: pass it through the filter of its "
        "language (literal, comment, toml, yaml, json_literal, md, md_code), or `trusted` if it is ours"
    )
