"""From what the person named to the files on disk, and proof that they did not change while being read."""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ml_engineer.errors import SourceError
from ml_engineer.sources.quoting import listed, shown

__all__ = ["file_hashes", "file_states", "locate_files", "refuse_changed"]

_FAMILY = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".psv": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".xlsx": "excel", ".xlsm": "excel",
    ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".svm": "libsvm", ".libsvm": "libsvm",
}  # fmt: skip
_PLAIN = {".txt": "text", ".data": "text", ".dat": "text"}
_PACKED = {".gz", ".zip"}


def locate_files(path: str) -> list[Path]:
    """The files that `path` (a file, a folder or a glob pattern) stands for, in order of their names.

    Raises
    ------
    SourceError
        If there is nothing, or what is there is no regular file.
    """
    place = Path(path)
    try:
        if place.is_dir():
            return _in_folder(place)
        if place.exists():
            return [_regular(place)]
        if any(character in path for character in "*?["):
            found = sorted(Path(name) for name in glob.glob(path, recursive=True))  # noqa: PTH207 - absolute patterns
            files = [_regular(file) for file in found if not file.is_dir()]
            if files:
                return files
    except OSError as error:
        raise _unreadable(path, error) from error
    raise SourceError(f"There is no file {shown(path, 200)}", found=_neighbours(place), remedy="Check the path")


def _in_folder(folder: Path) -> list[Path]:
    visible = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith((".", "_")))
    for families in (_FAMILY, _PLAIN):
        files = {file: families[ending] for file in visible if (ending := _ending(file)) in families}
        kinds = Counter(files.values())
        if len(kinds) > 1:
            raise SourceError(
                f"The folder {shown(str(folder), 200)} holds tables of several formats",
                found=listed([file.name for file in files]),
                remedy="Name one file, or a glob pattern such as '*.csv'",
            )
        if files:
            return list(files)
    raise SourceError(
        f"The folder {shown(str(folder), 200)} holds no table",
        found=f"files: {listed([file.name for file in visible])}" if visible else "it is empty",
        remedy="Name a file; endings that are looked for in a folder: " + ", ".join(_FAMILY),
    )


def _ending(file: Path) -> str:
    """Ending of a file's name without its packing, in lower case."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _regular(file: Path) -> Path:
    if not file.is_file():
        raise SourceError(f"{shown(str(file), 200)} is not a regular file", remedy="Name a file, folder or pattern")
    return file


def _neighbours(place: Path) -> str:
    try:
        names = sorted(file.name for file in place.parent.iterdir() if not file.name.startswith("."))
    except OSError:
        return "its folder is not there either"
    return f"its folder holds {listed(names)}" if names else "its folder is empty"


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(
        f"Cannot read {shown(path, 200)}",
        found=error.strerror or str(error),
        remedy="Make the file readable for this user, or name another one",
    )


def file_states(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Size and time of change of each file."""
    try:
        return [((state := file.stat()).st_size, state.st_mtime_ns) for file in files]
    except OSError as error:
        raise _unreadable(str(error.filename or files[0]), error) from error


def refuse_changed(files: Sequence[Path], before: Sequence[tuple[int, int]]) -> None:
    """Refuse a reading whose files are not the ones it began with.

    Raises
    ------
    SourceError
        Naming the first file that changed.
    """
    for file, state, now in zip(files, before, file_states(files), strict=True):
        if state != now:
            raise SourceError(
                f"{shown(str(file), 200)} changed while it was being read",
                found=f"{state[0]:,} bytes before, {now[0]:,} after",
                remedy="Wait until whoever writes it is done, or read a copy",
            )


def file_hashes(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 (hex) of each file's bytes, by absolute path."""
    hashes: dict[str, str] = {}
    for file in files:
        try:
            with file.open("rb") as stream:
                hashes[str(file.absolute())] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(str(file), error) from error
    return hashes
