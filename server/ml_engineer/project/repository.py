"""The repository that a project lies in, and where its CI workflow belongs."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from pathlib import Path

__all__ = ["find_repository", "is_workflow_for", "workflow_path", "working_directory"]

_WORKFLOWS = Path(".github") / "workflows"


def find_repository(root: Path) -> Path | None:
    """Top of the version-controlled folder that holds `root`; a home folder under version control does not count."""
    home = Path.home()
    for folder in (root, *root.parents):
        if folder == home or folder == Path(folder.anchor):
            return None
        if (folder / ".git").exists():
            return folder
    return None


def workflow_path(root: Path, top: Path, *, rendered_before: Container[str]) -> str:
    """Path of the workflow, relative to the project `root`, with forward slashes.

    It is ``ml.yml`` in the workflow folder of `top`, unless another project of the same repository has that name.

    Parameters
    ----------
    root, top : pathlib.Path
        The project, and the folder whose ``.github`` counts.
    rendered_before : container of str
        Paths rendered for this project before.
    """
    plain = _relative(root, top / _WORKFLOWS / "ml.yml")
    own = re.sub(r"[^a-z0-9]+", "-", working_directory(root, top).lower()).strip("-") or "project"
    named = _relative(root, top / _WORKFLOWS / f"ml-{own}.yml")
    if named in rendered_before:
        return named
    if plain in rendered_before or not (top / _WORKFLOWS / "ml.yml").exists():
        return plain
    return plain if is_workflow_for(top / _WORKFLOWS / "ml.yml", working_directory(root, top)) else named


def working_directory(root: Path, top: Path) -> str:
    """The project relative to `top`, with forward slashes; ``.`` if they are the same."""
    return root.relative_to(top).as_posix()


def is_workflow_for(workflow: Path, folder: str) -> bool:
    """Whether a workflow is there and works in `folder`, e.g. after a clone that lost the record of its rendering."""
    if not workflow.is_file():
        return False
    text = workflow.read_text(encoding="utf-8", errors="replace")
    return re.search(rf'working-directory:\s*["\']?{re.escape(folder)}["\']?\s*$', text, re.MULTILINE) is not None


def _relative(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
