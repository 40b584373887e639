"""Generated code is lint-clean, formatted and typed by its own configuration, whatever the data is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from generated.conftest import PROJECTS, Run


@pytest.mark.parametrize("name", PROJECTS)
def test_the_linter_has_nothing_to_say(projects: dict[str, Path], run: Run, name: str) -> None:
    result = run(projects[name], "-m", "ruff", "check", "--no-cache", ".")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", PROJECTS)
def test_the_formatter_changes_nothing(projects: dict[str, Path], run: Run, name: str) -> None:
    result = run(projects[name], "-m", "ruff", "format", "--no-cache", "--diff", ".")
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def type_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the type checker learned of pandas and scikit-learn serves all projects."""
    return tmp_path_factory.mktemp("types")


@pytest.mark.full
@pytest.mark.parametrize("name", PROJECTS)
def test_the_type_checker_has_nothing_to_say(projects: dict[str, Path], run: Run, name: str, type_cache: Path) -> None:
    result = run(projects[name], "-m", "mypy", "--cache-dir", str(type_cache))
    assert result.returncode == 0, result.stdout
