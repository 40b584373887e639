"""What a search found, as records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml_engineer.modelling.search import SearchResult
from ml_engineer.modelling.standing import Standing
from ml_engineer.modelling.training_data import Predictions, TrainingData
from ml_engineer.statistics.intervals import estimate, gain
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.training import EXPLAINED_BY, CandidateResult, Leaderboard

__all__ = ["candidate_result", "champion_gain", "champion_score", "leaderboard"]

# Intervals of candidates that did not win are only there to be read beside each other.
_REPLICATES = (50, 200)
_WEIGHTS_DRAWN = 2e7


def leaderboard(
    result: SearchResult, data: TrainingData, *, seed: int, known: Mapping[str, CandidateResult] | None = None
) -> Leaderboard:
    """Every candidate as a record, best first; those in `known` by name are not worked out again.

    A champion that was calibrated since is: its predictions are others now.
    """
    done = dict(known or {})
    if result.champion.calibration is not None:
        done.pop(result.champion.candidate.name, None)
    return Leaderboard(
        metric=data.metric,
        candidates=tuple(
            done.get(standing.candidate.name) or candidate_result(standing, data, seed=seed)
            for standing in result.standings
        ),
    )


def candidate_result(standing: Standing, data: TrainingData, *, seed: int) -> CandidateResult:
    """One candidate as a record; without a score if no fold was finished."""
    fewest, most = _REPLICATES
    replicates = int(np.clip(_WEIGHTS_DRAWN / data.rows, fewest, most))
    scores = [metric_value(data.metric, standing.outcomes(data, [fold])) for fold in standing.first_folds(data)]
    finite = [score for score in scores if np.isfinite(score)]
    predicted = sum(len(data.all_pairs[fold][1]) for fold in standing.fits)
    seconds = sum(fit.predict_seconds for fit in standing.fits.values())
    size = max((fit.model_bytes for fit in standing.fits.values()), default=0)
    return CandidateResult(
        name=standing.candidate.name,
        family=standing.candidate.family,
        status=standing.status,
        fold_scores=tuple(finite),
        score=_score(standing.outcomes(data), data, seed=seed, replicates=replicates) if finite else None,
        score_std=float(np.std(finite, ddof=1)) if len(finite) > 1 else None,
        fit_seconds=standing.fit_seconds,
        predict_milliseconds_per_row=1000 * seconds / predicted if predicted else None,
        model_megabytes=size / 1e6 if size else None,
        explained_by=EXPLAINED_BY[standing.candidate.family],
        parameters=standing.candidate.parameters,
        reason="" if standing.status == "finished" else standing.reason,
        decisions=tuple(standing.story),
        mitigates=standing.candidate.mitigates,
    )


def champion_score(predictions: Predictions, threshold: float | None, data: TrainingData, *, seed: int) -> Estimate:
    """The score of exactly these out-of-fold predictions: what champion.py reproduces."""
    return estimate(data.metric, data.outcomes(predictions, threshold=threshold), seed=seed)


def champion_gain(result: SearchResult, data: TrainingData, *, seed: int) -> Estimate:
    """Champion against baseline on the rows that both predicted, paired; positive is better."""
    folds = result.champion.first_folds(data)
    return gain(data.metric, result.champion.outcomes(data, folds), result.baseline.outcomes(data, folds), seed=seed)


def _score(outcomes: Outcomes, data: TrainingData, *, seed: int, replicates: int) -> Estimate | None:
    if not np.isfinite(metric_value(data.metric, outcomes)):
        return None
    return estimate(data.metric, outcomes, replicates=replicates, seed=seed)
