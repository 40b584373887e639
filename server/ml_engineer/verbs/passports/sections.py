"""The sections of a passport, made from the records: by whoever writes it, and by whoever verifies it."""

from __future__ import annotations

from pathlib import Path

from ml_engineer import seal
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.passport import (
    PassportChampion,
    PassportData,
    PassportFinding,
    PassportGate,
    PassportLedger,
    PassportProblem,
)
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.tally import Tally
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["champion_section", "data_section", "gate_section", "ledger_section", "problem_section"]


def data_section(layout: ProjectLayout, split: SplitPlan) -> PassportData:
    """The rows behind the model, as profile and deal record them."""
    profile = find_record(layout, DataProfile)
    source = "" if profile is None else profile.source.path or "a query"
    return PassportData(source=Path(source).name, **{name: getattr(split, name) for name in _FROM_SPLIT})


_FROM_SPLIT = ("table_sha256", "development_sha256", "held_out_sha256", "development_rows", "held_out_rows")


def problem_section(problem: ProblemDefinition, split: SplitPlan) -> PassportProblem:
    """What is predicted, as the problem has it."""
    return PassportProblem(
        title=problem.title,
        target=problem.target,
        task_type=problem.task_type,
        primary_metric=problem.primary_metric,
        split=split.definition.strategy,
        deal_id=split.deal_id,
        content_sha256=problem.content_hash(),
    )


def ledger_section(layout: ProjectLayout, problem: ProblemDefinition, split: SplitPlan) -> PassportLedger:
    """How far the ledger has come by now."""
    chain = seal.ledger_chain(split.deal_id, project_ledger=layout.ledger)
    return PassportLedger(
        entries=len(chain),
        head_sha256=chain[-1].entry_sha256 if chain else "",
        looks=seal.count_looks(split.deal_id, project_ledger=layout.ledger),
        look_budget=problem.look_budget,
    )


def champion_section(training: TrainingRun, tally: Tally) -> PassportChampion:
    """The model, as the training record has it; candidates and runs as the tally counts them."""
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


def gate_section(layout: ProjectLayout, training: TrainingRun) -> PassportGate | None:
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
