"""Writing the passport: the one place where what was claimed is tied to what proves it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ml_engineer.project.approvals import approval_faults, load_approvals
from ml_engineer.project.definition import load_problem
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import read_passport, save_passport
from ml_engineer.project.records import find_record, load_record
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.passports.numbers import reported_numbers
from ml_engineer.verbs.passports.sections import (
    champion_section,
    data_section,
    gate_section,
    ledger_section,
    problem_section,
)
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import Waivers
from ml_engineer.vocabulary.passport import Passport, PassportFile
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["update_passport"]

_BEGINS = "train"
"""The verb that starts a passport: a new champion has new proofs."""


def update_passport(layout: ProjectLayout, *, written_by: str, wrote: Iterable[Path] = ()) -> Passport:
    """Write the passport anew from the records.

    Hashes are taken of the files that the verb just wrote. Of all others the hash of the passport before is kept, so
    that a file that was changed by hand in between does not become right by being overlooked. `train` takes all of
    them, for a new champion has new proofs.

    Parameters
    ----------
    layout : ProjectLayout
        The project.
    written_by : str
        The verb.
    wrote : iterable of pathlib.Path
        Files that it wrote; those that do not exist are left out.

    Raises
    ------
    ProjectStateError
        If a record is missing or cannot be read, or the passport cannot be written.
    """
    before = read_passport(layout)
    earlier = None if written_by == _BEGINS or before.fault else before.passport
    problem, split = load_problem(layout), load_record(layout, SplitPlan)
    training = find_record(layout, TrainingRun)
    tally = load_tally(layout).of_rows(split.development_sha256)
    notes = () if earlier is None else earlier.notes
    if before.passport is not None and before.fault and written_by != _BEGINS:
        notes = (f"{written_by} wrote it anew, because the one before did not add up: {before.fault}",)
    ledger = ledger_section(layout, problem, split)
    if before.passport is not None and before.passport.problem.deal_id == split.deal_id:
        counted = before.passport.ledger.looks
        if counted > ledger.looks:
            notes = (*notes, f"The passport before counted {counted} looks, and the ledger now holds {ledger.looks}.")
    passport = Passport(
        ml_engineer=version("ml-engineer"),
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        written_by=written_by,
        begun_by=written_by if earlier is None else earlier.begun_by,
        notes=notes,
        data=data_section(layout, split),
        problem=problem_section(problem, split),
        ledger=ledger,
        champion=None if training is None else champion_section(training, tally),
        environment=None if training is None else training.environment,
        numbers=reported_numbers(layout),
        gate=None if training is None else gate_section(layout, training),
        waivers=waivers.waivers if (waivers := find_record(layout, Waivers)) else (),
        approvals=() if approval_faults(layout) else load_approvals(layout),
        files=_files(layout, training, earlier, written_by=written_by, wrote={path.resolve() for path in wrote}),
    )
    return save_passport(layout, passport)


def _files(
    layout: ProjectLayout,
    training: TrainingRun | None,
    earlier: Passport | None,
    *,
    written_by: str,
    wrote: set[Path],
) -> tuple[PassportFile, ...]:
    found = []
    for path, in_repository in _proofs(layout, training):
        kept = None if earlier is None else earlier.file(layout.relative(path))
        if kept is not None and path.resolve() not in wrote:
            found.append(kept)
        elif path.is_file():
            sha256 = file_sha256(path)
            relative = layout.relative(path)
            found.append(PassportFile(path=relative, sha256=sha256, written_by=written_by, in_repository=in_repository))
    return tuple(found)


def _proofs(layout: ProjectLayout, training: TrainingRun | None) -> list[tuple[Path, bool]]:
    """Files that claims rest on, and whether they go into version control."""
    # Not the tally: a run that was cancelled later is no fault of the champion's. Its counts are claims of their own.
    kinds = ("profile", "problem", "split", "training", "evaluation", "guardrails", "waivers")
    proofs = [(layout.records / f"{kind}.json", True) for kind in kinds]
    proofs += [(layout.problem_yaml, True), (layout.contract_yaml, True), (layout.raw_manifest, True)]
    proofs += [(layout.approvals, True), (layout.evaluation_html, True)]
    evaluation = find_record(layout, EvaluationReport)
    if evaluation is not None:  # its page is made from them, each time that it is written
        proofs += [(layout.root / plot.path, True) for plot in evaluation.plots]
    proofs += [(layout.reports / name, True) for name in ("guardrails.md", "search.md")]
    proofs += [(layout.development, False), (layout.folds, False)]
    if training is not None:
        proofs += [
            (layout.features_py, True),
            (layout.champion_py, True),
            (layout.champion_manifest, True),
            (layout.root / training.champion.model_path, False),
            (layout.run_dir(training.run_id) / "record.json", True),
            (layout.out_of_fold(training.run_id), False),
            (layout.candidate_predictions(training.run_id), False),
            (layout.known_answers(training.run_id), False),
        ]
        if training.text_model is not None:
            kept = layout.root / training.text_model.path
            proofs += [(path, False) for path in sorted(kept.rglob("*")) if path.is_file()]
        if training.foundation_model is not None:
            proofs.append((layout.root / training.foundation_model.path, False))
    return proofs
