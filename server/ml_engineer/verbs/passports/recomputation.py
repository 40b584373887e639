"""Proving a passport's numbers by computing them again, from stored predictions and the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isclose, isfinite
from pathlib import Path

from ml_engineer import seal
from ml_engineer.errors import MlEngineerError, SealError
from ml_engineer.project.development import Development, load_development
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, load_record
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.verbs.champion import LoadedChampion, load_champion
from ml_engineer.verbs.evaluating.honest_score import honest_score
from ml_engineer.verbs.evaluating.rows import held_out_outcomes, out_of_fold_outcomes
from ml_engineer.verbs.forecasting.recomputation import prove_forecast_by_computing
from ml_engineer.verbs.passports.known_answers import differing_answers
from ml_engineer.verbs.signature import who_acts
from ml_engineer.verbs.unsupervised.proofs import prove_structure
from ml_engineer.vocabulary.data import DataProfile
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.passport import Passport, Proof

__all__ = ["prove_by_computing"]

_TOLERANCE = 1e-6
"""Another machine adds up in another order; what is shown has fewer digits."""


def prove_by_computing(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """Scores from predictions, answers from the model, held-out scores from the sealed rows where the vault is here.

    Opening the sealed rows again for a model that was looked at is written into the ledger as a check, and says no
    more than whether its score is the recorded one: it is no look.

    Yields
    ------
    Proof
        One a claim.
    """
    if passport.champion is None:
        return
    yield from _in_use(layout, passport)
    if passport.problem.task_type == "forecasting":
        yield from prove_forecast_by_computing(layout, passport)
        return
    claim = "the champion can be loaded, with the rows and the code that it was made from"
    try:
        champion = load_champion(layout)
        development = load_development(layout, champion.split)
    except MlEngineerError as error:
        files = (layout.root / passport.champion.model_path, layout.development)
        absent = any(not path.exists() for path in files)
        yield Proof(claim=claim, outcome="not_checked" if absent else "failed", found=str(error))
        return
    yield Proof(claim=claim, outcome="proved")
    yield _source(layout)
    yield _rows(champion, development)
    yield _answers(champion, development)
    if not champion.problem.learns_target:
        yield from prove_structure(champion, development)
        return
    yield _cross_validated(champion, development)
    report = find_record(layout, EvaluationReport)
    if report is not None and report.model_sha256 == champion.training.champion.model_sha256:
        yield from _corrected(champion, development, report)
        yield _held_out(champion, report)


def _in_use(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """The registry's alias stands for what was approved last, and for nothing that nobody approved."""
    from ml_engineer import tracking  # MLflow takes seconds

    if not layout.tracking_db.exists():
        if passport.approvals:
            found = "MLflow's store is not kept in version control and not here"
            yield Proof(claim="the alias 'champion' stands for the approved model", outcome="not_checked", found=found)
        return
    alias = tracking.find_champion(layout, title=passport.problem.title)
    approved = passport.approvals[-1].version if passport.approvals else None
    claim = "the alias 'champion' stands for the approved model" if approved else "no alias was set without approval"
    version = None if alias is None else alias.version
    if version == approved:
        yield Proof(claim=claim, outcome="proved")
    else:
        found = f"it stands for version {version}, and approved was {approved or 'none'}"
        yield Proof(claim=claim, outcome="failed", found=found)


def _compared(claim: str, mine: float, recorded: float) -> Proof:
    if isclose(mine, recorded, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        return Proof(claim=claim, outcome="proved")
    return Proof(claim=claim, outcome="failed", found=f"computed again: {mine:.6g}, recorded: {recorded:.6g}")


def _source(layout: ProjectLayout) -> Proof:
    """Whether the table still lies where it was read from; data that live on are no fault of the champion's."""
    claim = "the source still holds the table that was dealt"
    files = load_record(layout, DataProfile).fingerprint.files
    if not files:
        return Proof(claim=claim, outcome="not_checked", found="the rows came from a query or a database")
    for name, sha256 in files.items():
        path = Path(name)
        if not path.is_file():
            return Proof(claim=claim, outcome="not_checked", found=f"{path.name} is not here")
        if file_sha256(path) != sha256:
            return Proof(claim=claim, outcome="not_checked", found=f"{path.name} has changed since it was read")
    return Proof(claim=claim, outcome="proved")


def _rows(champion: LoadedChampion, development: Development) -> Proof:
    claim = "the development rows are those that were dealt"
    same = seal.frame_sha256(development.frame) == champion.split.development_sha256
    found = "" if same else "their content has another fingerprint"
    return Proof(claim=claim, outcome="proved" if same else "failed", found=found)


def _answers(champion: LoadedChampion, development: Development) -> Proof:
    claim = "the model answers as it did after training"
    asked = differing_answers(champion, development.frame)
    if asked is None:
        return Proof(claim=claim, outcome="not_checked", found="no answers were kept when it was trained")
    rows, differing = asked
    if differing:
        return Proof(claim=claim, outcome="failed", found=f"{differing} of {rows} rows are answered otherwise")
    return Proof(claim=claim, outcome="proved")


def _cross_validated(champion: LoadedChampion, development: Development) -> Proof:
    recorded, metric = champion.training.champion.score, champion.training.leaderboard.metric
    claim = f"cross-validated {metric} {recorded.value:.6g} follows from the out-of-fold predictions"
    outcomes = out_of_fold_outcomes(champion, development)
    if outcomes is None:
        missing = f"{champion.training.out_of_fold_path} is not here"
        return Proof(claim=claim, outcome="not_checked", found=missing)
    return _compared(claim, metric_value(metric, outcomes), recorded.value)


def _corrected(champion: LoadedChampion, development: Development, report: EvaluationReport) -> Iterator[Proof]:
    honest = report.honest
    if honest is None or honest.corrected is None:
        return
    claim = f"corrected score {honest.corrected.value:.6g} follows from the candidates' predictions"
    again = honest_score(
        champion, development, metric=report.primary_metric, best=honest.best, looks_before=honest.looks_before
    )
    if again.corrected is None or again.compared < honest.compared:
        found = f"predictions of {again.compared} candidates are here, and it rests on {honest.compared}"
        yield Proof(claim=claim, outcome="not_checked", found=found)
    elif again.compared > honest.compared:
        found = "more was tried since; the next evaluation corrects for it"
        yield Proof(claim=claim, outcome="not_checked", found=found)
    else:
        yield _compared(claim, again.corrected.value, honest.corrected.value)


def _held_out(champion: LoadedChampion, report: EvaluationReport) -> Proof:
    claim = f"held-out {report.primary_metric} {report.primary.model.value:.6g} follows from the sealed rows"
    deal_id = report.deal_id
    if not seal.knows_deal(deal_id):
        found = "the vault is on the machine that dealt the rows, and not here"
        return Proof(claim=claim, outcome="not_checked", found=found)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        frame = seal.open_again(
            deal_id,
            project_ledger=champion.layout.ledger,
            model_sha256=report.model_sha256,
            now=now,
            who=who_acts(),
        )
    except SealError as error:
        return Proof(claim=claim, outcome="failed", found=str(error))
    outcomes = held_out_outcomes(champion, frame).outcomes
    other = [
        result.metric
        for result in report.metrics
        if not isclose(
            metric_value(result.metric, outcomes), result.model.value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
        )
        and isfinite(result.model.value)
    ]
    if other:
        return Proof(claim=claim, outcome="failed", found=f"other values of {', '.join(other)}")
    return Proof(claim=claim, outcome="proved")
