"""One fold of a grouping or a detector fitted again from its code, on the other folds' rows and on nothing else."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, untyped

from ml_engineer.errors import MlEngineerError
from ml_engineer.guardrails import RefitFacts
from ml_engineer.project.development import Development
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.user_code import load_champion_builder, load_features
from ml_engineer.splitting import fold_pairs
from ml_engineer.unsupervised.agreement import aligned
from ml_engineer.unsupervised.judging import anomaly_scores, group_labels
from ml_engineer.unsupervised.rows import sample_positions
from ml_engineer.vocabulary.problem import ProblemDefinition
from ml_engineer.vocabulary.split import SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["refit_without_target"]

_CLOSE: Final = 1e-4
"""Of the spread of the scores: what another order of sums may change."""


def refit_without_target(
    layout: ProjectLayout, problem: ProblemDefinition, split: SplitPlan, training: TrainingRun, development: Development
) -> RefitFacts | None:
    """Fit what champion.py builds on the rows of all folds but one, and compare with what is stored of that one.

    Returns
    -------
    RefitFacts or None
        None where nothing is stored.
    """
    path = layout.out_of_fold(training.run_id)
    if not path.exists():
        return None
    started = time.monotonic()
    chosen = sample_positions(len(development.frame))
    frame = development.frame.iloc[chosen]
    train, test = fold_pairs(development.folds[chosen], split.definition)[-1]
    stored = pd.read_parquet(path).set_index("row")["predicted"].loc[frame.index[test]].to_numpy(float)
    try:
        with threadpool_limits(limits=1):
            unequal = _unequal(layout, problem, frame, train=train, test=test, stored=stored)
    except (MlEngineerError, ValueError, TypeError) as error:
        return RefitFacts(problem=f"champion.py could not be fitted again: {' '.join(str(error).split())[:200]}")
    return RefitFacts(
        rows=len(test),
        unequal_rows=int(unequal.sum()),
        examples=tuple(int(row) for row in frame.index[test][unequal][:4]),
        seconds=time.monotonic() - started,
    )


def _unequal(
    layout: ProjectLayout,
    problem: ProblemDefinition,
    frame: pd.DataFrame,
    *,
    train: npt.NDArray[np.integer],
    test: npt.NDArray[np.integer],
    stored: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    shown = frame.drop(columns=problem.target, errors="ignore")
    build = load_features(layout)
    model: Any = load_champion_builder(layout)().fit(build(shown.iloc[train]))
    answers = build(shown.iloc[test])
    if problem.task_type != "clustering":
        far = _CLOSE * max(float(np.std(stored)), 1e-12)
        return np.asarray(np.abs(anomaly_scores(model, answers) - stored) > far)
    now, before = group_labels(model, answers).astype(int), stored.astype(int)
    if adjusted_rand_score(now, before) == 1.0:  # the same groups, whatever their numbers
        return np.zeros(len(now), dtype=bool)
    return np.asarray(aligned(now, before) != before)
