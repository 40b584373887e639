"""What a score is worth after so much was tried: candidates of all runs on the same rows, and looks before."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import numpy as np
import numpy.typing as npt

from ml_engineer.errors import ProjectStateError
from ml_engineer.evaluation.prediction import Predictions, encode_target, make_outcomes, positive_code
from ml_engineer.project.candidate_predictions import read_candidate_predictions
from ml_engineer.project.development import Development
from ml_engineer.project.tally import load_tally
from ml_engineer.splitting import group_codes
from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.selection import corrected_score
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.vocabulary.estimates import Estimate, Metric, direction_of
from ml_engineer.vocabulary.evaluation import HonestScore
from ml_engineer.vocabulary.tally import Tally

__all__ = ["honest_score"]

_QUANTILES = np.linspace(0.05, 0.95, 19)
"""Where costs choose the threshold, a candidate is judged at these quantiles of its own probabilities."""

_ROUNDING = 1e-5
"""Predictions are kept in single precision, so a candidate's score is known a little less exactly than the champion's."""

Floats = npt.NDArray[np.float64]


def honest_score(
    champion: LoadedChampion, development: Development, *, metric: Metric, best: Estimate, looks_before: int
) -> HonestScore:
    """Count what was tried on these development rows, and correct the champion's score for the choice.

    The champion was chosen among the candidates that it beats, in whatever run; those that scored better, in a run
    before, were passed over for other reasons and lend its score no luck.

    Parameters
    ----------
    champion : LoadedChampion
        The champion.
    development : Development
        The rows that all candidates predicted out of fold.
    metric : Metric
        What decides.
    best : Estimate
        The champion's cross-validated score in that metric.
    looks_before : int
        Models that the held-out rows had judged before.
    """
    tally = load_tally(champion.layout).of_rows(champion.split.development_sha256)
    count = HonestScore(
        best=best,
        tried=tally.candidates,
        runs=len(tally.runs),
        looks_before=looks_before,
        look_budget=champion.problem.look_budget,
    )
    stored, notes = _stored(champion, tally, rows=len(development.frame))
    everything = _judged(champion, development, stored, metric)
    judged = [each for each in everything if not _surpasses(each, best, metric)]
    if len(judged) < len(everything):
        notes.append("Candidates that scored better and were not chosen are counted, but flatter nobody.")
    judged = [each for each in judged if isfinite(metric_value(metric, each))]
    if not judged:
        notes.append("The candidates' out-of-fold predictions were not kept, so their choice cannot be corrected for.")
        return count.model_copy(update={"note": " ".join(notes)})
    corrected = corrected_score(metric, judged, seed=champion.training.seed)
    return count.model_copy(update={"corrected": corrected, "compared": len(stored), "note": " ".join(notes)})


def _surpasses(candidate: Outcomes, best: Estimate, metric: Metric) -> bool:
    """Whether a candidate scored better than the champion, which was then not chosen for its score over this one."""
    sign = 1.0 if direction_of(metric) == "higher" else -1.0
    return sign * (metric_value(metric, candidate) - best.value) > _ROUNDING * max(1.0, abs(best.value))


def _stored(champion: LoadedChampion, tally: Tally, *, rows: int) -> tuple[list[Floats], list[str]]:
    """Predictions of all candidates of all runs, and what a person should know of those that are not there."""
    wanted = None if champion.problem.task_type == "regression" else len(champion.problem.classes)
    found: list[Floats] = []
    without = 0
    notes: list[str] = []
    for run in tally.runs:
        try:
            of_run = read_candidate_predictions(champion.layout, run.run_id)
        except ProjectStateError as error:
            of_run, notes = None, [*notes, f"{error.problem}."]
        fitting = [
            values
            for values in (of_run or {}).values()
            if len(values) == rows and (None if values.ndim == 1 else values.shape[1]) == wanted
        ]
        found += fitting
        without += bool(run.candidates) and not fitting
    if without and found:
        notes.append(f"{without} run(s) kept no predictions: their candidates are counted, but not corrected for.")
    return found, notes


def _judged(champion: LoadedChampion, development: Development, stored: list[Floats], metric: Metric) -> list[Outcomes]:
    """Every candidate on the rows that all of them predicted, from earliest to latest where time matters."""
    if not stored:
        return []
    known = np.all([np.isfinite(values.reshape(len(values), -1)[:, 0]) for values in stored], axis=0)
    rows = _in_time(champion, development)
    rows = rows[known[rows]]
    frame, definition = development.frame.iloc[rows], champion.split.definition
    if len(frame) == 0:
        return []
    actual = encode_target(frame[champion.problem.target], champion.problem)
    clusters = group_codes(frame, definition.group_columns) if definition.group_columns else None
    blocks = definition.strategy == "time"
    judged = []
    for values in stored:
        answers = _answers(champion, values[rows])
        one = make_outcomes(champion.problem, actual, answers, clusters=clusters, blocks=blocks)
        judged += _at_thresholds(champion, one) if metric == "expected_cost" else [one]
    return judged


def _in_time(champion: LoadedChampion, development: Development) -> npt.NDArray[np.integer]:
    definition, frame = champion.split.definition, development.frame
    if definition.strategy != "time" or definition.time_column is None:
        return np.arange(len(frame))
    return np.argsort(frame[definition.time_column].to_numpy(), kind="stable")


def _answers(champion: LoadedChampion, values: Floats) -> Predictions:
    if values.ndim == 1:
        return Predictions(values)
    threshold = champion.training.champion.decision_threshold
    if threshold is None or champion.problem.task_type != "binary":
        return Predictions(values.argmax(axis=1), values)
    positive = positive_code(champion.problem)
    return Predictions(np.where(values[:, positive] >= threshold, positive, 1 - positive), values)


def _at_thresholds(champion: LoadedChampion, outcomes: Outcomes) -> list[Outcomes]:
    """A candidate at several thresholds: where costs choose the threshold, that choice is corrected for too."""
    if outcomes.probabilities is None:
        return [outcomes]
    positive = positive_code(champion.problem)
    scores = outcomes.probabilities[:, positive]
    cuts = np.unique(np.quantile(scores, _QUANTILES))
    called = [np.where(scores >= cut, positive, 1 - positive) for cut in cuts]
    return [outcomes, *(replace(outcomes, predicted=labels) for labels in called)]
