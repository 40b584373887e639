"""What a score is worth after so much was tried: candidates of all runs on the same rows, and looks before."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer.errors import ProjectStateError
from ml_engineer.evaluation.prediction import Predictions, decide, encode_target, make_outcomes, positive_code
from ml_engineer.modelling.ensemble import cross_fitted_average
from ml_engineer.modelling.training_data import loss_for
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
    before, were passed over for other reasons and lend its score no luck. An average of models is judged by predictions
    for which the weights were chosen anew on the other folds.

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
    own = _own_predictions(champion, development)
    if own is None:
        note = "The champion's out-of-fold predictions are not here, so the choice cannot be corrected for."
        return count.model_copy(update={"note": note})
    others, notes = _other_predictions(champion, tally, rows=np.flatnonzero(_known(own)), like=own)
    judged = _judged(champion, development, [own, *others], metric)
    mine = metric_value(metric, judged[0][0])
    if not isfinite(mine):
        return count.model_copy(update={"note": f"{metric} is undefined on the out-of-fold predictions."})
    beaten = [each for each in judged if not _surpasses(each, mine, metric)]
    average = _without_own_weights(champion, development, own)
    if average is not None:
        beaten[0] = _judged(champion, development, [average], metric)[0]
        notes.append("The weights of the average were chosen anew for each fold, on the rows of the others.")
    if len(beaten) < len(judged):
        notes.append(f"{len(judged) - len(beaten)} candidate(s) scored better and were passed over; they lend no luck.")
    if len(judged) == 1 and tally.candidates > 1:
        notes.append("No other candidate's predictions are here: what was tried is counted, but not corrected for.")
        return count.model_copy(update={"note": " ".join(notes)})
    outcomes = [one for each in beaten for one in each if isfinite(metric_value(metric, one))]
    corrected = corrected_score(metric, outcomes, seed=champion.training.seed)
    return count.model_copy(update={"corrected": corrected, "compared": len(judged), "note": " ".join(notes)})


def _without_own_weights(champion: LoadedChampion, development: Development, own: Floats) -> Floats | None:
    """The champion's predictions with weights chosen on other folds; none unless it is an average whose parts are here."""
    training = champion.training
    if training.champion.family != "ensemble":
        return None
    names = {
        each.name
        for each in training.leaderboard.candidates
        if each.status == "finished" and each.family not in {"ensemble", "baseline"} and not each.mitigates
    }
    try:
        stored = read_candidate_predictions(champion.layout, training.run_id) or {}
    except ProjectStateError:
        return None  # told already
    rows = np.flatnonzero(_known(own))
    parts = [
        values[rows]
        for name, values in stored.items()
        if name in names and values.shape == own.shape and _known(values)[rows].all()
    ]
    if len(parts) < 2:
        return None
    actual = encode_target(development.frame[champion.problem.target].iloc[rows], champion.problem)
    groups = champion.problem.split.group_columns
    average = np.full_like(own, np.nan)
    average[rows] = cross_fitted_average(
        parts,
        actual,
        development.folds[rows],
        loss=loss_for(champion.problem.judged_as, training.leaderboard.metric, quantile=champion.problem.quantile),
        units=group_codes(development.frame, groups)[rows] if groups else rows,
        seed=training.seed,
    )
    return average


def _known(values: Floats) -> npt.NDArray[np.bool_]:
    """Which rows were predicted."""
    return np.isfinite(values.reshape(len(values), -1)[:, 0])


def _own_predictions(champion: LoadedChampion, development: Development) -> Floats | None:
    """The champion's out-of-fold predictions in the order of the rows, NaN where there is none."""
    path = champion.layout.root / champion.training.out_of_fold_path
    if not path.exists():
        return None
    table = pd.read_parquet(path)
    table = table[table["fold"] >= 0].set_index("row").reindex(development.frame.index)
    columns = [f"p{code}" for code in range(len(champion.problem.classes))] or ["predicted"]
    values = table[columns].to_numpy(float)
    return values if champion.problem.classes else values[:, 0]


def _surpasses(candidate: list[Outcomes], mine: float, metric: Metric) -> bool:
    """Whether a candidate scored better than the champion, which was then not chosen for its score over this one."""
    sign = 1.0 if direction_of(metric) == "higher" else -1.0
    return sign * (metric_value(metric, candidate[0]) - mine) > _ROUNDING * max(1.0, abs(mine))


def _other_predictions(
    champion: LoadedChampion, tally: Tally, *, rows: npt.NDArray[np.integer], like: Floats
) -> tuple[list[Floats], list[str]]:
    """Predictions of the other candidates of all runs that predicted `rows` too, and what to know of those missing."""
    found: list[Floats] = []
    without = 0
    notes: list[str] = []
    for run in tally.runs:
        try:
            of_run = dict(read_candidate_predictions(champion.layout, run.run_id) or {})
        except ProjectStateError as error:
            of_run, notes = {}, [*notes, f"{error.problem}."]
        without += bool(run.candidates) and not of_run
        if run.run_id == champion.training.run_id:
            of_run.pop(champion.training.champion.name, None)
        found += [values for values in of_run.values() if values.shape == like.shape and _known(values)[rows].all()]
    if without:
        notes.append(f"{without} run(s) kept no predictions: their candidates are counted, but not corrected for.")
    return found, notes


def _judged(
    champion: LoadedChampion, development: Development, everybody: list[Floats], metric: Metric
) -> list[list[Outcomes]]:
    """Each candidate, the champion first, on the rows that the champion predicted, in time order where that matters.

    A candidate is one outcome, or several at as many thresholds where costs choose the threshold.
    """
    rows = _in_time(champion, development)
    rows = rows[_known(everybody[0])[rows]]
    frame, definition = development.frame.iloc[rows], champion.split.definition
    actual = encode_target(frame[champion.problem.target], champion.problem)
    clusters = group_codes(frame, definition.group_columns) if definition.group_columns else None
    judged = []
    for values in everybody:
        answers = _answers(champion, values[rows])
        one = make_outcomes(champion.problem, actual, answers, clusters=clusters, blocks=definition.strategy == "time")
        judged.append(_at_thresholds(champion, one) if metric == "expected_cost" else [one])
    return judged


def _in_time(champion: LoadedChampion, development: Development) -> npt.NDArray[np.integer]:
    definition, frame = champion.split.definition, development.frame
    if definition.strategy != "time" or definition.time_column is None:
        return np.arange(len(frame))
    return np.argsort(frame[definition.time_column].to_numpy(), kind="stable")


def _answers(champion: LoadedChampion, values: Floats) -> Predictions:
    if values.ndim == 1:
        return Predictions(values)
    return Predictions(decide(values, champion.problem, champion.training.champion.decision_threshold), values)


def _at_thresholds(champion: LoadedChampion, outcomes: Outcomes) -> list[Outcomes]:
    """A candidate at several thresholds: where costs choose the threshold, that choice is corrected for too."""
    if outcomes.probabilities is None:
        return [outcomes]
    positive = positive_code(champion.problem)
    scores = outcomes.probabilities[:, positive]
    cuts = np.unique(np.quantile(scores, _QUANTILES))
    called = [np.where(scores >= cut, positive, 1 - positive) for cut in cuts]
    return [outcomes, *(replace(outcomes, predicted=labels) for labels in called)]
