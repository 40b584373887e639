"""Load and save the project's records; a record whose parents changed is refused, never guessed at."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from ml_engineer.errors import ProjectStateError
from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.records import StoredRecord

__all__ = ["find_record", "load_record", "refuse_stale", "save_record"]

R = TypeVar("R", bound=StoredRecord)

_MADE_BY = {
    "profile": "frame_problem",
    "problem": "frame_problem",
    "split": "frame_problem",
    "training": "train",
    "evaluation": "evaluate",
    "guardrails": "check_guardrails",
}


def save_record(layout: ProjectLayout, record: StoredRecord) -> None:
    """Write `record` to its file under ``experiments/records``, atomically."""
    write_text(layout.records / f"{record.kind}.json", record.model_dump_json(indent=2) + "\n")


def find_record(layout: ProjectLayout, kind: type[R]) -> R | None:
    """The stored record of this kind, or none if there is none.

    Raises
    ------
    ProjectStateError
        If the file is there and does not hold such a record.
    """
    path = layout.records / f"{kind.kind}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ProjectStateError(
            f"{path} does not hold a valid {kind.kind} record",
            found=f"at {where}: {first['msg']}",
            remedy=f"Records are not edited by hand: call {_MADE_BY.get(kind.kind, 'the verb that made it')} again",
        ) from error


def load_record(layout: ProjectLayout, kind: type[R]) -> R:
    """The stored record of this kind.

    Raises
    ------
    ProjectStateError
        If there is none, or it cannot be read.
    """
    record = find_record(layout, kind)
    if record is None:
        maker = _MADE_BY.get(kind.kind, "the verb that makes it")
        raise ProjectStateError(
            f"There is no {kind.kind} record in {layout.root}",
            remedy=f"Call {maker} first, or pass the project_dir that holds one",
        )
    return record


def refuse_stale(layout: ProjectLayout, child: StoredRecord, *parents: StoredRecord) -> None:
    """Refuse `child` if one of `parents` is not the one it was made from.

    Raises
    ------
    ProjectStateError
        Naming the parent that changed and the verb to call.
    """
    for parent in parents:
        expected = child.parents.get(parent.kind)
        if expected is not None and expected != parent.content_hash():
            raise ProjectStateError(
                f"The {child.kind} record of {layout.root} was made from another {parent.kind}",
                found=f"the {parent.kind} has changed since",
                remedy=f"Call {_MADE_BY.get(child.kind, 'the verb that made it')} again",
            )
