"""Append-only, hash-chained logs of a project: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ml_engineer.errors import ProjectStateError
from ml_engineer.hash_chain import chained, sound_length, to_lines
from ml_engineer.project.files import replacing
from ml_engineer.vocabulary.chained import ChainedEntry

__all__ = ["append_entry", "load_log", "read_log"]

E = TypeVar("E", bound=ChainedEntry)


def read_log(path: Path, kind: type[E], *, noun: str) -> tuple[tuple[E, ...], tuple[str, ...]]:
    """The entries of a log that can be read, the first one first, and what does not add up in it.

    Parameters
    ----------
    path : pathlib.Path
        The log; a missing one is empty.
    kind : type
        Of its entries.
    noun : str
        What an entry is called, with its article.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        return (), (f"it cannot be read: {error.strerror or error}",)
    entries, faults = [], []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entries.append(kind.model_validate_json(line))
            except ValidationError:
                faults.append(f"line {number} is not {noun}")
    fault = sound_length(entries)[1]
    return tuple(entries), (*faults, *([fault] if fault else []))


def load_log(path: Path, kind: type[E], *, noun: str, plural: str) -> tuple[E, ...]:
    """Every entry of a log that adds up.

    Raises
    ------
    ProjectStateError
        If it was edited, cut in the middle, or a line of it cannot be read.
    """
    entries, faults = read_log(path, kind, noun=noun)
    if faults:
        raise ProjectStateError(
            f"The log of {plural} {path} does not add up",
            found="; ".join(faults),
            remedy=f"Put it back from version control; {plural} are never edited or removed",
        )
    return entries


def append_entry(path: Path, kind: type[E], before: tuple[E, ...], **fields: Any) -> E:
    """Write the log anew with one more entry behind those `before`, whole or not at all.

    Raises
    ------
    ProjectStateError
        If it cannot be written.
    """
    entry = chained(kind, before[-1] if before else None, **fields)
    with replacing(path) as temporary:
        temporary.write_bytes(to_lines((*before, entry)))
    return entry
