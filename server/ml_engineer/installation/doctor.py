"""Looks at the installation as a whole and says how to mend what is wrong."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field

from ml_engineer.errors import MlEngineerError
from ml_engineer.installation.clients import configured_clients
from ml_engineer.installation.extras import install_command, missing_packages, packages_of
from ml_engineer.project.workspace import find_workspace
from ml_engineer.vocabulary.records import Record

__all__ = ["Examination", "examine"]

_OLDEST_PYTHON = (3, 11)
_EXTRAS = ("engine", "serving", "llm", "dask", "onnx", "text", "foundation")
_NEEDED_EXTRA = "engine"
_LEAST_FREE_BYTES = 2_000_000_000
_CHILD_SECONDS = 60


class Examination(Record):
    """One thing that was looked at."""

    name: str = Field(description="What was looked at.")
    outcome: Literal["good", "advice", "broken"] = Field(description="'broken' keeps a verb from working.")
    found: str = Field(description="What was found.")
    remedy: str = Field(default="", description="How to mend it; empty if it is good.")


def examine() -> tuple[Examination, ...]:
    """Everything that is looked at, in the order in which it should be mended."""
    return (
        _interpreter(),
        *_extras(),
        _child(),
        _workspace(),
        *_state_folders(),
        _tracking_store(),
        _uv(),
        _clients(),
    )


def _interpreter() -> Examination:
    found = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        remedy = "Install Python 3.11 or newer, e.g. `uv python install 3.13`, and ml-engineer in it"
        return Examination(name="interpreter", outcome="broken", found=found, remedy=remedy)
    return Examination(name="interpreter", outcome="good", found=found)


def _extras() -> Iterator[Examination]:
    for extra in _EXTRAS:
        names, missing = packages_of(extra), missing_packages(extra)
        if missing:
            yield Examination(
                name=f"part '{extra}'",
                outcome="broken" if extra == _NEEDED_EXTRA else "advice",
                found=f"missing: {', '.join(missing)}",
                remedy=f"If you need it: `{install_command(extra)}`",
            )
        else:
            versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
            yield Examination(name=f"part '{extra}'", outcome="good", found=versions)


def _child() -> Examination:
    """Start the interpreter as jobs do and see whether it can load the heavy packages."""
    code = "import pandas, sklearn, duckdb"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHILD_SECONDS,
            check=False,
        )
        problem = done.stderr.strip().splitlines()[-1] if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        remedy = f"Install the packages again: `{install_command(_NEEDED_EXTRA)}`"
        return Examination(name="child process", outcome="broken", found=problem[:300], remedy=remedy)
    return Examination(name="child process", outcome="good", found="starts and loads pandas, scikit-learn and DuckDB")


def _workspace() -> Examination:
    try:
        workspace = find_workspace(os.environ, Path.cwd())
    except MlEngineerError as error:
        return Examination(name="workspace", outcome="broken", found=str(error), remedy=error.remedy)
    if workspace is None or not os.access(workspace.root, os.W_OK):
        found = f"{Path.cwd()} cannot be written" if workspace is None else f"{workspace.root} cannot be written"
        remedy = "Change to a folder of yours, or set ML_ENGINEER_WORKSPACE to one"
        return Examination(name="workspace", outcome="broken", found=found, remedy=remedy)
    return Examination(name="workspace", outcome="good", found=f"{workspace.root} ({workspace.origin})")


def _state_folders() -> Iterator[Examination]:
    folders = (
        ("jobs", platformdirs.user_state_path("ml-engineer", appauthor=False)),
        ("vault", platformdirs.user_data_path("ml-engineer", appauthor=False)),
    )
    for name, folder in folders:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        if not os.access(there, os.W_OK):
            remedy = f"Make it writable: chmod u+w {there}"
            yield Examination(name=name, outcome="broken", found=f"{there} cannot be written", remedy=remedy)
        elif free < _LEAST_FREE_BYTES:
            found = f"{folder}: {free / 1e9:.1f} GB free"
            remedy = "Free some disk: `ml-engineer clean` shows what we hold"
            yield Examination(name=name, outcome="advice", found=found, remedy=remedy)
        else:
            yield Examination(name=name, outcome="good", found=f"{folder}, {free / 1e9:.0f} GB free")


def _tracking_store() -> Examination:
    """The empty MLflow stores that new projects are copied from; one is made when first needed."""
    folder = platformdirs.user_cache_path("ml-engineer", appauthor=False) / "mlflow"
    templates = sorted(folder.glob("empty-*.db"))
    damaged = [path for path in templates if not _is_sound(path)]
    if damaged:
        found, remedy = f"damaged: {damaged[0]}", f"Remove it, a new one is made: {damaged[0]}"
        return Examination(name="MLflow store template", outcome="broken", found=found, remedy=remedy)
    found = str(templates[-1]) if templates else "none yet; the first `train` makes it, which takes a few seconds"
    return Examination(name="MLflow store template", outcome="good", found=found)


def _is_sound(database: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def _uv() -> Examination:
    path = shutil.which("uv")
    if path is None:
        remedy = "Install uv (https://docs.astral.sh/uv/); the plugin and generated projects are started with it"
        return Examination(name="uv", outcome="advice", found="not on the path", remedy=remedy)
    return Examination(name="uv", outcome="good", found=path)


def _clients() -> Examination:
    found = configured_clients(Path.home(), Path.cwd())
    if not found:
        remedy = "For Claude Code: `claude mcp add ml-engineer -- ml-engineer mcp`; for others see the README"
        return Examination(name="assistants", outcome="advice", found="none is set up to use us", remedy=remedy)
    return Examination(name="assistants", outcome="good", found=", ".join(found))
