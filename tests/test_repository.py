"""The repository keeps its own promises: versions, pins, links and commands agree with each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ml_engineer.vocabulary.verbs import VERBS

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> str:
    """Text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_description_of_the_package_names_the_same_version() -> None:
    """Package, plugin and skill are released together."""
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert json.loads(read(".claude-plugin/plugin.json"))["version"] == version
    assert re.search(r'^  version: "(.+)"$', read("SKILL.md"), re.MULTILINE)[1] == version  # type: ignore[index]


def test_pins_for_uv_and_for_pip_are_one_list() -> None:
    """constraints.txt and [tool.uv] constraint-dependencies are made from each other."""
    subprocess.run([sys.executable, str(ROOT / ".ci" / "constraints"), "--check"], check=True)


def test_no_pin_or_setting_holds_an_address() -> None:
    """A registry's address in a pin would bind every user to one host."""
    for name in ("constraints.txt", "pyproject.toml"):
        assert "/simple" not in read(name)
        assert "index-url" not in read(name)


def test_the_skill_fits_an_assistants_attention() -> None:
    """Fewer than 200 lines, a description within 1,024 characters, links one level deep that exist."""
    text = read("SKILL.md")
    assert len(text.splitlines()) < 200
    description = re.search(r"^description: (.+)$", text, re.MULTILINE)
    assert description is not None
    assert len(description[1]) <= 1024
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        assert re.fullmatch(r"skill/[a-z-]+\.md", link)
        assert (ROOT / link).is_file()
    assert {f"skill/{page.name}" for page in (ROOT / "skill").iterdir()} == set(links)


def test_the_skill_names_every_verb_that_an_assistant_may_call() -> None:
    """A tool that the skill does not mention is not found; one that does not exist misleads."""
    pages = "".join(read(str(page.relative_to(ROOT))) for page in [ROOT / "SKILL.md", *(ROOT / "skill").glob("*.md")])
    missing = [
        name for name in VERBS if name != "run" and f"`{name}" not in pages and name.replace("_", "-") not in pages
    ]
    assert not missing


def test_the_plugin_has_no_second_place_for_servers_or_skills() -> None:
    """A root .mcp.json is read by clients as project settings, and a skills folder hides SKILL.md."""
    assert not (ROOT / ".mcp.json").exists()
    assert not (ROOT / "skills").exists()


def test_ci_calls_the_very_test_command_of_the_readme() -> None:
    """The README's second command is what CI proves."""
    block = re.search(r"```\n(python3 -m pip install uv.*?)```", read("README.md"), re.DOTALL)
    assert block is not None
    second = block[1].strip().splitlines()[1]
    assert second == "python3 -m uv run pytest"
    assert '"$uv" run pytest\n' in read(".ci/run")


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_inside_the_repository_lead_somewhere(page: str) -> None:
    """A link that a reader follows must not end in nothing."""
    for link in re.findall(r"\]\(([^)#]+)\)", read(page)):
        if "://" not in link:
            assert ((ROOT / page).parent / link).exists(), link
