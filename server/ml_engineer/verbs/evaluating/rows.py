"""What `evaluate` asks of rows: sealed ones for aggregates, development rows for everything row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml_engineer import seal, splitting
from ml_engineer.evaluation.groups import compare_held_out_groups, group_labels, score_groups
from ml_engineer.evaluation.held_out import (
    Admitted,
    HeldOutScores,
    admit_unknown_classes,
    score_held_out,
)
from ml_engineer.evaluation.importance import Shuffler, cross_fit, permutation_importance
from ml_engineer.evaluation.prediction import Predictions, encode_target, learned_target, make_outcomes
from ml_engineer.evaluation.survival import in_time
from ml_engineer.evaluation.word_influence import word_influences
from ml_engineer.project.development import Development
from ml_engineer.project.tally import load_tally
from ml_engineer.statistics.intervals import share_of_rows
from ml_engineer.statistics.label_sets import chosen_labels
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.verbs.evaluating.champion_comparison import compare_with_champion, keep_for_comparison
from ml_engineer.verbs.signature import who_acts
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.estimates import Estimate
from ml_engineer.vocabulary.evaluation import ChampionComparison, GroupResult, Importance, WordInfluence
from ml_engineer.vocabulary.fairness import FairnessAssessment

__all__ = [
    "HeldOutPart",
    "OutOfFoldPart",
    "ask_development_rows",
    "held_out_outcomes",
    "out_of_fold_outcomes",
    "score_sealed_rows",
]

_WORDS_SECONDS = 10.0
_IMPORTANCE_SECONDS = 10.0


@dataclass(frozen=True)
class HeldOutPart:
    """What the held-out rows gave: aggregates, and outcomes to draw aggregates from."""

    outcomes: Outcomes
    classes: tuple[str, ...]
    look: int
    scores: HeldOutScores
    groups: tuple[GroupResult, ...]
    fairness: FairnessAssessment | None
    coverage: Estimate | None
    against_champion: ChampionComparison | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class OutOfFoldPart:
    """What predictions on development rows gave."""

    outcomes: Outcomes | None
    row_numbers: npt.NDArray[np.integer]
    importances: tuple[Importance, ...]
    words: tuple[WordInfluence, ...]
    warnings: tuple[str, ...]


# --- held-out rows ---------------------------------------------------------------------------------------------------


def score_sealed_rows(champion: LoadedChampion, development: Development, *, now: str, why: str) -> HeldOutPart:
    """Open the rows, which counts the look first, and score them; the point values go into the ledger.

    Raises
    ------
    SealError
        If the vault, the ledger or the deal does not add up.
    """
    problem, layout, sha256 = champion.problem, champion.layout, champion.training.champion.model_sha256
    deal_id, who = champion.split.deal_id, who_acts()
    tried = load_tally(layout).of_rows(champion.split.development_sha256).candidates
    opening = seal.open_held_out(
        deal_id, project_ledger=layout.ledger, model_sha256=sha256, now=now, who=who, why=why, candidates=tried
    )
    frame = _scored(opening.frame, champion)
    admitted = held_out_outcomes(champion, frame)
    known = encode_target(development.frame[problem.target], problem)
    scores = score_held_out(
        problem.primary_metric, admitted.outcomes, known, look=opening.look, seed=champion.training.seed
    )
    points: dict[str, float] = {result.metric: result.model.value for result in scores.metrics}
    seal.record_score(deal_id, project_ledger=layout.ledger, model_sha256=sha256, metrics=points, now=now, who=who)
    rows = frame.index.to_numpy()[admitted.kept]
    keep_for_comparison(champion, admitted.outcomes, rows)
    against = compare_with_champion(
        champion, admitted.outcomes, rows, metric=scores.metrics[0].metric, look=opening.look
    )
    problems = seal.ledger_problems(deal_id, project_ledger=layout.ledger)
    labels_by_column = _labels(frame[admitted.kept], development.frame, champion)
    seed = champion.training.seed
    return HeldOutPart(
        outcomes=admitted.outcomes,
        classes=admitted.classes,
        look=opening.look,
        scores=scores,
        groups=tuple(
            result
            for column, names in labels_by_column.items()
            for result in score_groups(column, names, admitted.outcomes, seed=seed)
        ),
        fairness=compare_held_out_groups(problem, admitted.outcomes, labels_by_column, seed=seed),
        coverage=_coverage(admitted.outcomes, frame[admitted.kept], champion),
        against_champion=against,
        warnings=(*admitted.warnings, *scores.warnings, *problems),
    )


def held_out_outcomes(champion: LoadedChampion, frame: pd.DataFrame) -> Admitted:
    """The champion's answers to sealed rows beside what came true, rows of unknown classes dealt with."""
    problem, frame = champion.problem, _scored(frame, champion)
    outcomes = make_outcomes(
        problem,
        encode_target(frame[problem.target], problem),
        champion.answer(frame),
        clusters=_clusters(frame, champion),
        blocks=champion.split.definition.strategy == "time",
    )
    curve = champion.training.champion.survival
    if curve is not None:
        outcomes = in_time(outcomes, curve)
    labels = [str(label) for label in frame[problem.target]]
    return admit_unknown_classes(outcomes, labels, problem.classes)


def _scored(frame: pd.DataFrame, champion: LoadedChampion) -> pd.DataFrame:
    """Rows with a target, from earliest to latest where time matters."""
    return _in_order(frame[frame[champion.problem.target].notna()], champion)


def _in_order(frame: pd.DataFrame, champion: LoadedChampion) -> pd.DataFrame:
    """Rows from earliest to latest where time matters, as a block bootstrap needs them."""
    definition = champion.split.definition
    if definition.strategy != "time" or definition.time_column is None:
        return frame
    return frame.sort_values(definition.time_column, kind="stable")


def _clusters(frame: pd.DataFrame, champion: LoadedChampion) -> npt.NDArray[np.integer] | None:
    columns = champion.split.definition.group_columns
    return splitting.group_codes(frame, columns) if columns else None


def _labels(
    frame: pd.DataFrame, reference: pd.DataFrame, champion: LoadedChampion
) -> dict[str, npt.NDArray[np.object_]]:
    """Group of each held-out row by sensitive column, cut as on development rows; for some tasks none.

    Scores of rankings and survival have no unit, and a row with several labels has several errors: none has one that groups
    could be compared by.
    """
    if champion.problem.task_type in {"ranking", "survival", "multilabel"}:
        return {}
    return {
        column: group_labels(frame[column], reference[column])
        for column in champion.problem.sensitive_columns
        if column in frame.columns and column in reference.columns
    }


def _coverage(outcomes: Outcomes, frame: pd.DataFrame, champion: LoadedChampion) -> Estimate | None:
    if champion.problem.quantile is not None:
        below = outcomes.actual.astype(float) <= outcomes.predicted.astype(float)
        return share_of_rows(below, outcomes, seed=champion.training.seed)
    if outcomes.judged_as != "regression":
        return None
    ends = champion.interval_ends(outcomes.predicted.astype(float), frame)
    if ends is None:
        return None
    actual = outcomes.actual.astype(float)
    inside = (ends[0] <= actual) & (actual <= ends[1])
    return share_of_rows(inside, outcomes, seed=champion.training.seed)


# --- development rows --------------------------------------------------------------------------------------------


def ask_development_rows(champion: LoadedChampion, development: Development, context: WorkContext) -> OutOfFoldPart:
    """Errors of the run's out-of-fold predictions, and what models fitted on other folds need."""
    outcomes, row_numbers, warnings = _stored_out_of_fold(champion, development.frame)
    importances, words = _importances(champion, development, context)
    if not importances:
        warnings = (*warnings, f"Importance could not be measured: {champion.problem.primary_metric} is undefined.")
    return OutOfFoldPart(outcomes, row_numbers, importances, words, warnings)


def out_of_fold_outcomes(champion: LoadedChampion, development: Development) -> Outcomes | None:
    """The run's stored out-of-fold predictions beside what came true; none if they are not there."""
    return _stored_out_of_fold(champion, development.frame)[0]


def _stored_out_of_fold(
    champion: LoadedChampion, frame: pd.DataFrame
) -> tuple[Outcomes | None, npt.NDArray[np.integer], tuple[str, ...]]:
    """Out-of-fold outcomes of the run, with the row numbers they belong to."""
    path = champion.layout.root / champion.training.out_of_fold_path
    if not path.exists():
        missing = f"There is no {champion.training.out_of_fold_path}; errors of single development rows are not shown."
        return None, np.empty(0, dtype=int), (missing,)
    table = pd.read_parquet(path)
    table = table[table["fold"] >= 0]
    rows = frame.loc[table["row"]]
    columns = [f"p{code}" for code in range(len(champion.problem.classes))]
    labelled = champion.problem.form == "multilabel"
    predicted = chosen_labels(table, len(columns)) if labelled else table["predicted"].to_numpy()
    answers = Predictions(predicted, table[columns].to_numpy() if columns else None)
    actual = encode_target(rows[champion.problem.target], champion.problem)
    outcomes = make_outcomes(champion.problem, actual, answers, clusters=_clusters(rows, champion))
    return outcomes, table["row"].to_numpy(), ()


def _importances(
    champion: LoadedChampion, development: Development, context: WorkContext
) -> tuple[tuple[Importance, ...], tuple[WordInfluence, ...]]:
    """Columns that the model needs, and words that move it, from models fitted on folds."""
    problem, frame, seed = champion.problem, development.frame, champion.training.seed
    rows = frame.drop(columns=problem.target)
    fitted = cross_fit(
        champion.model,
        champion.build_features(rows),
        learned_target(frame[problem.target], problem),
        splitting.fold_pairs(development.folds, champion.split.definition),
        queries=splitting.query_codes(problem, frame),
        clock=context.clock,
        budget_seconds=_IMPORTANCE_SECONDS / 2,
        seed=seed,
    )
    shuffler = Shuffler(
        fitted,
        rows,
        problem,
        champion.build_features,
        champion.training.champion.decision_threshold,
        np.random.default_rng(seed),
    )
    columns = permutation_importance(
        shuffler,
        encode_target(frame[problem.target], problem),
        clusters=_clusters(frame, champion),
        clock=context.clock,
        budget_seconds=_IMPORTANCE_SECONDS / 2,
        seed=seed,
    )
    words = word_influences(
        fitted,
        rows,
        problem,
        champion.build_features,
        clock=context.clock,
        budget_seconds=_WORDS_SECONDS,
        seed=seed,
    )
    return columns, words
