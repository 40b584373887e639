"""The model beside an earlier one, on the same held-out rows: paired, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ml_engineer import seal
from ml_engineer.errors import InputError
from ml_engineer.project.approvals import promoted_now
from ml_engineer.statistics.intervals import gain
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.vocabulary.estimates import Metric
from ml_engineer.vocabulary.evaluation import ChampionComparison

__all__ = ["compare_with_champion", "keep_for_comparison"]


def keep_for_comparison(champion: LoadedChampion, outcomes: Outcomes, rows: npt.NDArray[np.integer]) -> None:
    """Keep what the model said of the held-out rows, (h,), in the vault, so that the next one can be compared."""
    columns = [outcomes.predicted.astype(float).reshape(outcomes.rows, -1)]
    if outcomes.probabilities is not None:
        columns.append(np.asarray(outcomes.probabilities, dtype=float))
    seal.keep_answers(
        champion.split.deal_id,
        model_sha256=champion.training.champion.model_sha256,
        rows=rows,
        answers=np.hstack(columns),
    )


def compare_with_champion(
    champion: LoadedChampion, outcomes: Outcomes, rows: npt.NDArray[np.integer], *, metric: Metric, look: int
) -> ChampionComparison | None:
    """The gain over the promoted champion or, if none was promoted, over the model looked at last.

    Parameters
    ----------
    champion : LoadedChampion
        The model that is evaluated.
    outcomes : Outcomes
        Its answers to the h held-out rows.
    rows : numpy.ndarray of shape (h,)
        Row numbers of these rows.
    metric : Metric
        What decides.
    look : int
        How many models these rows have judged; the interval is widened for it.

    Returns
    -------
    ChampionComparison or None
        None if there is no earlier model whose answers to all of these rows were kept.
    """
    model_sha256 = champion.training.champion.model_sha256
    deal_id = champion.split.deal_id
    earlier = [
        model
        for model in seal.models_looked_at(deal_id, project_ledger=champion.layout.ledger)
        if model != model_sha256
    ]
    promoted = promoted_now(champion.layout)
    wanted = [promoted.model_sha256] if promoted is not None and promoted.model_sha256 in earlier else []
    for model in [*wanted, *reversed(earlier)]:
        answers = seal.find_answers(deal_id, model_sha256=model, rows=rows)
        theirs = None if answers is None else _outcomes(outcomes, answers)
        if theirs is None:
            continue
        try:
            found = gain(metric, outcomes, theirs, level=1 - 0.05 / look, seed=champion.training.seed)
        except InputError:  # undefined for one of them
            continue
        verdict = "better" if found.low > 0 else "worse" if found.high < 0 else "no_evidence"
        return ChampionComparison(
            model_sha256=model, promoted=model in wanted, metric=metric, gain=found, verdict=verdict
        )
    return None


def _outcomes(like: Outcomes, answers: npt.NDArray[np.float64]) -> Outcomes | None:
    """Kept answers as outcomes on the same rows; none if they are of another kind."""
    given = like.predicted.shape[1] if like.task == "multilabel" else 1
    if answers.shape[1] != given + (0 if like.probabilities is None else like.probabilities.shape[1]):
        return None
    predicted = answers[:, :given] if like.task == "regression" else answers[:, :given].astype(int)
    return replace(
        like,
        predicted=predicted if like.task == "multilabel" else predicted[:, 0],
        probabilities=None if like.probabilities is None else answers[:, given:],
    )
