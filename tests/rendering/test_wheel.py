"""An installed wheel finds its templates."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from ml_engineer.rendering import environment
from ml_engineer.rendering.environment import templates_dir

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_wheel_puts_templates_where_they_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["templates"]
    package = tmp_path / "ml_engineer"
    (tmp_path / included).mkdir(parents=True)
    monkeypatch.setattr(environment, "_PACKAGE", package)
    assert templates_dir() == tmp_path / included


@pytest.mark.full
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_a_built_wheel_holds_every_template(tmp_path: Path) -> None:
    subprocess.run(["uv", "build", "--wheel", "-o", str(tmp_path), str(REPOSITORY)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("ml_engineer/_data/templates/")}
    there = (path for path in (REPOSITORY / "templates").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert held >= {f"ml_engineer/_data/{path.relative_to(REPOSITORY).as_posix()}" for path in there}
