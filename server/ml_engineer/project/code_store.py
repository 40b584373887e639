"""Code that records name by its hash, kept as it was: to be put back, or to be run again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ml_engineer.project.files import file_sha256, replacing
from ml_engineer.project.layout import ProjectLayout

__all__ = ["find_code", "keep_code", "keep_file"]


def keep_code(layout: ProjectLayout, text: str) -> str:
    """Keep a text; its SHA-256 (hex).

    Raises
    ------
    ProjectStateError
        If it cannot be written.
    """
    content = text.encode("utf-8")
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(layout, sha256)
    if find_code(layout, sha256) is None:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    return sha256


def keep_file(layout: ProjectLayout, path: Path) -> str:
    """Keep what is in a file now; its SHA-256, or an empty text if there is no such file."""
    return keep_code(layout, path.read_bytes().decode("utf-8")) if path.is_file() else ""


def find_code(layout: ProjectLayout, sha256: str) -> Path | None:
    """The file that holds this text; None if it was not kept, or is not what it was."""
    path = _path(layout, sha256)
    return path if sha256 and path.is_file() and file_sha256(path) == sha256 else None


def _path(layout: ProjectLayout, sha256: str) -> Path:
    # No Python file to tools that look through the project: it is kept, not part of it.
    return layout.code / f"{sha256[:16]}.txt"
