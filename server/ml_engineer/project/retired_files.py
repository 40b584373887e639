"""Files that were rendered once and are no longer part of the project: removed, unless a person changed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.rendered_files import same_as_rendered

__all__ = ["Retirement", "retire_files"]


@dataclass(frozen=True)
class Retirement:
    """What became of files that are no longer rendered; paths are relative to the project.

    Parameters
    ----------
    removed : tuple of str
        Untouched since they were rendered, and gone now.
    kept : tuple of str
        Changed by a person, and left alone.
    """

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def retire_files(
    root: Path, gone: Iterable[str], *, rendered_before: Mapping[str, str], outside: str | None = None
) -> Retirement:
    """Remove what is no longer rendered, with the folders that it leaves empty.

    Parameters
    ----------
    root : pathlib.Path
        The project's folder. A path that leads out of it is left alone: the list comes from a file that may have
        been cloned.
    gone : iterable of str
        Paths relative to `root`, with forward slashes.
    rendered_before : mapping of str to str
        SHA-256 of what was rendered, by path.
    outside : str, optional
        The one path outside `root` that is this project's own.

    Raises
    ------
    ProjectStateError
        If a file cannot be removed; those before it are gone, and the next call goes on.
    """
    removed: list[str] = []
    kept: list[str] = []
    home = root.resolve()
    for path in sorted(gone):
        file = root / path
        if not file.is_file() or (path != outside and not file.parent.resolve().is_relative_to(home)):
            continue
        if not same_as_rendered(file, rendered_before[path]):
            kept.append(path)
            continue
        _remove(file)
        _remove_empty(file.parent, below=home)
        removed.append(path)
    return Retirement(tuple(removed), tuple(kept))


def _remove(file: Path) -> None:
    try:
        for stale in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            stale.unlink()
        file.unlink()
    except OSError as error:
        raise ProjectStateError(
            f"Cannot remove {file}, which is no longer part of the project",
            found=error.strerror or str(error),
            remedy="Make the folder writable or delete the file, then scaffold again",
        ) from error


def _remove_empty(folder: Path, *, below: Path) -> None:
    """Remove `folder` and those above it while they are empty, staying below `below`."""
    with suppress(OSError):  # a folder that holds something is not removed, and that is what is wanted
        (folder / "__pycache__").rmdir()
    with suppress(OSError):
        while folder.resolve() != below and folder.resolve().is_relative_to(below):
            folder.rmdir()
            folder = folder.parent
