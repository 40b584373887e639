"""Let a person's approval put a champion into use, or an earlier one back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ml_engineer import tracking
from ml_engineer.errors import InputError
from ml_engineer.project.approvals import approve, load_approvals
from ml_engineer.project.definition import load_problem
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.promoted import keep_promoted, load_promoted, put_back
from ml_engineer.project.records import load_record, refuse_stale
from ml_engineer.verbs.champion import load_champion
from ml_engineer.verbs.check_guardrails import check_guardrails
from ml_engineer.verbs.forecasting.champion import load_forecast_champion
from ml_engineer.verbs.passports.proofs import prove_by_files
from ml_engineer.verbs.passports.writing import update_passport
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.approvals import Approval
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.guardrails import GuardrailReport
from ml_engineer.vocabulary.replies import PromoteReply
from ml_engineer.vocabulary.requests import CheckGuardrailsRequest, PromoteRequest
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["promote"]


@dataclass(frozen=True)
class _Decision:
    """A person's word, without which nothing is put into use."""

    name: str
    reason: str


def promote(request: PromoteRequest, context: WorkContext) -> PromoteReply:
    """Move the registry's alias ``champion``, and write down who approved it and why.

    The guardrails are checked for the stage and the passport is verified before anything is moved; what blocks or
    fails refuses. Going back puts an earlier champion's files, code and records in place again, and is approved and
    written down in the same way.

    Raises
    ------
    InputError
        If name or reason say nothing, or there is no such run to go back to.
    ProjectStateError
        If there is no champion, the log of approvals does not add up, or MLflow cannot be used.
    """
    layout = ProjectLayout(Path(request.project_dir))
    decision = _Decision(_told(request.approved_by, "approved_by", 2), _told(request.reason, "reason", 10))
    approvals = load_approvals(layout)
    if request.rollback or request.to is not None:
        return _go_back(layout, approvals, decision, to=request.to, context=context)
    context.report("checking the guardrails", 0.0)
    forecasting = load_problem(layout).task_type == "forecasting"
    training = load_forecast_champion(layout).training if forecasting else load_champion(layout).training
    gate = check_guardrails(CheckGuardrailsRequest(project_dir=request.project_dir, stage=request.stage), context)
    if gate.verdict == "block":
        return PromoteReply(
            status="refused",
            summary=f"Nothing was promoted. {gate.summary}",
            findings=gate.findings,
            next_step=gate.next_step,
            project_dir=str(layout.root),
            verdict=gate.verdict,
        )
    context.report("verifying what is claimed", 0.6)
    passport = update_passport(layout, written_by="promote")
    failed = [proof for proof in prove_by_files(layout, passport) if proof.outcome == "failed"]
    if failed:
        return PromoteReply(
            status="refused",
            summary=f"Nothing was promoted: {failed[0].claim}: {failed[0].found}",
            warnings=[f"{proof.claim}: {proof.found}"[:300] for proof in failed[1:5]],
            next_step="Call verify, put back what was changed, then promote again",
            project_dir=str(layout.root),
        )
    context.report("moving the alias", 0.8)
    keep_promoted(layout, training.run_id)
    return _put_into_use(layout, training, approvals, decision, event="promote")


def _told(text: str, what: str, least: int) -> str:
    line = " ".join(text.split())
    if len(line) < least:
        raise InputError(
            f"{what} says nothing",
            found=f"{len(line)} characters",
            remedy=f"Give {what} in at least {least} characters; it is kept in the log of approvals",
        )
    return line


def _go_back(
    layout: ProjectLayout,
    approvals: tuple[Approval, ...],
    decision: _Decision,
    *,
    to: str | None,
    context: WorkContext,
) -> PromoteReply:
    run_id = to or _run_before(approvals)
    promoted = list(dict.fromkeys(approval.run_id for approval in approvals))
    if run_id not in promoted:
        raise InputError(
            f"{run_id} was never promoted",
            found=f"promoted were {', '.join(promoted)}" if promoted else "no run was promoted yet",
            remedy="Name a run of this list, or promote the present champion",
        )
    context.report(f"putting {run_id} back", 0.3)
    record = load_promoted(layout, run_id)
    refuse_stale(layout, record, load_problem(layout), load_record(layout, SplitPlan))
    put_back(layout, run_id)
    context.report("checking the guardrails", 0.5)
    stage = next(approval.stage for approval in reversed(approvals) if approval.run_id == run_id)
    gate = check_guardrails(CheckGuardrailsRequest(project_dir=str(layout.root), stage=stage), context)
    context.report("moving the alias", 0.8)
    reply = _put_into_use(layout, record, approvals, decision, event="rollback")
    if gate.verdict != "block":
        return reply
    told = f"The guardrails block it now, so the service will not serve it. {gate.summary}"
    return reply.model_copy(update={"warnings": [told], "findings": gate.findings, "next_step": gate.next_step})


def _run_before(approvals: tuple[Approval, ...]) -> str:
    """The run that was in use before the present one."""
    present = approvals[-1].run_id if approvals else ""
    earlier = [approval.run_id for approval in approvals if approval.run_id != present]
    if not earlier:
        raise InputError(
            "There is no earlier champion to go back to",
            found=f"{present} is the only one that was promoted" if present else "nothing was promoted yet",
            remedy="Promote another champion, or stop the service",
        )
    return earlier[-1]


def _put_into_use(
    layout: ProjectLayout,
    training: TrainingRun,
    approvals: tuple[Approval, ...],
    decision: _Decision,
    *,
    event: Literal["promote", "rollback"],
) -> PromoteReply:
    title = load_problem(layout).title
    gate = load_record(layout, GuardrailReport)
    version = tracking.register_run(layout, title=title, mlflow_run_id=training.mlflow_run_id)
    model_sha256 = training.champion.model_sha256
    last = approvals[-1] if approvals else None
    again = last is not None and (last.run_id, last.model_sha256) == (training.run_id, model_sha256)
    entry = (
        last
        if again and last is not None
        else approve(
            layout,
            event=event,
            run_id=training.run_id,
            model_sha256=model_sha256,
            version=version,
            approved_by=decision.name,
            reason=decision.reason,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            who=who_acts(),
            stage=gate.stage,
            verdict=gate.verdict,
            waived=tuple(finding.code for finding in gate.findings if finding.outcome == "waived"),
        )
    )
    tags = {"approved_by": entry.approved_by, "reason": entry.reason, "approved_at": entry.at, "event": entry.event}
    tracking.move_champion(layout, title=title, version=version, tags=tags)
    wrote = [layout.approvals]
    if event == "rollback":
        wrote += _what_came_back(layout, training)
    update_passport(layout, written_by="promote", wrote=wrote)
    return _reply(layout, entry, last, again=again)


def _what_came_back(layout: ProjectLayout, training: TrainingRun) -> list[Path]:
    records = [layout.records / f"{kind}.json" for kind in ("training", "evaluation", "guardrails")]
    files = [layout.champion_py, layout.champion_manifest, layout.root / training.champion.model_path]
    run = [
        layout.run_dir(training.run_id) / "record.json",
        layout.out_of_fold(training.run_id),
        layout.candidate_predictions(training.run_id),
        layout.known_answers(training.run_id),
    ]
    return [*records, *files, *run]


def _reply(layout: ProjectLayout, entry: Approval, last: Approval | None, *, again: bool) -> PromoteReply:
    before = None if last is None or last.run_id == entry.run_id else last.run_id
    words = (
        "is in use already" if again else "is the champion in use" if entry.event == "promote" else "is in use again"
    )
    return PromoteReply(
        status="done",
        summary=f"{entry.run_id} {words} (version {entry.version}), approved by {entry.approved_by}: "
        f"{entry.reason.rstrip('.')}." + (f" Before it: {before}." if before else ""),
        next_step="Start the service anew, so that it loads this model; `promote` with rollback=true goes back"
        if before
        else "Start the service; run the monitor once predictions were logged",
        artifacts={"approvals": str(layout.approvals), "passport": str(layout.passport)},
        project_dir=str(layout.root),
        run_id=entry.run_id,
        version=entry.version,
        approved_by=entry.approved_by,
        before=before,
        verdict=entry.verdict,
    )
