"""What is claimed of the champion, held against what was written down: for the checks before it is used."""

from __future__ import annotations

from ml_engineer import seal
from ml_engineer.guardrails import ClaimFacts
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import read_passport
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.passports.proofs import scores_apart
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.passport import Passport
from ml_engineer.vocabulary.split import SplitPlan

__all__ = ["gather_claims"]

_HELD_TO_THEIR_HASH = ("experiments/records/", "reports/")


def gather_claims(layout: ProjectLayout, split: SplitPlan, evaluation: EvaluationReport | None) -> ClaimFacts:
    """Compare ledger, tally, passport, records and reports with each other."""
    chain = seal.ledger_chain(split.deal_id, project_ledger=layout.ledger)
    here = [entry for entry in chain if entry.project == seal.project_mark(layout.ledger)]
    reading = read_passport(layout)
    passport = reading.passport
    return ClaimFacts(
        clock=seal.clock_problems(split.deal_id, project_ledger=layout.ledger),
        tried=load_tally(layout).candidates,
        tried_at_looks=max((entry.candidates for entry in here), default=0),
        looks_claimed=0 if passport is None or passport.problem.deal_id != split.deal_id else passport.ledger.looks,
        passport=reading.fault,
        changed=() if passport is None else _changed(layout, passport),
        scores_apart=() if evaluation is None else scores_apart(evaluation, chain),
    )


def _changed(layout: ProjectLayout, passport: Passport) -> tuple[str, ...]:
    """Records and reports that are missing or have another hash than the passport says."""
    files = [file for file in passport.files if file.path.startswith(_HELD_TO_THEIR_HASH)]
    paths = {file.path: layout.root / file.path for file in files}
    return tuple(
        file.path for file in files if not paths[file.path].is_file() or file_sha256(paths[file.path]) != file.sha256
    )
