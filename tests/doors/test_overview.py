"""The page in the docs is the table in the code."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.doors.command_line.exit_codes import MEANING, ExitCode
from ml_engineer.doors.overview import doors_page
from ml_engineer.vocabulary.verbs import VERBS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doors.md"


def test_the_page_in_the_docs_is_current():
    assert PAGE.read_text(encoding="utf-8") == doors_page(), "run: python -m ml_engineer.doors.overview > docs/doors.md"


def test_the_page_names_every_verb_and_every_exit_status():
    page = doors_page()
    assert all(f"`mle.{name}(" in page and f"`ml-engineer {name.replace('_', '-')}" in page for name in VERBS)
    assert set(MEANING) == set(ExitCode)
