"""Files that only their owner reads, and that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_engineer.errors import SealError

__all__ = ["disk_errors", "make_private_folder", "replace_bytes"]


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that names `path`."""
    try:
        yield
    except OSError as error:
        raise SealError(
            f"The seal cannot use {path}",
            found=error.strerror or str(error),
            remedy="Free space or make the place readable and writable for you, then call the same verb again",
        ) from error


def make_private_folder(path: Path) -> None:
    """Make a folder (and its parents) that only its owner can enter; one that is there is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def replace_bytes(path: Path, content: bytes, *, private: bool) -> None:
    """Put `content` in the place of `path` in one step, durably.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder is made if it is missing.
    content : bytes
        All it shall hold.
    private : bool
        Readable by its owner only; otherwise as the process's mask says.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
