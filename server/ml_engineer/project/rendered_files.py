"""Files that were rendered into the project: which a person has changed since, and never overwriting those.

The hash of what was rendered is kept per file. A file that still has it may be replaced; any other is the
person's, and a newer rendering is put beside it as ``NAME.new``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import write_text

__all__ = [
    "Difference",
    "Placement",
    "Rendering",
    "place_files",
    "read_rendering",
    "same_as_rendered",
    "write_rendering",
]

_SUFFIX = ".new"


@dataclass(frozen=True)
class Difference:
    """A file that a person changed, against what would have been rendered."""

    path: str
    lines: int
    first_line: int


@dataclass(frozen=True)
class Placement:
    """What became of the rendered files; paths are relative to the project.

    Parameters
    ----------
    written : tuple of str
        New, or rendered anew over an earlier rendering.
    unchanged : int
        Files that already were as rendered.
    kept : tuple of Difference
        Files of a person; the rendering lies beside them.
    hashes : dict of str to str
        What was rendered: SHA-256 by path.
    """

    written: tuple[str, ...] = ()
    unchanged: int = 0
    kept: tuple[Difference, ...] = ()
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rendering:
    """What is remembered of the last rendering.

    Parameters
    ----------
    hashes : dict of str to str
        SHA-256 of what was rendered, by path.
    features : tuple of str or None
        Feature folders that were chosen; None before the first rendering.
    """

    hashes: dict[str, str] = field(default_factory=dict)
    features: tuple[str, ...] | None = None


def place_files(
    root: Path,
    files: Mapping[str, str],
    *,
    rendered_before: Mapping[str, str],
    starters: frozenset[str] = frozenset(),
    report: Callable[[str, float | None], None] = lambda _message, _fraction: None,
) -> Placement:
    """Put `files` under `root`.

    Parameters
    ----------
    root : pathlib.Path
        The project's folder.
    files : mapping of str to str
        Text by path relative to `root` (``../`` allowed), with forward slashes.
    rendered_before : mapping of str to str
        SHA-256 of what was rendered last time, by path.
    starters : frozenset of str
        Paths that are written if absent and left alone otherwise.
    report : callable
        Told about progress.

    Raises
    ------
    ProjectStateError
        If something that is no text file stands in the place of one (before anything is written), or a file cannot
        be written (every file written until then is whole).
    """
    present = {path: _read(root / path) for path in files}
    written: list[str] = []
    kept: list[Difference] = []
    unchanged = 0
    for place, (path, text) in enumerate(files.items()):
        report(f"writing {path}", place / len(files))
        there = present[path]
        if there is not None and (path in starters or there == text):
            unchanged += 1
            _forget_answered(root / path, text)
        elif there is None or _sha256(there) == rendered_before.get(path):
            write_text(root / path, text)
            written.append(path)
        else:
            if _read(_beside(root / path)) != text:
                write_text(_beside(root / path), text)
            kept.append(_difference(path, there, text))
    hashes = {path: _sha256(text) for path, text in files.items() if path not in starters}
    return Placement(tuple(written), unchanged, tuple(kept), hashes)


def same_as_rendered(path: Path, sha256: str) -> bool:
    """Whether a file still is what was rendered, whatever version control made of its line ends."""
    text = _read(path)
    return text is not None and _sha256(text) == sha256


def read_rendering(path: Path) -> Rendering:
    """What is remembered of the last rendering; nothing if there was none.

    Raises
    ------
    ProjectStateError
        If the file does not hold them.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        hashes = {str(name): str(sha256) for name, sha256 in stored["files"].items()}
        return Rendering(hashes, tuple(str(folder) for folder in stored["features"]))
    except FileNotFoundError:
        return Rendering()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectStateError(
            f"{path} does not hold the hashes of rendered files",
            found=f"{type(error).__name__}: {error}",
            remedy="Delete it: every file that differs from its rendering then counts as changed by a person",
        ) from error


def write_rendering(path: Path, rendering: Rendering, *, problem_sha256: str) -> None:
    """Store what is to be remembered of a rendering, and of which problem it was."""
    stored = {
        "schema_version": 1,
        "features": list(rendering.features or ()),
        "problem_sha256": problem_sha256,
        "files": dict(sorted(rendering.hashes.items())),
    }
    text = json.dumps(stored, indent=2)
    if _read(path) != text + "\n":
        write_text(path, text + "\n")


def _read(path: Path) -> str | None:
    """Text of a file, its line ends as we write them (version control may change them); None if there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectStateError(
            f"Cannot read {path}", found=error.strerror or str(error), remedy="Move it away, then scaffold again"
        ) from error
    return data.decode("utf-8", errors="surrogateescape").replace("\r\n", "\n")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogateescape")).hexdigest()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _SUFFIX)


def _forget_answered(path: Path, text: str) -> None:
    """Remove ``NAME.new`` once its text has been taken over into NAME."""
    beside = _beside(path)
    if os.path.lexists(beside) and _read(beside) == text:
        beside.unlink()


def _difference(path: str, there: str, text: str) -> Difference:
    old, new = there.splitlines(), text.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False) if len(old) * len(new) < 4_000_000 else None
    if matcher is None:  # the comparison of two long files takes minutes; where they part is enough
        first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        return Difference(path, abs(len(old) - len(new)) or 1, first + 1)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    lines = sum(max(change[2] - change[1], change[4] - change[3]) for change in changes)
    return Difference(path, max(lines, 1), changes[0][1] + 1 if changes else 1)
