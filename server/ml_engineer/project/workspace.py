"""Which folder is the workspace, and what a path in a request means there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ml_engineer.errors import InputError
from ml_engineer.vocabulary.records import Record

__all__ = [
    "READ_FIELDS",
    "VARIABLE",
    "WRITE_FIELDS",
    "Workspace",
    "find_workspace",
    "outside_reads",
    "place_request",
    "resolve_data",
    "resolve_project",
    "workspace_of_project",
]

R = TypeVar("R", bound=Record)

READ_FIELDS = ("data", "test_data", "query_path", "future_data", "text_model", "foundation_model")
"""Fields of requests that name what is read."""

WRITE_FIELDS = ("project_dir", "output")
"""Fields of requests that name what is written."""

VARIABLE = "ML_ENGINEER_WORKSPACE"
"""The one environment variable of ours."""

_HOST_VARIABLE = "CLAUDE_PROJECT_DIR"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Workspace:
    """The folder in which relative paths are meant and files may be written.

    Parameters
    ----------
    root : pathlib.Path
        The folder, absolute.
    origin : str
        Who said so, for messages.
    """

    root: Path
    origin: str

    def holds(self, path: str | Path) -> bool:
        """Whether `path` lies inside, links followed."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))


def find_workspace(environment: Mapping[str, str], folder: Path) -> Workspace | None:
    """The workspace by what the host said, else the current folder if it can be one.

    Parameters
    ----------
    environment : mapping
        Environment variables.
    folder : pathlib.Path
        The current folder. Claude Desktop starts servers in ``/``, which is nobody's workspace.
    """
    for variable in (VARIABLE, _HOST_VARIABLE):
        named = environment.get(variable, "").strip()
        if named:
            root = Path(named).expanduser()
            if not root.is_absolute() or not root.is_dir():
                raise InputError(
                    f"{variable} does not name a folder", found=named, remedy="Set it to the absolute path of a folder"
                )
            return Workspace(root, variable)
    if folder != Path(folder.anchor) and os.access(folder, os.W_OK):
        return Workspace(folder, "the current folder")
    return None


def workspace_of_project(project_dir: str) -> Workspace | None:
    """The workspace if nobody named one: the folder around a project that was given with its absolute path."""
    project = Path(project_dir).expanduser()
    if not project.is_absolute():
        return None
    parent = Path(os.path.realpath(project.parent))
    too_wide = parent in (Path(parent.anchor), Path.home())
    return Workspace(project if too_wide else parent, "the folder of project_dir")


def resolve_project(path: str, workspace: Workspace | None, *, limit: Workspace | None) -> Path:
    """Absolute path of something that will be written.

    Raises
    ------
    InputError
        If it is relative and there is no workspace, or it lies outside `limit`.
    """
    absolute = _absolute(path, workspace)
    if limit is not None and not limit.holds(absolute):
        raise InputError(
            f"{absolute} lies outside the workspace",
            found=f"the workspace is {limit.root} ({limit.origin})",
            remedy=f"Choose a folder inside it, or set {VARIABLE} to a folder that holds both",
        )
    return absolute


def resolve_data(path: str, workspace: Workspace | None) -> str:
    """Absolute path (or glob, or address as it is) of something that will be read; empty stays empty."""
    return path if not path or _ADDRESS.match(path) else str(_absolute(path, workspace))


def _absolute(path: str, workspace: Workspace | None) -> Path:
    named = Path(path).expanduser()
    if named.is_absolute():
        return Path(os.path.normpath(named))
    if workspace is None:
        raise InputError(
            f"{path!r} is relative, and there is no workspace",
            remedy=f"Pass an absolute path, or set {VARIABLE} to a folder",
        )
    return Path(os.path.normpath(workspace.root / named))


def place_request(request: R, workspace: Workspace | None, *, limit: Workspace | None) -> R:
    """The request with absolute paths.

    Parameters
    ----------
    request : Record
        As it was asked.
    workspace : Workspace, optional
        Where relative paths are meant.
    limit : Workspace, optional
        The folder outside which nothing may be written; none means that the person may write anywhere.

    Raises
    ------
    InputError
        As `resolve_project`.
    """
    update: dict[str, str] = {}
    for name in type(request).model_fields:
        value = getattr(request, name)
        if isinstance(value, str) and name in READ_FIELDS:
            update[name] = resolve_data(value, workspace)
        elif isinstance(value, str) and name in WRITE_FIELDS:
            update[name] = str(resolve_project(value, workspace, limit=limit))
    return request.model_copy(update=update)


def outside_reads(request: Mapping[str, object], workspace: Workspace | None) -> tuple[str, ...]:
    """What a request would read outside the workspace: its data files, and files named in its SQL."""
    named = [value for name in READ_FIELDS if isinstance(value := request.get(name), str) and value]
    sql = request.get("sql")
    if isinstance(sql, str):
        texts = (text.replace("''", "'") for text in _SQL_TEXT.findall(sql))
        named += [text for text in texts if _ADDRESS.match(text) or _names_a_file(text)]
    found = [resolve_data(value, workspace) for value in named]
    return tuple(dict.fromkeys(path for path in found if _is_outside(path, workspace)))


def _names_a_file(text: str) -> bool:
    return "/" in text or "\\" in text or Path(text).suffix != ""


def _is_outside(path: str, workspace: Workspace | None) -> bool:
    return bool(_ADDRESS.match(path)) or workspace is None or not workspace.holds(path)
