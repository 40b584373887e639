"""The page of checks is made from the checks, and is in step with them."""

from __future__ import annotations

import re
from pathlib import Path

from ml_engineer.guardrails import CHECKS
from ml_engineer.guardrails.catalogue import render_catalogue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def test_the_page_in_the_repository_is_what_the_code_says() -> None:
    remedy = "run: python -m ml_engineer.guardrails.catalogue > docs/checks.md"
    assert PAGE.read_text(encoding="utf-8") == render_catalogue(), remedy


def test_every_check_has_a_row_and_a_section_that_the_row_links_to() -> None:
    page = render_catalogue()
    headings = re.findall(r"^### (.+)$", page, flags=re.MULTILINE)
    links = re.findall(r"^\| \[(\w+)\]\(#([^)]+)\)", page, flags=re.MULTILINE)
    assert [code for code, _ in links] == [check.code for check in CHECKS]
    assert [heading.split()[0] for heading in headings] == [code for code, _ in links]
    for heading, (_, anchor) in zip(headings, links, strict=True):
        assert anchor == re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
