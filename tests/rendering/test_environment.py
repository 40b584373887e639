"""The environment refuses what no filter has quoted."""

from __future__ import annotations

import jinja2
import pytest

from ml_engineer.rendering.environment import template_environment, templates_dir
from ml_engineer.rendering.quoting import trusted


def test_templates_are_found_in_the_clone() -> None:
    assert (templates_dir() / "documents").is_dir()


def test_unquoted_text_is_an_error_that_names_the_filters() -> None:
    template = template_environment().from_string("x = {{ name }}")
    with pytest.raises(TypeError, match="unquoted: pass it through the filter"):
        template.render(name="1; import os")


def test_quoted_text_and_numbers_are_written() -> None:
    template = template_environment().from_string("{{ name | literal }} {{ n }} {{ ours | trusted }}")
    assert template.render(name="a'b", n=3, ours="pass") == '"a\'b" 3 pass'


def test_marked_text_passes() -> None:
    assert template_environment().from_string("{{ code }}").render(code=trusted("pass")) == "pass"


def test_a_variable_that_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        template_environment().from_string("{{ missing }}").render()


def test_braces_in_values_are_not_rendered_again() -> None:
    assert template_environment().from_string("{{ name | literal }}").render(name="{{7*7}}") == '"{{7*7}}"'


def test_html_templates_escape() -> None:
    loader = jinja2.DictLoader({"page.html.j2": "<p>{{ name }}</p>", "page.md.j2": "{{ name | md }}"})
    environment = template_environment().overlay(loader=loader)
    assert environment.get_template("page.html.j2").render(name="<b>") == "<p>&lt;b&gt;</p>"
