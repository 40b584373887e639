"""Proving the numbers of a grouping or a detector by computing them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isclose

import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer import seal
from ml_engineer.errors import SealError
from ml_engineer.project.development import Development
from ml_engineer.project.records import find_record
from ml_engineer.statistics.metrics import metric_value
from ml_engineer.unsupervised.choosing import labelled_outcomes
from ml_engineer.unsupervised.rows import LookedAt
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.verbs.signature import who_acts
from ml_engineer.verbs.unsupervised.evaluation import look_at_sealed
from ml_engineer.verbs.unsupervised.rows import known_labels
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.passport import Proof

__all__ = ["prove_structure"]

_TOLERANCE = 1e-6


def prove_structure(champion: LoadedChampion, development: Development) -> Iterator[Proof]:
    """The cross-validated score from what is stored of each row, and held-out numbers where the vault is here.

    Yields
    ------
    Proof
        One a claim.
    """
    yield _cross_validated(champion, development)
    report = find_record(champion.layout, EvaluationReport)
    if report is not None and report.model_sha256 == champion.training.champion.model_sha256:
        yield _held_out(champion, development, report)


def _cross_validated(champion: LoadedChampion, development: Development) -> Proof:
    recorded, metric = champion.training.champion.score, champion.training.leaderboard.metric
    claim = f"cross-validated {metric} {recorded.value:.6g} follows from what is stored of each row"
    path = champion.layout.root / champion.training.out_of_fold_path
    if not path.exists():
        return Proof(claim=claim, outcome="not_checked", found=f"{champion.training.out_of_fold_path} is not here")
    table = pd.read_parquet(path)
    if metric in {"silhouette", "planted_roc_auc"}:
        mine = float(table["value"].mean())
    else:
        labels = known_labels(champion.problem, development.frame)
        scores = table.set_index("row")["predicted"].reindex(development.frame.index)
        if labels is None:
            return Proof(claim=claim, outcome="failed", found="no known anomalies are there to judge by")
        rows = LookedAt(development.frame, (), ())
        mine = metric_value(metric, labelled_outcomes(scores.to_numpy(float), rows, labels))
    if isclose(mine, recorded.value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        return Proof(claim=claim, outcome="proved")
    return Proof(claim=claim, outcome="failed", found=f"computed again: {mine:.6g}, recorded: {recorded.value:.6g}")


def _held_out(champion: LoadedChampion, development: Development, report: EvaluationReport) -> Proof:
    claim = f"held-out {report.primary_metric} {report.primary.model.value:.6g} follows from the sealed rows"
    if not seal.knows_deal(report.deal_id):
        found = "the vault is on the machine that dealt the rows, and not here"
        return Proof(claim=claim, outcome="not_checked", found=found)
    try:
        frame = seal.open_again(
            report.deal_id,
            project_ledger=champion.layout.ledger,
            model_sha256=report.model_sha256,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            who=who_acts(),
        )
    except SealError as error:
        return Proof(claim=claim, outcome="failed", found=str(error))
    with threadpool_limits(limits=1):
        again = {result.metric: result.model.value for result in look_at_sealed(champion, development, frame).metrics}
    other = [
        result.metric
        for result in report.metrics
        if not isclose(
            again.get(result.metric, float("nan")), result.model.value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
        )
    ]
    if other:
        return Proof(claim=claim, outcome="failed", found=f"other values of {', '.join(other)}")
    return Proof(claim=claim, outcome="proved")
