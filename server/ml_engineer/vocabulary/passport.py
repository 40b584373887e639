"""What is claimed of a champion, and what proves each claim: one file that anybody can check again."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar, Literal

from pydantic import Field

from ml_engineer.vocabulary.approvals import Approval
from ml_engineer.vocabulary.estimates import Estimate, Metric
from ml_engineer.vocabulary.guardrails import Outcome, Stage, Verdict, Waiver
from ml_engineer.vocabulary.problem import SplitStrategy, TaskType
from ml_engineer.vocabulary.records import Record, StoredRecord
from ml_engineer.vocabulary.training import Environment

__all__ = [
    "Passport",
    "PassportChampion",
    "PassportData",
    "PassportFile",
    "PassportFinding",
    "PassportGate",
    "PassportLedger",
    "PassportNumber",
    "PassportProblem",
    "Proof",
    "passport_sha256",
]


class PassportFile(Record):
    """A file that a claim rests on."""

    path: str = Field(description="Relative to the project, with forward slashes.")
    sha256: str = Field(description="Hash of its bytes when the verb that wrote it was done.")
    written_by: str = Field(description="The verb after which the hash was taken.")
    in_repository: bool = Field(description="Whether it goes into version control; other files are absent in a clone.")


class PassportNumber(Record):
    """A number that was reported, and the place that proves it."""

    name: str = Field(description="What it is, e.g. 'held_out.roc_auc'.")
    estimate: Estimate = Field(description="The number with its interval.")
    artefact: str = Field(description="File that holds it, relative to the project.")
    place: str = Field(description="Where in that file: keys and places joined by dots.")


class PassportData(Record):
    """The rows behind the model."""

    source: str = Field(description="Where the table came from.")
    table_sha256: str = Field(description="Content fingerprint of the table that was dealt.")
    development_sha256: str = Field(description="Fingerprint of the development rows.")
    held_out_sha256: str = Field(description="Fingerprint of the sealed rows.")
    development_rows: int = Field(ge=0, description="Rows to learn from.")
    held_out_rows: int = Field(ge=0, description="Sealed rows.")


class PassportProblem(Record):
    """What is predicted, and how rows were dealt."""

    title: str = Field(description="Name of the problem.")
    target: str = Field(description="Column that is predicted.")
    task_type: TaskType = Field(description="Kind of task.")
    primary_metric: Metric = Field(description="The number that decides.")
    split: SplitStrategy = Field(description="How the held-out rows were dealt.")
    deal_id: str = Field(description="Name of the deal.")
    content_sha256: str = Field(description="Content hash of the problem, a person's edits included.")


class PassportLedger(Record):
    """How far the ledger of looks had come."""

    entries: int = Field(ge=0, description="Entries of this deal.")
    head_sha256: str = Field(description="Hash of the last entry; empty if there is none.")
    looks: int = Field(ge=0, description="Models that the held-out rows had judged.")
    look_budget: int = Field(ge=1, description="How many the problem allows.")


class PassportChampion(Record):
    """The model."""

    run_id: str = Field(description="The training run it comes from.")
    name: str = Field(description="Name of the winning candidate.")
    family: str = Field(description="Kind of model.")
    trained_at: str = Field(description="Time, ISO 8601 UTC.")
    model_path: str = Field(description="Model file, relative to the project.")
    model_sha256: str = Field(description="Hash of the model file.")
    code_sha256: str = Field(description="Hash of champion.py.")
    features_sha256: str = Field(description="Hash of features.py.")
    candidates_tried: int = Field(ge=0, description="Candidates tried on these development rows, in all runs.")
    runs: int = Field(ge=0, description="Training runs on these development rows.")


class PassportFinding(Record):
    """A finding that did not pass."""

    code: str = Field(description="Code of the check.")
    title: str = Field(description="What the check is about.")
    outcome: Outcome = Field(description="What came of it.")
    blocks: bool = Field(description="Whether it blocks at the stage.")


class PassportGate(Record):
    """What the guardrails said of this champion."""

    stage: Stage = Field(description="Stage they were checked for.")
    verdict: Verdict = Field(description="'block' forbids the stage.")
    checked_at: str = Field(description="Time, ISO 8601 UTC.")
    findings: tuple[PassportFinding, ...] = Field(default=(), description="Findings that did not pass.")


class Passport(StoredRecord):
    """What is claimed of the champion; lies as ``passport.json`` at the top of the project."""

    kind: ClassVar[str] = "passport"

    ml_engineer: str = Field(description="Version of ml-engineer that wrote it.")
    written_at: str = Field(description="Time, ISO 8601 UTC.")
    written_by: str = Field(description="The verb that wrote it last.")
    begun_by: str = Field(
        description="The verb that wrote it first. Any but train took the files of earlier verbs as they lay there."
    )
    notes: tuple[str, ...] = Field(default=(), description="What a reader should know of the passport itself.")
    data: PassportData = Field(description="The rows behind the model.")
    problem: PassportProblem = Field(description="What is predicted.")
    ledger: PassportLedger = Field(description="How far the ledger of looks had come.")
    champion: PassportChampion | None = Field(default=None, description="The model; null before training.")
    environment: Environment | None = Field(default=None, description="What it was made with.")
    numbers: tuple[PassportNumber, ...] = Field(default=(), description="Every number that was reported.")
    gate: PassportGate | None = Field(
        default=None, description="The guardrails' verdict on this champion; null if they were not checked since."
    )
    waivers: tuple[Waiver, ...] = Field(default=(), description="Overrides in force, with names and reasons.")
    approvals: tuple[Approval, ...] = Field(default=(), description="Who let which model go live, oldest first.")
    files: tuple[PassportFile, ...] = Field(default=(), description="The files that the claims rest on.")
    passport_sha256: str = Field(default="", description="Hash over all other fields, see `passport_sha256`.")

    def file(self, path: str) -> PassportFile | None:
        """The file at a path, if a claim rests on it."""
        return next((file for file in self.files if file.path == path), None)


def passport_sha256(document: dict[str, Any]) -> str:
    """Hash (hex) of a passport as parsed from JSON: all fields but the hash itself, keys sorted, ASCII, no blanks.

    It finds a careless edit. It cannot stop somebody who computes it anew: that is what `verify` is for, which
    compares every claim with its proof and the ledger outside the project.
    """
    fields = {key: value for key, value in document.items() if key != "passport_sha256"}
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class Proof(Record):
    """What came of verifying one claim."""

    claim: str = Field(description="What was claimed, in words.")
    outcome: Literal["proved", "failed", "not_checked"] = Field(description="What came of it.")
    found: str = Field(default="", description="What was found, with names and numbers; empty if proved.")
