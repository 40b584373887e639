"""The answer that the sealed rows gave to this very model before: given again only as it was written."""

from __future__ import annotations

from ml_engineer import seal
from ml_engineer.project.files import file_sha256
from ml_engineer.project.passport_file import read_passport
from ml_engineer.project.records import find_record
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.verbs.passports.proofs import scores_apart
from ml_engineer.vocabulary.evaluation import EvaluationReport

__all__ = ["parents_of", "stored_answer"]


def stored_answer(champion: LoadedChampion) -> tuple[EvaluationReport | None, str]:
    """The report of the same model on the same rows if there is one, or in a sentence why it is not to be believed."""
    layout = champion.layout
    report = find_record(layout, EvaluationReport)
    if report is None or report.parents != parents_of(champion):
        return None, ""
    if report.model_sha256 != champion.training.champion.model_sha256 or report.deal_id != champion.split.deal_id:
        return None, ""
    path = layout.records / f"{report.kind}.json"
    passport = read_passport(layout).passport
    claimed = None if passport is None else passport.file(layout.relative(path))
    apart = scores_apart(report, seal.ledger_chain(report.deal_id, project_ledger=layout.ledger))
    if apart or (claimed is not None and claimed.sha256 != file_sha256(path)):
        why = f"is not what the ledger holds ({'; '.join(apart)})" if apart else "was changed since it was written"
        return None, f"The stored evaluation {why}; the model was scored again on the same rows, which is no new look"
    return report.model_copy(update={"repeated": True}), ""


def parents_of(champion: LoadedChampion) -> dict[str, str]:
    """Content hashes of the records that an evaluation of the champion is made from, by kind."""
    records = (champion.problem, champion.split, champion.training)
    return {record.kind: record.content_hash() for record in records}
