"""Writing the passport: the one place where what was claimed is tied to what proves it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ml_engineer import seal
from ml_engineer.project.approvals import approval_faults, load_approvals
from ml_engineer.project.definition import load_problem
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import read_passport, save_passport
from ml_engineer.project.records import find_record, load_record
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.passport_numbers import reported_numbers
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport, Waivers
from ml_engineer.vocabulary.passport import (
    Passport,
    PassportChampion,
    PassportData,
    PassportFile,
    PassportFinding,
    PassportGate,
    PassportLedger,
    PassportProblem,
)
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import Tally
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
    ledger = _ledger(layout, problem, split)
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
        data=_data(layout, split),
        problem=_problem(problem, split),
        ledger=ledger,
        champion=None if training is None else _champion(training, tally),
        environment=None if training is None else training.environment,
        numbers=reported_numbers(layout),
        gate=None if training is None else _gate(layout, training),
        waivers=waivers.waivers if (waivers := find_record(layout, Waivers)) else (),
        approvals=() if approval_faults(layout) else load_approvals(layout),
        files=_files(layout, training, earlier, written_by=written_by, wrote={path.resolve() for path in wrote}),
    )
    return save_passport(layout, passport)


def _data(layout: ProjectLayout, split: SplitPlan) -> PassportData:
    profile = find_record(layout, DataProfile)
    source = "" if profile is None else profile.source.path or "a query"
    return PassportData(source=Path(source).name, **{name: getattr(split, name) for name in _FROM_SPLIT})


_FROM_SPLIT = ("table_sha256", "development_sha256", "held_out_sha256", "development_rows", "held_out_rows")


def _problem(problem: ProblemDefinition, split: SplitPlan) -> PassportProblem:
    return PassportProblem(
        title=problem.title,
        target=problem.target,
        task_type=problem.task_type,
        primary_metric=problem.primary_metric,
        split=split.definition.strategy,
        deal_id=split.deal_id,
        content_sha256=problem.content_hash(),
    )


def _ledger(layout: ProjectLayout, problem: ProblemDefinition, split: SplitPlan) -> PassportLedger:
    chain = seal.ledger_chain(split.deal_id, project_ledger=layout.ledger)
    return PassportLedger(
        entries=len(chain),
        head_sha256=chain[-1].entry_sha256 if chain else "",
        looks=seal.count_looks(split.deal_id, project_ledger=layout.ledger),
        look_budget=problem.look_budget,
    )


def _champion(training: TrainingRun, tally: Tally) -> PassportChampion:
    champion = training.champion
    return PassportChampion(
        run_id=training.run_id,
        name=champion.name,
        family=champion.family,
        trained_at=training.started_at,
        model_path=champion.model_path,
        model_sha256=champion.model_sha256,
        code_sha256=champion.code_sha256,
        features_sha256=champion.features_sha256,
        candidates_tried=tally.candidates,
        runs=len(tally.runs),
    )


def _gate(layout: ProjectLayout, training: TrainingRun) -> PassportGate | None:
    """What the guardrails said, if it was said of this champion after its last evaluation, with a stage beyond train."""
    report, evaluation = find_record(layout, GuardrailReport), find_record(layout, EvaluationReport)
    if report is None or report.stage == "train":
        return None
    known = {record.kind: record.content_hash() for record in (training, evaluation) if record is not None}
    if any(report.parents.get(kind) != content_hash for kind, content_hash in known.items()):
        return None
    return PassportGate(
        stage=report.stage,
        verdict=report.verdict,
        checked_at=report.checked_at,
        findings=tuple(
            PassportFinding(code=each.code, title=each.title, outcome=each.outcome, blocks=each.blocks)
            for each in report.findings
            if each.outcome not in ("passed", "not_applicable")
        ),
    )


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
    proofs += [(layout.problem_yaml, True), (layout.approvals, True)]
    proofs += [(layout.evaluation_html, True)]
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
    return proofs
