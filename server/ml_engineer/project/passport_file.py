"""``passport.json``: written whole with its hash, read back only if it is what was written."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from ml_engineer.project.files import write_text
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.vocabulary.passport import Passport, passport_sha256

__all__ = ["PassportReading", "read_passport", "save_passport"]


@dataclass(frozen=True)
class PassportReading:
    """The passport as it lies in the project.

    Parameters
    ----------
    passport : Passport or None
        What it says, also if it was edited; none if it is missing or cannot be read.
    fault : str
        What is wrong with the file; empty if nothing is.
    """

    passport: Passport | None
    fault: str = ""


def read_passport(layout: ProjectLayout) -> PassportReading:
    """Read the passport, and hold it against its own hash."""
    try:
        text = layout.passport.read_text(encoding="utf-8")
    except FileNotFoundError:
        return PassportReading(None, "there is no passport.json")
    except (OSError, UnicodeDecodeError) as error:
        return PassportReading(None, f"passport.json cannot be read ({type(error).__name__})")
    try:
        document = json.loads(text)
        passport = Passport.model_validate_json(text)
    except (ValueError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)[:100]}
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        return PassportReading(None, f"passport.json does not hold a passport (at {where}: {first['msg']})")
    if passport_sha256(document) != passport.passport_sha256:
        return PassportReading(passport, "passport.json was edited: its hash does not fit its content")
    return PassportReading(passport)


def save_passport(layout: ProjectLayout, passport: Passport) -> Passport:
    """Write the passport with its hash, in one step; gives it as written.

    Raises
    ------
    ProjectStateError
        If the file cannot be written; the earlier one is as it was.
    """
    digest = passport_sha256(json.loads(passport.model_dump_json()))
    signed = passport.model_copy(update={"passport_sha256": digest})
    write_text(layout.passport, signed.model_dump_json(indent=2) + "\n")
    return signed
