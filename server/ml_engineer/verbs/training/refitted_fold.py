"""One fold of the champion fitted again from its code, on the other folds' rows and on nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.errors import MlEngineerError, ProjectStateError
from ml_engineer.evaluation.prediction import learned_target, predict
from ml_engineer.guardrails import RefitFacts
from ml_engineer.project.development import Development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.user_code import load_champion_builder, load_features
from ml_engineer.splitting import fold_pairs, query_codes
from ml_engineer.statistics.query_fit import fit_told
from ml_engineer.statistics.resampling import sample_rows
from ml_engineer.verbs.training.row_weights import row_weights
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["refit_one_fold"]

Pairs = Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]

_PATIENCE_SECONDS: Final = 30.0
_CLOSE: Final = 1e-2
"""Of a probability, or of the spread of predicted numbers. Another order of sums (other cores, another library) has changed a solver
that stopped early by 0.003 on real rows; another random state, or rows that were seen, change more than this."""


def refit_one_fold(
    layout: ProjectLayout, problem: ProblemDefinition, split: SplitPlan, training: TrainingRun, development: Development
) -> RefitFacts | None:
    """Fit what champion.py builds on the rows of all folds but one, and compare with the stored predictions of that one.

    Features are made of the rows that are learned from and of the rows that are predicted apart from each other, and the
    target of the latter is not at hand. If the stored out-of-fold predictions come true again, they were made so.

    Returns
    -------
    RefitFacts or None
        None where there are no stored predictions.
    """
    path = layout.out_of_fold(training.run_id)
    if not path.exists():
        return None
    expected = _seconds_a_fold(training)
    if expected > _PATIENCE_SECONDS:
        return RefitFacts(problem=f"one fold takes about {expected:.0f} seconds to fit, which is not spent here")
    started = time.monotonic()
    try:
        pairs = fold_pairs(development.folds, split.definition)
        mended = training.champion.calibration != "none"
        stored = pd.read_parquet(path).set_index("row")
        facts = _compared(
            layout, problem, development, pairs, stored, mended=mended, most_rows=training.champion.learned_rows
        )
    except (MlEngineerError, ValueError, TypeError) as error:
        return RefitFacts(problem=f"champion.py could not be fitted again: {' '.join(str(error).split())[:200]}")
    return replace(facts, seconds=time.monotonic() - started)


def _seconds_a_fold(training: TrainingRun) -> float:
    result = next((each for each in training.leaderboard.candidates if each.name == training.champion.name), None)
    return 0.0 if result is None or not result.fold_scores else result.fit_seconds / len(result.fold_scores)


def _compared(
    layout: ProjectLayout,
    problem: ProblemDefinition,
    development: Development,
    pairs: Pairs,
    stored: pd.DataFrame,
    *,
    mended: bool,
    most_rows: int | None,
) -> RefitFacts:
    frame = development.frame
    whole = [(train, test) for train, test in pairs if (stored["fold"].reindex(frame.index[test]) >= 0).all()]
    if not whole:
        raise ProjectStateError("no fold has predictions for all of its rows")
    given, test = whole[0]
    train: npt.NDArray[np.integer] = given if most_rows is None else sample_rows(given, most_rows)
    build_features = load_features(layout)
    shown = frame.drop(columns=problem.target)
    target = learned_target(frame[problem.target], problem)[train]
    # A fold's own calibration was learned without it.
    model = load_champion_builder(layout)(*([int(development.folds[test[0]])] if mended else []))
    weights = row_weights(problem, frame)
    queries = query_codes(problem, frame)
    # As in the search: sums on several cores are added in another order, which solvers that stop early make visible.
    with threadpool_limits(limits=1, user_api="blas"):
        fit_told(
            model,
            build_features(shown.iloc[train]),
            target if problem.classes else target.astype(float),
            weights=None if weights is None else weights[train],
            queries=None if queries is None else queries[train],
        )
        answer = predict(model, build_features(shown.iloc[test]), problem, threshold=None)
    before = stored.loc[frame.index[test]]
    if answer.probabilities is not None:
        differences = np.abs(
            answer.probabilities - before[[f"p{code}" for code in range(len(problem.classes))]].to_numpy()
        )
        unequal = (differences > _CLOSE).any(axis=1)
    else:
        unequal = _unequal(np.asarray(answer.predicted, dtype=float), before["predicted"].to_numpy(dtype=float))
    return RefitFacts(
        rows=len(test),
        unequal_rows=int(unequal.sum()),
        examples=tuple(int(row) for row in frame.index[test][unequal][:4]),
    )


def _unequal(now: npt.NDArray[np.float64], before: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.abs(now - before) > _CLOSE * max(float(np.std(before)), 1e-12)
