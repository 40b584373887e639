"""Mitigations of the disparities that a champion's out-of-fold predictions show, tried within a small budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ml_engineer import splitting
from ml_engineer.evaluation.groups import group_labels
from ml_engineer.evaluation.mitigation import out_of_fold_disparities, try_thresholds
from ml_engineer.evaluation.prediction import encode_target, learned_target
from ml_engineer.evaluation.refits import Refitter, try_refits
from ml_engineer.project.development import Development
from ml_engineer.statistics.metrics import Outcomes
from ml_engineer.verbs.champion import LoadedChampion
from ml_engineer.vocabulary.context import WorkContext
from ml_engineer.vocabulary.fairness import MitigationTrial

__all__ = ["try_mitigations"]

_SECONDS = 40.0


def try_mitigations(
    champion: LoadedChampion, development: Development, outcomes: Outcomes | None, context: WorkContext
) -> tuple[MitigationTrial, ...]:
    """What could be done about each disparity shown out of fold, and at what price; nothing where none is shown.

    Parameters
    ----------
    champion : LoadedChampion
        What was trained.
    development : Development
        Its rows and folds.
    outcomes : Outcomes or None
        The run's stored out-of-fold predictions, in the order of their file.
    context : WorkContext
        Its clock.
    """
    path: Path = champion.layout.root / champion.training.out_of_fold_path
    columns = [name for name in champion.problem.sensitive_columns if name in development.frame.columns]
    if outcomes is None or not columns or champion.problem.task_type in {"ranking", "survival", "multilabel"}:
        return ()
    table = pd.read_parquet(path, columns=["row", "fold"])
    table = table[table["fold"] >= 0]
    places = development.frame.index.get_indexer(pd.Index(table["row"]))
    seed = champion.training.seed
    everywhere = {name: group_labels(development.frame[name], development.frame[name]) for name in columns}
    assessment, shown = out_of_fold_disparities(
        champion.problem, outcomes, {name: labels[places] for name, labels in everywhere.items()}, seed=seed
    )
    trials: list[MitigationTrial] = []
    worst = sorted(shown, key=lambda one: -(one.difference.value if one.difference else 0.0))
    refitter = _refitter(champion, development, context) if worst else None
    deadline = context.clock() + _SECONDS
    for comparison in worst:
        labels = everywhere[comparison.columns[0]]
        folds = table["fold"].to_numpy()
        by_threshold = try_thresholds(
            champion.problem,
            outcomes,
            labels=labels[places],
            folds=folds,
            comparison=comparison,
            assessment=assessment,
            seed=seed,
        )
        trials += [] if by_threshold is None else [by_threshold]
        assert refitter is not None
        trials += try_refits(refitter, labels, comparison, assessment, deadline=deadline)
    return tuple(trials)


def _refitter(champion: LoadedChampion, development: Development, context: WorkContext) -> Refitter:
    problem, frame = champion.problem, development.frame
    definition = champion.split.definition
    return Refitter(
        model=champion.model,
        features=champion.build_features(frame.drop(columns=problem.target)),
        target=learned_target(frame[problem.target], problem),
        actual=np.asarray(encode_target(frame[problem.target], problem)),
        pairs=splitting.fold_pairs(development.folds, definition),
        problem=problem,
        threshold=champion.training.champion.decision_threshold,
        clock=context.clock,
        clusters=splitting.group_codes(frame, definition.group_columns) if definition.group_columns else None,
        seed=champion.training.seed,
    )
