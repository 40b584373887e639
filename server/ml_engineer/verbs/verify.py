"""Check everything that is claimed of the champion against what proves it."""

from __future__ import annotations

from pathlib import Path

from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.passport_file import read_passport
from ml_engineer.verbs.passports.proofs import prove_by_files
from ml_engineer.verbs.passports.recomputation import prove_by_computing
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.passport import Passport, Proof
from ml_engineer.vocabulary.replies import VerifyReply
from ml_engineer.vocabulary.requests import VerifyRequest

__all__ = ["verify"]

_MOST_LINES = 12
_MOST_CHARACTERS = 300


def verify(request: VerifyRequest, context: WorkContext) -> VerifyReply:
    """Hold the passport against files, records and ledger and, if asked for all of it, against the model and the rows.

    The verdict is 'valid' if nothing failed. What cannot be checked here, as model and rows on a clone, is listed and
    does not fail; a passport that is missing does.

    Raises
    ------
    ProjectStateError
        If a record cannot be read.
    """
    layout = ProjectLayout(Path(request.project_dir))
    context.report("reading the passport", 0.0)
    reading = read_passport(layout)
    proofs = [_passport_itself(reading.fault)]
    if reading.passport is not None:
        context.report("comparing files, records and ledger", 0.1)
        proofs += prove_by_files(layout, reading.passport)
        if request.full:
            context.report("computing the numbers again", 0.4)
            proofs += prove_by_computing(layout, reading.passport)
    return _reply(layout, proofs, reading.passport, full=request.full)


def _passport_itself(fault: str) -> Proof:
    claim = "passport.json is as it was written"
    if not fault:
        return Proof(claim=claim, outcome="proved")
    return Proof(claim=claim, outcome="failed", found=fault)


def _reply(layout: ProjectLayout, proofs: list[Proof], passport: Passport | None, *, full: bool) -> VerifyReply:
    failed = [proof for proof in proofs if proof.outcome == "failed"]
    unchecked = [proof for proof in proofs if proof.outcome == "not_checked"]
    proved = sum(proof.outcome == "proved" for proof in proofs)
    summary = f"{proved} of {len(proofs)} claims proved"
    summary += f", {len(failed)} failed" if failed else ""
    summary += f", {len(unchecked)} cannot be checked here" if unchecked else ""
    if failed:
        summary += f". First: {failed[0].claim}: {failed[0].found}"
    return VerifyReply(
        status="done",
        summary=f"{'Not valid' if failed else 'Valid'}: {summary}.".replace("..", "."),
        warnings=_warnings(passport),
        next_step=_next_step(failed, passport, full=full),
        artifacts={"passport": str(layout.passport)} if passport is not None else {},
        project_dir=str(layout.root),
        verdict="invalid" if failed else "valid",
        full=full,
        proved=proved,
        failed=_lines(failed),
        not_checked=_lines(unchecked),
    )


def _lines(proofs: list[Proof]) -> list[str]:
    lines = [f"{proof.claim}: {proof.found}"[:_MOST_CHARACTERS] for proof in proofs[:_MOST_LINES]]
    more = len(proofs) - len(lines)
    return [*lines, *([f"and {more} more"] if more else [])]


def _warnings(passport: Passport | None) -> list[str]:
    if passport is None:
        return []
    found = list(passport.notes)
    if passport.begun_by != "train":
        found.append(
            f"The passport was begun by {passport.begun_by}, not by train: what lay in the project then was taken as "
            "it was."
        )
    return found


def _next_step(failed: list[Proof], passport: Passport | None, *, full: bool) -> str:
    if passport is None:
        return "Call train: it begins the passport; evaluate and check_guardrails add to it"
    if failed:
        return (
            "Put back what was changed (version control), or call the verb that writes it again: train, evaluate, "
            "check_guardrails. Take numbers out of documents that no record holds"
        )
    return "Nothing to do" if full else "With full=true the numbers are computed again too"
