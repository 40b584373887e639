"""Files that may be packed with gzip or zip, opened as if they were not."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ml_engineer.errors import SourceError
from ml_engineer.sources.quoting import listed, shown

__all__ = ["UNPACKING_ERRORS", "Content", "open_content"]

UNPACKING_ERRORS = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)
"""What a damaged packed file raises while it is read."""


@dataclass(frozen=True)
class Content:
    """A file's content, unpacked.

    Parameters
    ----------
    path : pathlib.Path
        The file on disk.
    name : str
        Name of the content: the file's own, or what was packed.
    compression : str or None
        ``'gzip'``, ``'zip'`` or none.
    """

    path: Path
    name: str
    compression: str | None = None

    @property
    def ending(self) -> str:
        """Ending of the content's name, in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """A fresh stream over the content, from its beginning."""
        if self.compression == "gzip":
            return cast("BinaryIO", gzip.open(self.path, "rb"))
        if self.compression == "zip":
            archive = zipfile.ZipFile(self.path)
            return cast("BinaryIO", archive.open(self.name))
        return self.path.open("rb")

    def head(self, size: int) -> bytes:
        """The first `size` bytes."""
        with self.open() as stream:
            return stream.read(size)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A path with the unpacked content; a temporary file if it was packed."""
        if self.compression is None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / f"content{self.ending}"
            with self.open() as stream, target.open("wb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
            yield target


def open_content(path: Path) -> Content:
    """What `path` holds, looking at its first bytes rather than its name.

    Raises
    ------
    SourceError
        If the file is empty, or a zip file holds no or several members or is locked by a password.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        if not magic:
            raise SourceError(f"{shown(str(path), 200)} is empty", remedy="Name a file that holds a table")
        if magic[:2] == b"\x1f\x8b":
            name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
            return Content(path, name, "gzip")
        if magic == b"PK\x03\x04":
            return _zip_content(path)
    except OSError as error:
        raise SourceError(
            f"Cannot read {shown(str(path), 200)}",
            found=error.strerror or str(error),
            remedy="Make the file readable for this user, or name another one",
        ) from error
    except zipfile.BadZipFile as error:
        raise SourceError(
            f"{shown(str(path), 200)} is a damaged zip file", found=str(error), remedy="Fetch or pack it again"
        ) from error
    return Content(path, path.name)


def _zip_content(path: Path) -> Content:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "[Content_Types].xml" in names:  # an Office file, which is a zip file of its own kind
            return Content(path, path.name)
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
    if len(members) != 1:
        raise SourceError(
            f"{shown(str(path), 200)} must hold exactly one file",
            found=f"it holds {listed([member.filename for member in members])}" if members else "it holds none",
            remedy="Unpack it and name the file, or a folder of files with the same columns",
        )
    if members[0].flag_bits & 0x1:
        raise SourceError(f"{shown(str(path), 200)} is locked by a password", remedy="Unpack it and name the file")
    return Content(path, members[0].filename, "zip")
